"""A campaign that begins with labelled frames takes them in when its calculator finds the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from analytic import Springs
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from small_campaign import write_campaign

from mlip.active_learning.campaign import Campaign, CampaignError, CampaignFolder, run_campaign
from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.labelled import (
    LabelledConfig,
    LabelledFramesError,
    plain_results,
    read_labelled,
    require_agreement,
    to_check,
)
from mlip.active_learning.status import campaign_status
from mlip.active_learning.store import Store
from mlip.data import read_frames
from mlip.settings import SettingsError, parse_settings

Change = Callable[[dict], None]


def labelled(name: str = "H2O", seed: int = 0, change: Change = lambda _: None) -> Atoms:
    atoms = molecule(name)
    atoms.rattle(0.1, seed=seed)
    springs = Springs()
    springs.calculate(atoms)
    results = {key: springs.results[key] for key in ("energy", "forces")}
    change(results)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def write_labelled(folder: Path, frames: list[Atoms], **changes) -> CampaignConfig:
    folder.mkdir(exist_ok=True)
    write(folder / "done.extxyz", frames)
    content = {"labelled": {"files": ["done.extxyz"]}, "stop": {"iterations": 0}} | changes
    return write_campaign(folder, **content)


def config(**changes) -> LabelledConfig:
    return parse_settings(LabelledConfig, {"files": ["done.extxyz"], **changes})


def test_labelled_frames_are_learned_from_and_one_is_computed_again(tmp_path: Path) -> None:
    frames = [labelled(seed=seed) for seed in range(6)]
    journal = tmp_path / "journal"
    calculator = {"factory": "analytic:Springs", "kwargs": {"journal": str(journal)}}
    own = write_labelled(tmp_path, frames, structures=[], calculator=calculator)
    assert run_campaign(own, tmp_path) == "0 iterations are done"
    labels = Store(tmp_path / "campaign.db").labels()
    assert [label.status for label in labels] == ["done"] * 6
    assert {label.structure.origin["explorer"] for label in labels} == {"labelled"}
    assert len({label.fingerprint for label in labels}) == 1
    assert len(journal.read_text(encoding="utf-8").split()) == 1
    learned = [*read_frames(tmp_path / "iterations/000/train.extxyz"),
               *read_frames(tmp_path / "iterations/000/valid.extxyz")]  # fmt: skip
    found = sorted(float(frame.labels["energy"]) for frame in learned)
    given = sorted(frame.get_potential_energy() for frame in frames)
    np.testing.assert_allclose(found, given, rtol=0, atol=1e-8)  # digits of the file
    status = campaign_status(tmp_path)
    assert status.iterations[0].computed == 1
    assert (status.mean_seconds or 0.0) == pytest.approx(status.seconds)


def test_structures_and_labelled_frames_are_filled_up_with_rattled_ones(tmp_path: Path) -> None:
    frames = [labelled(seed=seed) for seed in range(2)]
    own = write_labelled(tmp_path, frames)
    store = Store(tmp_path / "campaign.db")
    campaign = Campaign(own, CampaignFolder(tmp_path), store)
    campaign._begin()
    assert store.fact("step") == "check"
    assert len(store.labels("queued")) == 1
    campaign._check()
    kinds = [label.structure.origin["explorer"] for label in store.labels()]
    assert kinds == ["labelled", "labelled", "given", "rattle", "rattle"]
    assert [label.place for label in store.labels()] == list(range(5))
    assert len(store.labels("queued")) == 3
    store.close()


@pytest.mark.parametrize("done", [0, 1])
def test_a_check_that_was_killed_is_repeated(done: int, tmp_path: Path) -> None:
    own = write_labelled(tmp_path, [labelled(seed=seed) for seed in range(4)])
    for _ in range(2):
        store = Store(tmp_path / "campaign.db")
        campaign = Campaign(own, CampaignFolder(tmp_path), store)
        if store.fact("step") is None:
            campaign._begin()
        if done:
            campaign._labeller.run(0)
        store.close()
    store = Store(tmp_path / "campaign.db")
    Campaign(own, CampaignFolder(tmp_path), store)._check()
    assert [label.status for label in store.labels()][:4] == ["done"] * 4
    assert sum(label.launches for label in store.labels()) == 1
    store.close()


def test_labels_of_another_level_of_theory_are_refused_with_both_numbers(tmp_path: Path) -> None:
    def other(results: dict) -> None:
        results["energy"] += 0.3
        results["forces"] *= 1.5

    own = write_labelled(tmp_path, [labelled(seed=seed, change=other) for seed in range(3)])
    message = r"(?s)done.extxyz#. \(H2O\).*energy: .* given, .* computed, 0.3 eV apart.*forces\[.*"
    for _ in range(2):  # and again when it is started again
        with pytest.raises(LabelledFramesError, match=message + "another code"):
            run_campaign(own, tmp_path)
    assert len(Store(tmp_path / "campaign.db").labels()) == 1  # nothing else was computed


def test_frames_that_change_under_way_are_noticed(tmp_path: Path) -> None:
    own = write_labelled(tmp_path, [labelled(seed=seed) for seed in range(3)])
    store = Store(tmp_path / "campaign.db")
    campaign = Campaign(own, CampaignFolder(tmp_path), store)
    campaign._begin()
    write(tmp_path / "done.extxyz", [labelled(seed=7)])
    with pytest.raises(CampaignError, match="changed under way"):
        campaign._check()
    store.close()


def frame_list(folder: Path, frames: list[Atoms], **changes) -> list:
    path = folder / "frames.extxyz"
    write(path, frames)
    return read_labelled(config(files=[str(path)], **changes))


@pytest.mark.parametrize(
    ("name", "shift", "hint"),
    [("energy", 3.1 * 2.1e-3, "another zero"), ("energy", np.nan, "another zero"),
     ("forces", 3.1e-2, "another code"), ("stress", 2.1e-3, "another zero")],
)  # fmt: skip
def test_what_is_beyond_a_tolerance_is_told(
    name: str, shift: float, hint: str, tmp_path: Path
) -> None:
    frames = frame_list(tmp_path, [labelled()])
    frames[0].labels["stress"] = np.zeros((3, 3))
    computed = plain_results(frames[0], ["energy", "forces", "stress"])
    require_agreement(frames, [computed], config())
    nearly = {key: np.asarray(value) for key, value in computed.items()}
    nearly[name] = nearly[name] + 0.9 * np.nan_to_num(shift) * (3 / 3.1 if name == "energy" else 1)
    require_agreement(frames, [nearly], config())
    with pytest.raises(LabelledFramesError, match=f"(?s){name}.*{hint}"):
        require_agreement(frames, [nearly | {name: np.asarray(computed[name]) + shift}], config())


def test_of_each_composition_the_frame_with_the_largest_force_is_computed_again(
    tmp_path: Path,
) -> None:
    def nothing(results: dict) -> None:
        results["forces"] *= 0.0

    def strong(results: dict) -> None:
        results["forces"] *= 10.0

    frames = frame_list(
        tmp_path,
        [labelled("H", change=nothing), labelled("H2O", 1), labelled("CH4", 2),
         labelled("H2O", 3, change=strong), labelled("H2O", 4)],
    )  # fmt: skip
    chosen = [frame.source for frame in to_check(frames, config(check=5))]
    assert chosen == ["frames.extxyz#3", "frames.extxyz#2", "frames.extxyz#0"]
    assert [frame.source for frame in to_check(frames, config())] == chosen[:1]


def without(name: str) -> Change:
    def change(results: dict) -> None:
        del results[name]

    return change


def not_finite(results: dict) -> None:
    results["forces"][0, 0] = np.nan


def higher(results: dict) -> None:
    results["energy"] += 0.1


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([labelled(), labelled(seed=1, change=without("energy"))], "1 of 2 .* no energy: .*#1"),
        ([labelled(change=without("forces"))], r"no forces: .*labelled\.keys\.forces"),
        ([labelled(change=not_finite)], "not finite"),
        ([labelled(), labelled(change=higher)], r"(?s)#0 and .*#1 are the same structure .* there"),
    ],
)
def test_labels_that_cannot_be_used_are_told(
    frames: list[Atoms], told: str, tmp_path: Path
) -> None:
    with pytest.raises(LabelledFramesError, match=told):
        frame_list(tmp_path, frames)


def test_a_wrong_key_is_told_with_its_place_in_this_config(tmp_path: Path) -> None:
    with pytest.raises(LabelledFramesError, match=r"energy \(calculator\).*labelled\.keys\.energy"):
        frame_list(tmp_path, [labelled()], keys={"energy": "dft_energy"})


def test_a_frame_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    assert len(frame_list(tmp_path, [labelled(), labelled()])) == 1


def test_a_campaign_needs_something_to_begin_from(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="structures to begin from, or labelled frames"):
        write_campaign(tmp_path, structures=[])
