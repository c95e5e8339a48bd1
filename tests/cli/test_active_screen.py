"""What is on the screen while a campaign runs: lines for what is over, a bar for what goes on."""

import pytest
from rich.progress import Progress

from mlip.active_learning.labeller import LabelCounts
from mlip.cli.active_screen import CampaignScreen
from mlip.cli.console import Bar, progress_bar
from mlip.training.metrics import Errors, ErrorStatistics


class Watched:
    """A bar, and how it stands."""

    def __init__(self) -> None:
        self.progress = Progress(disable=True)
        self.bar = Bar(self.progress, "", 1)

    def stands(self) -> tuple[str, float, float | None, str]:
        (task,) = self.progress.tasks
        return task.description, task.completed, task.total, task.fields["said"]

    def is_seen(self) -> bool:
        return self.progress.tasks[0].visible


def test_labels_move_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    screen = CampaignScreen(watched.bar)
    screen.step_begins(2, "label")
    assert not watched.is_seen()
    screen.labelling(LabelCounts(done=0, running=2, failed=0, queued=18))
    assert watched.is_seen()
    assert watched.stands() == ("labels", 0, 20, "2 running")
    for done in range(1, 20):
        screen.labelling(LabelCounts(done=done, running=1, failed=0, queued=19 - done))
    screen.labelling(LabelCounts(done=19, running=0, failed=1, queued=0))
    assert watched.stands() == ("labels", 20, 20, "0 running, 1 failed")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "iteration 2: labels are computed"
    assert lines[1:] == [
        *(f"  {done} of 20 labels are there" for done in range(2, 20, 2)),
        "  19 of 20 labels are there, 1 failed",
    ]


def test_one_bar_goes_through_all_members(capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    screen = CampaignScreen(watched.bar)
    screen.step_begins(0, "train")
    for member in range(2):
        screen.member_begins(member, 2)
        for epoch in range(1, 4):
            screen.epoch_started(epoch, 3, batches=4, done=0)
            start = member * 12 + (epoch - 1) * 4
            assert watched.stands()[:3] == (f"member {member + 1}/2 epoch {epoch}/3", start, 24)
            for _ in range(4):
                screen.batch_done(0.5)
            assert watched.stands()[1:] == (start + 4, 24, "loss 0.5")
        overall = {
            "forces": ErrorStatistics(mae=1.0, rmse=2.25, largest=5.0, unit="meV/Å", count=9)
        }
        screen.finished({"valid": Errors((), overall, {}, {})})
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "iteration 0: a committee learns from all labels",
        "  member 1/2: validation rms errors forces 2.2 meV/Å",
        "  member 2/2: validation rms errors forces 2.2 meV/Å",
    ]


def test_a_resumed_member_begins_where_it_was() -> None:
    watched = Watched()
    screen = CampaignScreen(watched.bar)
    screen.step_begins(0, "train")
    screen.member_begins(1, 4)
    screen.epoch_started(6, 10, batches=3, done=2)
    assert watched.stands()[:3] == ("member 2/4 epoch 6/10", 30 + 15 + 2, 120)


def test_exploration_and_the_next_step_begin_anew() -> None:
    watched = Watched()
    screen = CampaignScreen(watched.bar)
    screen.step_begins(0, "explore")
    screen.explored(3, 6)
    assert watched.stands() == ("exploring", 3, 6, "")
    screen.step_begins(0, "choose")
    assert not watched.is_seen()
    screen.step_begins(1, "label")
    screen.labelling(LabelCounts(done=0, running=1, failed=0, queued=1))
    assert watched.stands() == ("labels", 0, 2, "1 running")


def test_without_a_terminal_there_are_only_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("starting", 1) as bar:
        screen = CampaignScreen(bar)
        screen.step_begins(0, "label")
        for done in range(3):
            screen.labelling(LabelCounts(done=done, running=2 - done, failed=0, queued=0))
        screen.message("md run 0")
        screen.warning("look here")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if line] == [
        "iteration 0: labels are computed",
        "  1 of 2 labels are there",
        "  2 of 2 labels are there",
        "  md run 0",
        "warning: look here",
    ]
