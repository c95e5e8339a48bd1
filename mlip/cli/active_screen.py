"""What `mlip active run` shows while a campaign goes on."""

from collections.abc import Mapping

from mlip.active_learning.labeller import LabelCounts
from mlip.active_learning.observer import CampaignObserver, Step
from mlip.cli import console
from mlip.training.metrics import Errors

_STEPS: Mapping[Step, str] = {
    "check": "the calculator meets the labelled frames",
    "label": "labels are computed",
    "judge": "the last potential meets the new labels",
    "train": "a committee learns from all labels",
    "explore": "the new potential explores",
    "choose": "candidates are chosen",
}
#: Parts of the labels of an iteration after which a line is printed.
_LINES = 10


class CampaignScreen(CampaignObserver):
    """Shows a campaign to the person who started it: a line for what is over, a bar for what runs.

    Without a terminal there are only the lines.
    """

    def __init__(self, bar: console.Bar) -> None:
        self._bar = bar
        self._begun = False
        self._told = 0
        self._member, self._members = 0, 1

    def message(self, text: str) -> None:
        console.remark(f"  {text}")

    def warning(self, text: str) -> None:
        console.warn(text)

    def step_begins(self, iteration: int, step: Step) -> None:
        self._bar.hide()
        self._begun = False
        self._told = 0
        console.remark(f"iteration {iteration}: {_STEPS[step]}")

    def labelling(self, counts: LabelCounts) -> None:
        self._show("labels", counts.total, counts.settled)
        failed = f", {counts.failed} failed" if counts.failed else ""
        self._bar.say(f"{counts.running} running{failed}")
        parts = _LINES * counts.settled // max(counts.total, 1)
        if parts > self._told:
            self._told = parts
            console.remark(f"  {counts.done} of {counts.total} labels are there{failed}")

    def member_begins(self, member: int, members: int) -> None:
        self._member, self._members = member, members

    def epoch_started(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        title = f"member {self._member + 1}/{self._members} epoch {epoch}/{epochs}"
        before = (self._member * epochs + epoch - 1) * batches + done
        self._show(title, self._members * epochs * batches, before)

    def batch_done(self, loss: float) -> None:
        self._bar.step()
        self._bar.say(f"loss {loss:.4g}")

    def finished(self, errors: Mapping[str, Errors]) -> None:
        judged = errors["valid"].overall
        found = [f"{name} {part.rmse:.1f} {part.unit}" for name, part in judged.items()]
        console.remark(
            f"  member {self._member + 1}/{self._members}: validation rms errors {', '.join(found)}"
        )

    def explored(self, done: int, count: int) -> None:
        self._show("exploring", count, done)

    def _show(self, title: str, total: int, done: int) -> None:
        """Move the bar; its estimate of the time left begins anew in each step."""
        if self._begun:
            self._bar.move(title, done)
        else:
            self._bar.begin(title, total, done)
            self._begun = True
