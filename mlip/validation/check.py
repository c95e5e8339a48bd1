"""One finding of the doctor, and how a figure becomes a verdict."""

import dataclasses
import math
from typing import Literal

Verdict = Literal["pass", "warn", "fail", "skip"]

#: A figure beyond its bound is a warning up to this many times the bound, and a failure after.
LEEWAY = 100.0


@dataclasses.dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what it means.

    Attributes
    ----------
    name : what was looked at
    verdict : pass, warn, fail, or skip if it could not be looked at
    figure : the worst value found, None if there is none
    unit : of figure and bound
    bound : a figure up to it passes, None if nothing was asked of the figure
    meaning : one plain sentence: what it means, and if it did not pass, what to do
    """

    name: str
    verdict: Verdict
    figure: float | None
    unit: str
    bound: float | None
    meaning: str


@dataclasses.dataclass(frozen=True)
class Figure:
    """A value that should be small, beside the bound below which it counts as zero."""

    value: float
    unit: str
    bound: float

    @property
    def excess(self) -> float:
        """Value in units of the bound; infinite if the value is no number, or not zero where
        exactly zero is asked."""
        if not math.isfinite(self.value):
            return math.inf
        if self.bound == 0.0:
            return 0.0 if self.value == 0.0 else math.inf
        return self.value / self.bound


def judge(name: str, figures: list[Figure], good: str, bad: str, leeway: float = LEEWAY) -> Check:
    """The check that the worst of several figures decides; skipped if there are none.

    Parameters
    ----------
    good, bad : the meaning if all is well, and if it is not
    leeway : how many times the bound is still a warning
    """
    if not figures:
        return skipped(name, "none of the structures allows it")
    worst = max(figures, key=lambda figure: figure.excess)
    verdict: Verdict = "fail"
    if worst.excess <= 1.0:
        verdict = "pass"
    elif worst.excess <= leeway:
        verdict = "warn"
    meaning = good if verdict == "pass" else bad
    return Check(name, verdict, worst.value, worst.unit, worst.bound, meaning)


def skipped(name: str, reason: str) -> Check:
    """A check that could not be done."""
    return Check(name, "skip", None, "", None, f"not checked: {reason}")
