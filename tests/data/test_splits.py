"""Splits: complete, disjoint, repeatable, and without the same structure on both sides."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from mlip.data import Frame, Split, SplitConfig, split_frames
from mlip.settings import SettingsError, parse_settings

PARTS = ("train", "valid", "test")


def frames_of(count, types=("default",), copies=()):
    frames = []
    for n in range(count):
        atoms = molecule("H2O")
        atoms.positions[0, 0] += 0.01 * (n if n not in copies else 0)
        atoms.translate([0.1 * n, 0.0, 0.0])
        atoms.info["trajectory"] = f"run{n // 5}"
        frames.append(Frame(atoms, {}, types[n % len(types)], f"a#{n}"))
    return frames


@given(
    count=st.integers(3, 60),
    seed=st.integers(0, 2**31),
    n_types=st.integers(1, 4),
    fractions=st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5, 0.0), (0.34, 0.33, 0.33), (1, 0, 0)]),
    method=st.sampled_from(["random", "stratified"]),
)
@settings(max_examples=60, deadline=None)
def test_every_frame_is_in_one_part_and_fractions_are_met(count, seed, n_types, fractions, method):
    config = SplitConfig(method=method, fractions=fractions, seed=seed)
    frames = frames_of(count, [f"type{n}" for n in range(n_types)])
    if any(0 < count * fraction < 1 for fraction in fractions):
        return
    split = split_frames(frames, config)
    assert sorted([*split.train, *split.valid, *split.test]) == list(range(count))
    for part, fraction in zip(PARTS, fractions):
        assert abs(len(getattr(split, part)) - count * fraction) <= 1.0
    assert split_frames(frames, config) == split


def test_another_seed_is_another_split():
    frames = frames_of(40)
    splits = {tuple(split_frames(frames, SplitConfig(seed=s)).test) for s in range(10)}
    assert len(splits) > 5


def test_each_kind_is_divided_alike():
    frames = frames_of(100, ("a", "a", "a", "b"))
    split = split_frames(frames, SplitConfig(method="stratified"))
    counts = {p: Counter(frames[i].config_type for i in getattr(split, p)) for p in PARTS}
    assert counts["train"] == {"a": 60, "b": 20}
    assert counts["valid"]["a"] in (7, 8)
    assert counts["test"]["b"] in (2, 3)


def test_each_trajectory_is_divided_alike():
    frames = frames_of(50)
    config = SplitConfig(method="stratified", key="trajectory", fractions=(0.6, 0.2, 0.2))
    split = split_frames(frames, config)
    for part, count in zip(PARTS, (3, 1, 1)):
        runs = Counter(frames[i].atoms.info["trajectory"] for i in getattr(split, part))
        assert set(runs.values()) == {count}
        assert len(runs) == 10


def test_a_trajectory_stays_together():
    frames = frames_of(50)
    config = SplitConfig(method="group", key="trajectory", fractions=(0.6, 0.2, 0.2))
    split = split_frames(frames, config)
    where = [{frames[i].atoms.info["trajectory"] for i in getattr(split, part)} for part in PARTS]
    assert not where[0] & where[1]
    assert not where[0] & where[2]
    assert not where[1] & where[2]
    assert [len(getattr(split, part)) for part in PARTS] == [30, 10, 10]


def test_groups_by_config_type_and_without_key():
    frames = frames_of(12, ("a", "b", "c"))
    split = split_frames(frames, SplitConfig(method="group", fractions=(0.34, 0.33, 0.33)))
    for part in PARTS:
        assert len({frames[i].config_type for i in getattr(split, part)}) == 1
    with pytest.raises(ValueError, match=r"a#0 has no 'run' to divide by"):
        split_frames(frames, SplitConfig(method="group", key="run"))


def test_copies_are_never_on_both_sides():
    copies = range(0, 60, 3)
    frames = frames_of(60, copies=copies)
    for seed in range(10):
        split = split_frames(frames, SplitConfig(fractions=(0.5, 0.25, 0.25), seed=seed))
        parts = [set(getattr(split, part)) & set(copies) for part in PARTS]
        assert sorted(map(len, parts)) == [0, 0, len(copies)]


def test_groups_that_share_a_structure_stay_together():
    frames = frames_of(40, copies=(0, 12))  # of the first and of the third trajectory
    config = SplitConfig(method="group", key="trajectory", fractions=(0.5, 0.25, 0.25))
    for seed in range(10):
        split = split_frames(frames, SplitConfig(**{**config.model_dump(), "seed": seed}))
        parts = [{i // 5 for i in getattr(split, part)} for part in PARTS]
        assert sum({0, 2} <= part for part in parts) == 1


def test_isolated_atoms_are_trained_on():
    frames = [*frames_of(20), Frame(Atoms("H"), source="b#0"), Frame(Atoms("O"), source="b#1")]
    for seed in range(5):
        assert {20, 21} <= set(split_frames(frames, SplitConfig(seed=seed)).train)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_frames(count):
    with pytest.raises(ValueError, match=r"set would be empty: .* Give fewer parts or more data"):
        split_frames(frames_of(count), SplitConfig())


@pytest.mark.parametrize(
    "content",
    [
        {"fractions": (0.5, 0.5, 0.5)},
        {"fractions": (1.2, -0.1, -0.1)},
        {"fractions": (0.0, 0.5, 0.5)},
        {"key": "run"},
        {"method": "by_hand"},
    ],
)
def test_settings_that_make_no_sense(content):
    with pytest.raises(SettingsError):
        parse_settings(SplitConfig, content)


def test_saved_and_loaded(tmp_path):
    frames = frames_of(20)
    config = SplitConfig(seed=4)
    split = split_frames(frames, config)
    split.save(tmp_path / "split.json", frames, config)
    assert Split.load(tmp_path / "split.json", frames) == split
    frames[3].atoms.positions[0, 0] += np.pi
    with pytest.raises(ValueError, match=r"is a split of 20 other frames"):
        Split.load(tmp_path / "split.json", frames)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"train": [0], "valid": [0], "test": []}'])
def test_files_that_are_no_splits(tmp_path, text):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(ValueError, match=r"not a split|each frame exactly once"):
        Split.load(tmp_path / "split.json", frames_of(2))


def test_a_split_by_hand_must_be_complete():
    with pytest.raises(ValueError, match="each frame exactly once"):
        Split([0, 1], [1], [2])
