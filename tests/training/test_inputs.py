"""Frames of a run: splits, isolated atoms, references, and errors before any training."""

from pathlib import Path

import pytest
from ase import Atoms
from ase.io import write
from silicon import crystals, isolated, molecules, with_results

from mlip.training.inputs import DataConfig, read_inputs


def file_of(path: Path, frames: list[Atoms]) -> str:
    write(path, frames, format="extxyz")
    return str(path)


@pytest.fixture
def train(tmp_path: Path) -> str:
    return file_of(tmp_path / "train.extxyz", [with_results(f) for f in crystals(20)])


def test_a_fraction_is_set_aside_by_seed(train: str) -> None:
    config = DataConfig(train=(train,), valid=0.2, test=0.1)
    found = read_inputs(config, (), seed=0)
    assert (len(found.train), len(found.valid), len(found.test)) == (14, 4, 2)
    sources = [frame.source for part in found.splits().values() for frame in part]
    assert len(set(sources)) == 20
    again, other = (read_inputs(config, (), seed=s) for s in (0, 1))
    assert [f.source for f in again.valid] == [f.source for f in found.valid]
    assert [f.source for f in other.valid] != [f.source for f in found.valid]


def test_files_are_taken_whole(train: str, tmp_path: Path) -> None:
    other = file_of(tmp_path / "valid.extxyz", [with_results(f) for f in crystals(3, seed=5)])
    found = read_inputs(DataConfig(train=(train,), valid=(other,)), (), seed=0)
    assert (len(found.train), len(found.valid), len(found.test)) == (20, 3, 0)
    assert set(found.splits()) == {"train", "valid"}
    assert set(found.labels_found) == {"train", "valid"}
    assert found.labels() == {"energy", "forces", "stress"}


def test_isolated_atoms_give_references_and_are_not_trained_on(tmp_path: Path) -> None:
    frames = [with_results(f) for f in crystals(10)] + [isolated("Si", -135.0)]
    path = file_of(tmp_path / "train.extxyz", frames)
    for choice in ("auto", "isolated"):
        found = read_inputs(DataConfig(train=(path,), reference_energies=choice), (), seed=0)
        assert found.references.values == {14: -135.0}
        assert found.references.source == "isolated atoms"
        assert len(found.train) + len(found.valid) == 10
    found = read_inputs(DataConfig(train=(path,), reference_energies="least_squares"), (), 0)
    assert found.references.source == "least squares"
    assert found.references.values[14] < -135.0


def test_kinds_are_repeated_in_training_but_nowhere_else(tmp_path: Path) -> None:
    frames = [with_results(f) for f in crystals(20)]
    for frame, kind in zip(frames, ["slab", "bulk", "bulk", "bulk"] * 5):
        frame.info["config_type"] = kind
    path = file_of(tmp_path / "train.extxyz", frames)
    config = DataConfig(train=(path,), valid=0.2, test=0.2, repeat={"slab": 3})
    found = read_inputs(config, (), seed=0)
    assert [len(part) for part in found.splits().values()] == [12, 4, 4]
    kinds = [found.train[i].config_type for i in found.visits]
    assert kinds.count("slab") == 3 * 3
    assert kinds.count("bulk") == 9
    assert set(found.visits) == set(range(12))
    assert found.atoms_visited == sum(len(found.train[i]) for i in found.visits)
    once = read_inputs(DataConfig(train=(path,)), (), seed=0)
    assert once.visits == list(range(18))
    with pytest.raises(ValueError, match=r"names slap, but .* they have bulk, slab"):
        read_inputs(DataConfig(train=(path,), repeat={"slap": 2}), (), 0)


def test_references_may_be_given(train: str) -> None:
    config = DataConfig(train=(train,), reference_energies={"Si": -130.0})
    assert read_inputs(config, (), 0).references.values == {14: -130.0}
    with pytest.raises(ValueError, match="Si"):
        read_inputs(DataConfig(train=(train,), reference_energies={"H": -1.0}), (), 0)


@pytest.mark.parametrize(
    ("change", "required", "message"),
    [
        ({"reference_energies": "isolated"}, (), "isolated atom with energy"),
        ({"valid": 0.6, "test": 0.4}, (), "leave no frames"),
        ({"train": ("absent.extxyz",)}, (), "absent.extxyz"),
    ],
)
def test_data_that_cannot_be_used(train: str, change: dict, required: tuple, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        read_inputs(DataConfig(**{"train": (train,), **change}), required, 0)


def test_a_required_label_must_be_in_the_training_data(tmp_path: Path) -> None:
    path = file_of(tmp_path / "gas.extxyz", [with_results(f) for f in molecules(10)])
    assert read_inputs(DataConfig(train=(path,)), ("energy",), 0).labels() == {"energy", "forces"}
    with pytest.raises(ValueError, match="stress"):
        read_inputs(DataConfig(train=(path,)), ("stress",), 0)


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_split_without_any_energy_is_an_error(train: str, split: str, tmp_path: Path) -> None:
    bare = file_of(tmp_path / "bare.extxyz", [f.atoms for f in crystals(3)])
    message = rf"none of the 3 frames in data\.{split} has an energy.*data\.keys\.energy"
    with pytest.raises(ValueError, match=message):
        read_inputs(DataConfig(train=(train,), **{split: (bare,)}), (), 0)


def test_an_element_that_is_not_trained_is_named(train: str, tmp_path: Path) -> None:
    other = file_of(tmp_path / "test.extxyz", [with_results(f) for f in molecules(2)])
    with pytest.raises(ValueError, match=r"test\.extxyz#0 of the test data contains H"):
        read_inputs(DataConfig(train=(train,), test=(other,)), (), 0)


def test_environment_variables_in_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_DATA", str(tmp_path / "sets"))
    config = DataConfig(train=("$SOME_DATA/a.extxyz", "b.extxyz"))
    found = config.relative_to(tmp_path / "here").train
    assert found == (str(tmp_path / "sets/a.extxyz"), str(tmp_path / "here/b.extxyz"))
    monkeypatch.delenv("SOME_DATA")
    with pytest.raises(ValueError, match=r"SOME_DATA.*not set"):
        config.relative_to(tmp_path)
