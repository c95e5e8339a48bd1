"""Who is told how a campaign goes. The campaign itself prints nothing."""

from typing import Literal

from mlip.active_learning.labeller import LabelCounts
from mlip.training.observers import Observer

Step = Literal["check", "label", "judge", "train", "explore", "choose", "finished"]


class CampaignObserver(Observer):
    """Is told how a campaign goes, and how the training of each member does."""

    def step_begins(self, iteration: int, step: Step) -> None:
        """A step begins, or is repeated after a kill."""

    def labelling(self, counts: LabelCounts) -> None:
        """How many labels of the iteration are in which state; told again and again."""

    def member_begins(self, member: int, members: int) -> None:
        """The training of one member (from 0) of the committee begins."""

    def explored(self, done: int, count: int) -> None:
        """So many of the runs of exploration are done."""
