"""A campaign from its first structures to its model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read, write
from small_campaign import SMALL_LEARNING, read_campaign, write_campaign

from mlip.active_learning.beginning import decisive
from mlip.active_learning.campaign import Campaign, CampaignError, run_campaign
from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.frames import labelled_frames, queued_structure
from mlip.active_learning.labeller import LabelCounts, TooManyFailuresError
from mlip.active_learning.labelling.fingerprint import MixedLabelsError
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome
from mlip.active_learning.learning import member_seed
from mlip.active_learning.observer import CampaignObserver
from mlip.active_learning.records import Records
from mlip.active_learning.status import NoCampaignError, campaign_status
from mlip.active_learning.store import Store
from mlip.active_learning.uncertainty import ModelUncertainty
from mlip.data import read_frames
from mlip.graph import AtomicGraph
from mlip.models import evaluate, load_model, read_card
from mlip.settings import SettingsError, load_settings
from mlip.training import TrainingConfig


def test_it_leaves_a_committee_that_says_what_it_learned_from(finished: Path) -> None:
    model = load_model(finished / "model.safetensors")
    card = read_card(finished / "model.safetensors")
    assert model.n_members == 2
    assert card.dataset is not None
    assert card.dataset.n_structures == len(read_frames(finished / "iterations/001/train.extxyz"))
    assert "Springs" in (card.dataset.level_of_theory or "")
    assert "not DFT" not in (card.dataset.level_of_theory or "")


def test_its_uncertainties_are_calibrated_and_it_says_on_what(finished: Path) -> None:
    """The final potential with what new labels told of the one before it, the first with its
    validation set."""
    store = Store(finished / "campaign.db")
    for iteration, told, source in (
        (0, "validation 0", "validation set of iteration 0"),
        (1, "judgement 1", "2 new labels of iteration 1, by the model before"),
    ):
        card = read_card(finished / f"iterations/{iteration:03d}/model.safetensors").calibration
        judged = store.fact(told)
        assert card["forces"].factor == judged["scale"]
        assert card["forces"].correlation == judged["correlation"]
        assert card["forces"].source == source
        assert card["energy"].factor > 0.0
        assert card["energy"].n_structures == len(judged["found"])
    assert read_card(finished / "model.safetensors").calibration == card
    assert store.fact("scale") == card["forces"].factor
    store.close()


def test_the_factor_is_found_from_the_labels_of_several_iterations(tmp_path: Path) -> None:
    """Each label is compared with what the potential said that had not learned it."""
    stop = {"iterations": 2, "force_error": 1e-6}
    config = write_campaign(tmp_path, stop=stop, uncertainty="laplace", learning=one_model())
    run_campaign(config, tmp_path)
    store, squares = Store(tmp_path / "campaign.db"), []
    for iteration in (1, 2):
        frames = labelled_frames(store.labels(iteration=iteration), store.fingerprints())
        model = load_model(tmp_path / f"iterations/{iteration - 1:03d}/model.safetensors")
        measured = ModelUncertainty(model).of([frame.atoms for frame in frames])
        for frame, uncertain in zip(frames, measured):
            (found,) = evaluate(model, [AtomicGraph.from_atoms(frame.atoms)])
            wrong = np.linalg.norm(found["forces"] - frame.labels["forces"], axis=1)
            squares += list((wrong / uncertain["forces"]) ** 2)
    card = read_card(tmp_path / "model.safetensors").calibration["forces"]
    assert len(squares) == 12
    assert card.factor == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-4)  # float32 in batches
    assert card.source == "4 new labels of iterations 1 to 2, each by the model before it"
    first, second = campaign_status(tmp_path).iterations[1:]
    assert (first.calibrated_on, second.calibrated_on) == (2, 4)
    assert second.before is not None
    assert len(second.before["keys"]) == 2
    assert second.before["used_scale"] == first.scale
    store.close()


def one_model() -> dict:
    """The learning of the small campaign without a committee."""
    return {**SMALL_LEARNING, "members": 1}


def test_every_label_is_in_one_part_of_the_data_and_in_the_files(finished: Path) -> None:
    labels = Store(finished / "campaign.db").labels()
    assert [label.iteration for label in labels] == [0] * 5 + [1] * 2
    parts = {part: read_frames(finished / f"iterations/001/{part}.extxyz")
             for part in ("train", "valid")}  # fmt: skip
    for part, frames in parts.items():
        expected = [label for label in labels if label.part == part]
        assert len(frames) == len(expected) > 0
        for frame, label in zip(frames, expected):
            assert label.results is not None
            assert float(frame.labels["energy"]) == label.results["energy"]
            np.testing.assert_array_equal(frame.labels["forces"], label.results["forces"])
            assert frame.atoms.info["label_fingerprint"] == label.fingerprint


def test_what_was_picked_says_why(finished: Path) -> None:
    picked = Store(finished / "campaign.db").labels(iteration=1)
    for label in picked:
        assert label.structure.origin["explorer"] in ("md", "rattle")
        assert label.structure.origin["uncertainty"] > 1e-5
        assert label.structure.origin["chosen"] == "farthest"


def test_it_is_kept_what_became_of_every_candidate(finished: Path) -> None:
    store = Store(finished / "campaign.db")
    found = store.candidates(0)
    assert [(c.origin["explorer"], c.origin["frame"]) for c in found] == [
        *(("md", frame) for frame in range(2)),
        *(("rattle", frame) for frame in range(3)),
    ]
    assert [c.origin.get("temperature") for c in found] == [300.0, 300.0, None, None, None]
    assert sorted(c.verdict for c in found) == ["chosen"] * 2 + ["spare"] * 3
    chosen = sorted(c.uncertainty for c in found if c.verdict == "chosen")
    picked = [label.structure.origin["uncertainty"] for label in store.labels(iteration=1)]
    assert sorted(picked) == chosen
    assert store.candidates(1) == []


def test_the_status_tells_of_every_iteration(finished: Path) -> None:
    status = campaign_status(finished)
    assert (status.step, status.reason) == ("finished", "1 iterations are done")
    first, second = status.iterations
    assert first.counts == LabelCounts(done=5, running=0, failed=0, queued=0)
    assert (first.learned_before, first.learned_after) == (0, 5)
    assert (second.learned_before, second.learned_after) == (5, 7)
    assert first.before is None
    assert second.before is not None
    assert second.after is not None
    assert second.before["force_rms"] > 0.0
    store = Store(finished / "campaign.db")
    assert second.before["keys"] == [label.key for label in store.labels(iteration=1)]
    assert second.before["used_scale"] == store.fact("validation 0")["scale"]
    assert 0.0 <= second.before["within"][0] <= second.before["within"][1] <= 1.0
    assert second.scale is not None
    assert first.seconds > 0.0
    assert status.mean_seconds == pytest.approx(status.seconds / 7)
    assert (status.seconds_left, status.driver) == (None, None)


def test_a_finished_campaign_is_not_begun_again(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "copy")
    before = Store(tmp_path / "copy" / "campaign.db").labels()
    folder = tmp_path / "copy"
    config = write_campaign(folder, structures=[str(finished / "start.extxyz")])
    assert run_campaign(config.relative_to(finished), folder) == "1 iterations are done"
    assert Store(folder / "campaign.db").labels() == before


@pytest.mark.parametrize(("iterations", "step"), [(1, "finished"), (2, "explore")])
def test_a_campaign_that_ended_by_a_rule_goes_on_when_the_rule_changes(
    iterations: int, step: str, tmp_path: Path
) -> None:
    store = Store(tmp_path / "campaign.db")
    stop = {"iterations": iterations, "force_error": 1e-6}
    facts = {"step": "finished", "iteration": 1, "ended by rule": True, "reason": "1 is done"}
    for name, value in facts.items():
        store.set_fact(name, value)
    campaign = Campaign(write_campaign(tmp_path, stop=stop), CampaignFolder(tmp_path), store)
    campaign._reopen()
    assert store.fact("step") == step
    store.close()


def test_another_config_is_refused_and_told(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "copy")
    config = write_campaign(
        tmp_path / "copy",
        structures=[str(finished / "start.extxyz")],
        calculator={"factory": "analytic:Springs", "kwargs": {"k": 2.0}},
    )
    with pytest.raises(CampaignError, match=r"calculator\.kwargs\.k: None / 2\.0"):
        run_campaign(config, tmp_path / "copy")


def test_settings_that_have_come_since_it_began_are_their_defaults(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "older"
    shutil.copytree(finished, folder)
    store = Store(folder / "campaign.db")
    config = store.fact("config")
    del config["select"]["random_share"], config["learning"]["ema"]
    store.set_fact("config", config)
    store.close()
    assert run_campaign(read_campaign(folder), folder) == "1 iterations are done"
    select = {"uncertain_above": 1e-5, "absurd_above": 1e4, "per_iteration": 2}
    write_campaign(folder, select={**select, "random_share": 0.5})
    with pytest.raises(CampaignError, match=r"select\.random_share: 0\.0 / 0\.5"):
        run_campaign(read_campaign(folder), folder)


def test_a_campaign_goes_on_wherever_it_lies_but_not_from_other_structures(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "moved"
    shutil.copytree(finished, folder)
    assert run_campaign(read_campaign(folder), folder) == "1 iterations are done"
    atoms = read(folder / "start.extxyz")
    atoms.positions[0, 0] += 0.1
    write(folder / "start.extxyz", atoms)
    with pytest.raises(CampaignError, match="structures"):
        run_campaign(read_campaign(folder), folder)


def test_the_most_distorted_of_the_first_structures_are_trained_on(finished: Path) -> None:
    labels = Store(finished / "campaign.db").labels(iteration=0)
    assert [label.part for label in labels] == ["train", "valid", "train", "train", "train"]


def test_members_keep_their_last_weights(finished: Path) -> None:
    resolved = load_settings(TrainingConfig, finished / "iterations/001/member-0/config.yaml")
    assert resolved.keep == "last"


def test_the_seed_of_a_campaign_reaches_its_members(tmp_path: Path) -> None:
    one = write_campaign(tmp_path / "one")
    other = one.model_copy(update={"seed": 5})
    seeds = [member_seed(config.seeded_learning(), 1) for config in (one, other)]
    assert seeds[1] - seeds[0] == 5


def test_a_calculator_that_never_gave_a_label_may_be_mended(tmp_path: Path) -> None:
    failing = {"factory": "analytic:Failing", "kwargs": {"how": "raise"}}
    with pytest.raises(TooManyFailuresError, match="no convergence"):
        run_campaign(write_campaign(tmp_path, calculator=failing), tmp_path)
    mended = write_campaign(tmp_path, stop={"iterations": 0})
    assert run_campaign(mended, tmp_path, retry_failed=True) == "0 iterations are done"
    assert len(Store(tmp_path / "campaign.db").labels("done")) == 5


def test_labels_that_ended_when_nobody_looked_fix_the_calculator(
    finished: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    store = Store(folder / "campaign.db")
    store._base.execute("UPDATE labels SET status = 'running', results = NULL, fingerprint = NULL")
    store.set_fact("step", "label")
    other = write_campaign(folder, calculator={"factory": "analytic:Failing"})
    with pytest.raises(CampaignError, match="begun with another config"):
        run_campaign(other, folder)
    assert {label.status for label in store.labels()} == {"done"}


def test_a_calculator_that_changed_under_way_is_noticed(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    store = Store(folder / "campaign.db")
    one = next(iter(store.fingerprints().values()))
    other = one.model_copy(update={"version": "of tomorrow"})
    row = (other.digest, other.model_dump_json())
    store._base.execute("INSERT INTO fingerprints VALUES (?, ?)", row)
    key = store.labels()[0].key
    store._base.execute("UPDATE labels SET fingerprint = ? WHERE key = ?", (other.digest, key))
    campaign = Campaign(write_campaign(folder), CampaignFolder(folder), store)
    with pytest.raises(MixedLabelsError, match="of tomorrow"):
        campaign._records.frames("train")


@pytest.mark.parametrize("uncertainty", ["laplace", "distance"])
def test_one_model_is_enough(uncertainty: str, tmp_path: Path) -> None:
    config = write_campaign(tmp_path, uncertainty=uncertainty, learning=one_model())
    assert run_campaign(config, tmp_path) == "1 iterations are done"
    model = load_model(tmp_path / "model.safetensors")
    assert model.knows_its_uncertainty is (uncertainty == "laplace")
    known = {"laplace": {"energy", "forces"}, "distance": set()}
    assert set(model.calibration) == known[uncertainty]
    picked = Store(tmp_path / "campaign.db").labels(iteration=1)
    assert all(label.structure.origin["uncertainty"] > 1e-5 for label in picked)


@pytest.mark.parametrize(("uncertainty", "members"), [("committee", 1), ("laplace", 2)])
def test_as_many_members_as_the_uncertainty_needs(
    uncertainty: str, members: int, tmp_path: Path
) -> None:
    learning = {**SMALL_LEARNING, "members": members}
    with pytest.raises(SettingsError, match=r"learning\.members"):
        write_campaign(tmp_path, uncertainty=uncertainty, learning=learning)


def test_a_device_that_is_absent_is_told_before_anything_is_labelled(tmp_path: Path) -> None:
    config = write_campaign(tmp_path, learning={**SMALL_LEARNING, "device": "gpu"})
    with pytest.raises(ValueError, match="'gpu' cannot be used here"):
        run_campaign(config, tmp_path)
    assert not (tmp_path / "labels").exists()


def test_no_campaign_has_no_status(tmp_path: Path) -> None:
    with pytest.raises(NoCampaignError, match="mlip active run"):
        campaign_status(tmp_path)


SCRIPT_BESIDE = """
def stretched(atoms, random):
    for share in random.uniform(1.0, 1.1, 2):
        copy = atoms.copy()
        copy.positions *= share
        yield copy
"""


def test_a_campaign_that_finds_nothing_uncertain_is_over(tmp_path: Path) -> None:
    (tmp_path / "my_exploration.py").write_text(SCRIPT_BESIDE, encoding="utf-8")
    script = {"name": "script", "function": "my_exploration:stretched"}
    select = {"uncertain_above": 1e3, "absurd_above": 1e4, "per_iteration": 2}
    config = write_campaign(tmp_path, explore=[script], select=select)
    assert "none of 2 candidates is uncertain" in run_campaign(config, tmp_path)
    assert (tmp_path / "model.safetensors").exists()


def with_ammonia(folder: Path, **changes) -> CampaignConfig:
    """A campaign that begins from ammonia, which fails, and four structures of water."""
    water = molecule("H2O")
    start = [molecule("NH3"), *(water.copy() for _ in range(4))]
    for seed, atoms in enumerate(start):
        atoms.rattle(0.05, seed=seed)
    folder.mkdir(exist_ok=True)
    write(folder / "given.extxyz", start)
    calculator = {"factory": "analytic:WithoutNitrogen"}
    return write_campaign(folder, structures=["given.extxyz"], calculator=calculator, **changes)


def test_the_only_structure_of_an_element_may_fail(tmp_path: Path) -> None:
    said = Remembers()
    assert run_campaign(with_ammonia(tmp_path), tmp_path, said) == "1 iterations are done"
    assert "md run 0 from structure 0: left out, the potential does not know N" in said.messages
    store = Store(tmp_path / "campaign.db")
    assert {label.structure.origin["from"] for label in store.labels(iteration=1)} <= {1, 2, 3, 4}
    assert [label.status for label in store.labels(iteration=0)] == ["failed"] + ["done"] * 4
    store.close()
    assert "no convergence" in (tmp_path / "report.html").read_text(encoding="utf-8")


HYDROGEN = '2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0 0 0.74\n'


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (HYDROGEN.replace("0.74", "nan"), "given.extxyz#1: positions .* not finite"),
        (HYDROGEN[:-12], r"given.extxyz: frame 1 \(line 5\) is torn"),
        (HYDROGEN.replace("F F F", "T T T"), "given.extxyz#1: .*cell"),
    ],
    ids=["not finite", "torn", "no cell"],
)
def test_structures_that_cannot_be_are_told_before_they_cost_labels(
    second: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "given.extxyz").write_text(HYDROGEN + second, encoding="utf-8")
    with pytest.raises(ValueError, match=told):
        run_campaign(write_campaign(tmp_path, structures=["given.extxyz"]), tmp_path)
    assert not (tmp_path / "labels").exists()


def test_labels_of_a_campaign_that_is_over_stay_failed(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    store = Store(folder / "campaign.db")
    store.set_failed(store.labels()[-1].key, "no convergence")
    with pytest.raises(CampaignError, match=r"done\. Raise the limit in `stop`"):
        run_campaign(read_campaign(folder), folder, retry_failed=True)
    assert [label.status for label in store.labels()] == ["done"] * 6 + ["failed"]
    store.close()


def test_labels_that_failed_come_later_if_nothing_else_is_left(tmp_path: Path) -> None:
    """They make one iteration more, which trains and explores as any other."""
    select = {"uncertain_above": 1e3, "absurd_above": 1e4, "per_iteration": 2}
    stop = {"iterations": 5}
    config = with_ammonia(tmp_path, select=select, stop=stop)
    nothing_left = run_campaign(config, tmp_path)
    assert "is uncertain" in nothing_left
    (tmp_path / "mended").touch()
    assert run_campaign(config, tmp_path) == nothing_left  # nobody asked for them
    assert "is uncertain" in run_campaign(config, tmp_path, retry_failed=True)
    store = Store(tmp_path / "campaign.db")
    (late,) = store.labels(iteration=1)
    assert (late.status, late.structure.origin["from"]) == ("done", 0)
    assert [label.place for label in store.labels(iteration=0)] == [1, 2, 3, 4]
    assert store.fact("judgement 1") is None  # by a potential that did not know nitrogen
    store.close()
    cards = [read_card(tmp_path / f"iterations/00{i}/model.safetensors") for i in (0, 1)]
    assert ["N" in card.species for card in cards] == [False, True]
    assert cards[0].calibration == cards[1].calibration


class Remembers(CampaignObserver):
    """What it was told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def test_the_level_of_theory_does_not_depend_on_which_label_came_first(
    finished: Path, tmp_path: Path
) -> None:
    one = next(iter(Store(finished / "campaign.db").fingerprints().values()))
    files = [{"H.upf": "1"}, {"H.upf": "1", "O.upf": "2"}]
    told = set()
    for order in ((0, 1), (1, 0)):
        store = Store(tmp_path / f"{order}.db")
        store.add([queued_structure(molecule(name), {}) for name in ("H2", "H2O")], 0)
        queued = store.labels("queued")
        for place in order:
            made_with = one.model_copy(update={"files": files[place]})
            done = Attempt(folder="attempt-1", fingerprint=made_with)
            store.settle(queued[place].key, LabelOutcome(attempts=(done,)))
        told.add(Records(store, CampaignFolder(tmp_path), "committee").theory())
        store.close()
    assert told == {str(one.model_copy(update={"files": files[1]}))}


def test_settings_of_python_are_the_same_after_they_were_stored(tmp_path: Path) -> None:
    config = write_campaign(tmp_path)
    kwargs = {"kpts": (2, 2, 2), "setups": {1: "soft"}}
    own = config.calculator.model_copy(update={"kwargs": kwargs})
    config = config.model_copy(update={"calculator": own})
    assert json.loads(json.dumps(decisive(config))) == decisive(config)


def test_no_candidates_are_no_choice(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    store = Store(folder / "campaign.db")
    config = write_campaign(folder)
    worst, chosen = Campaign(config, CampaignFolder(folder), store)._chosen([], config.select)
    assert (worst.shape, chosen) == ((0,), {})
    store.close()


@pytest.mark.parametrize("uncertainty", ["laplace", "distance"])
def test_isolated_atoms_give_reference_energies_and_nothing_else(
    tmp_path: Path, uncertainty: str
) -> None:
    write_campaign(tmp_path, uncertainty=uncertainty, learning=one_model())
    write(tmp_path / "start.extxyz", [Atoms("H"), molecule("H2O"), Atoms("O")])
    assert run_campaign(read_campaign(tmp_path), tmp_path) == "1 iterations are done"

    card = read_card(tmp_path / "model.safetensors")
    assert card.reference_energies_source == "isolated atoms"
    explored = sorted((tmp_path / "iterations/000/candidates").glob("*.extxyz"))
    assert [bool(path.stat().st_size) for path in explored] == [False, True, False] * 2
    for label in Store(tmp_path / "campaign.db").labels():
        assert label.structure.origin["explorer"] == "given" or label.structure.origin["from"] == 1
    worst = campaign_status(tmp_path).iterations[0].after
    assert worst is not None
    assert worst["force_rms"] > 0.0


def test_isolated_atoms_alone_are_no_beginning(tmp_path: Path) -> None:
    write_campaign(tmp_path)
    write(tmp_path / "start.extxyz", [Atoms("H"), Atoms("O")])
    with pytest.raises(ValueError, match="only isolated atoms to begin from"):
        run_campaign(read_campaign(tmp_path), tmp_path)
