"""A campaign that is asked to end does so with a model, and can go on."""

from pathlib import Path

import pytest
from small_campaign import read_campaign, write_campaign

from mlip.active_learning.campaign import Campaign, run_campaign
from mlip.active_learning.driver_lock import driver_lock, driver_of
from mlip.active_learning.ending import StopRequest, why_nothing_is_chosen
from mlip.active_learning.labeller import LabelCounts
from mlip.active_learning.observer import CampaignObserver, Step
from mlip.active_learning.selection import SelectionConfig
from mlip.active_learning.store import Store, Verdict
from mlip.cli.main import main
from mlip.data import read_frames
from mlip.models import load_model, read_card

STOP = {"iterations": 2, "force_error": 1e-6}


class Asks(CampaignObserver):
    """Asks a campaign to end when a step begins, or when so many of its labels are done."""

    def __init__(self, folder: Path, iteration: int, step: Step, done: int | None = None) -> None:
        self._request = StopRequest(folder)
        self._when, self._done = (iteration, step), done
        self._now: tuple[int, Step] | None = None

    def step_begins(self, iteration: int, step: Step) -> None:
        self._now = (iteration, step)
        if self._now == self._when and self._done is None:
            self._request.make()

    def labelling(self, counts: LabelCounts) -> None:
        if self._now == self._when and self._done is not None and counts.done >= self._done:
            self._request.make()


def states(folder: Path, iteration: int) -> list[str]:
    store = Store(folder / "campaign.db")
    found = [label.status for label in store.labels(iteration=iteration)]
    store.close()
    return found


def trained_on(folder: Path) -> int:
    dataset = read_card(folder / "model.safetensors").dataset
    assert dataset is not None
    return dataset.n_structures


def test_the_first_structures_are_labelled_in_any_case(tmp_path: Path) -> None:
    config = write_campaign(tmp_path, stop=STOP)
    assert run_campaign(config, tmp_path, Asks(tmp_path, 0, "label")) == "it was asked to"
    assert states(tmp_path, 0) == ["done"] * 5
    assert load_model(tmp_path / "model.safetensors").n_members == 2
    assert (tmp_path / "report.html").exists()


def test_what_runs_is_finished_and_learned_and_the_rest_waits(tmp_path: Path) -> None:
    select = {"uncertain_above": 1e-5, "absurd_above": 1e4, "per_iteration": 4}
    one = {"name": "local", "workers": 1}
    config = write_campaign(tmp_path, stop=STOP, executor=one, select=select)
    reason = run_campaign(config, tmp_path, Asks(tmp_path, 1, "label", done=1))
    assert reason == "it was asked to"
    assert set(states(tmp_path, 1)) == {"done", "queued"}
    labels = 5 + states(tmp_path, 1).count("done")
    assert len(read_frames(tmp_path / "iterations/001/train.extxyz")) == trained_on(tmp_path)
    total = sum(
        len(read_frames(tmp_path / f"iterations/001/{part}.extxyz")) for part in ("train", "valid")
    )
    assert total == labels

    assert run_campaign(read_campaign(tmp_path), tmp_path) == "2 iterations are done"
    assert states(tmp_path, 1) + states(tmp_path, 2) == ["done"] * 8
    assert not StopRequest(tmp_path).is_made


def test_without_a_new_label_the_last_potential_stays(tmp_path: Path) -> None:
    config = write_campaign(tmp_path, stop=STOP)
    assert run_campaign(config, tmp_path, Asks(tmp_path, 1, "label")) == "it was asked to"
    assert states(tmp_path, 1) == ["queued", "queued"]
    final, first = tmp_path / "model.safetensors", tmp_path / "iterations/000/model.safetensors"
    assert final.read_bytes() == first.read_bytes()

    assert run_campaign(read_campaign(tmp_path), tmp_path) == "2 iterations are done"
    assert states(tmp_path, 1) == ["done", "done"]


def test_before_exploring_it_ends_at_once(tmp_path: Path) -> None:
    config = write_campaign(tmp_path, stop=STOP)
    assert run_campaign(config, tmp_path, Asks(tmp_path, 0, "explore")) == "it was asked to"
    assert not (tmp_path / "iterations/000/candidates").exists()


def test_a_wish_is_heard_as_soon_as_the_driver_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, check = write_campaign(tmp_path, stop=STOP), Campaign._check_config
    StopRequest(tmp_path).make()  # to an earlier driver: withdrawn

    def ask_meanwhile(self: Campaign) -> None:
        assert not StopRequest(tmp_path).is_made
        assert driver_of(tmp_path) is not None
        StopRequest(tmp_path).make()
        check(self)

    monkeypatch.setattr(Campaign, "_check_config", ask_meanwhile)
    assert run_campaign(config, tmp_path) == "it was asked to"


def test_no_more_labels_than_were_allowed(tmp_path: Path) -> None:
    config = write_campaign(tmp_path, stop={**STOP, "labels": 6})
    assert run_campaign(config, tmp_path) == "6 labels are there"
    assert states(tmp_path, 0) + states(tmp_path, 1) == ["done"] * 6


def test_the_command_asks_whoever_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["mlip", "active", "stop", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "no campaign runs" in capsys.readouterr().err
    assert not StopRequest(tmp_path).is_made
    with driver_lock(tmp_path), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert StopRequest(tmp_path).is_made


# ------------------------------------------------------------------------- nothing to be labelled


def why(*verdicts: Verdict) -> str:
    select = SelectionConfig(uncertain_above=0.03, absurd_above=5.0)
    return why_nothing_is_chosen(select, verdicts)


def test_all_is_known() -> None:
    assert why("certain", "known") == (
        "none of 2 candidates is uncertain by more than 0.03 eV/Å and new"
    )


def test_a_potential_that_lost_its_way_is_not_praised() -> None:
    reason = why("certain", "absurd", "absurd")
    assert "none of 3 candidates" in reason
    assert "2 by more than 5 eV/Å" in reason
    assert "explore more gently" in reason


def test_without_candidates_there_is_a_reason_too() -> None:
    assert "found no candidates" in why()
