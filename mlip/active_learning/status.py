"""Where a campaign stands, from its store."""

import dataclasses
from pathlib import Path
from typing import Any

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.driver_lock import Driver, driver_of
from mlip.active_learning.labeller import LabelCounts
from mlip.active_learning.store import Label, Store


class NoCampaignError(ValueError):
    """There is no campaign to look at."""


@dataclasses.dataclass(frozen=True)
class IterationStatus:
    """One iteration.

    Attributes
    ----------
    before, after : errors of forces (eV/Å) and energies (eV/atom) of its new labels, rms, by the
        potential before and after it was trained on them; None where there is none yet
    computed : labels for which there were calculations
    seconds : wall time of these
    learned_before, learned_after : finished labels without those of this iteration, and with them
    """

    number: int
    counts: LabelCounts
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    computed: int
    seconds: float
    learned_before: int
    learned_after: int

    @property
    def scale(self) -> float | None:
        """The factor of the calibration of the potential before."""
        return self.before["scale"] if self.before else None

    @property
    def calibrated_on(self) -> int | None:
        """The labels that it stands on; None likewise, or if an older version did not keep it."""
        cards = (self.before or {}).get("calibration", {})
        return cards["forces"]["n_structures"] if "forces" in cards else None


@dataclasses.dataclass(frozen=True)
class CampaignStatus:
    """All of it.

    Attributes
    ----------
    step : what is being done, or "finished"
    reason : why it ended; None if it did not
    failures : labels that failed
    calculators : what labels were made with
    driver : the process that is at work, if any
    """

    step: str
    reason: str | None
    iterations: list[IterationStatus]
    failures: list[Label]
    calculators: list[str]
    driver: Driver | None

    @property
    def counts(self) -> LabelCounts:
        """Labels of all iterations."""
        parts = [dataclasses.astuple(one.counts) for one in self.iterations]
        return LabelCounts(*map(sum, zip(*parts)))

    @property
    def seconds(self) -> float:
        """Wall time of all calculations."""
        return sum(one.seconds for one in self.iterations)

    @property
    def mean_seconds(self) -> float | None:
        """Wall time of one computed label, on average; None if there is none."""
        computed = sum(one.computed for one in self.iterations)
        return self.seconds / computed if computed else None

    @property
    def seconds_left(self) -> float | None:
        """Until the labels that wait are there, if as many are computed at once as now; None if
        none waits or nothing is known of how long it takes."""
        counts, mean = self.iterations[-1].counts, self.mean_seconds
        if mean is None or not counts.waiting:
            return None
        return mean * counts.waiting / max(counts.running, 1)


def campaign_status(folder: Path) -> CampaignStatus:
    """Read it; a campaign may be running there.

    Raises
    ------
    NoCampaignError
        If there is no campaign in the folder, or it has not begun.
    """
    store = open_store(folder)
    try:
        return status_of(store, driver_of(folder))
    finally:
        store.close()


def open_store(folder: Path) -> Store:
    """The store of the campaign in a folder, as it is now; only to be read, by whichever version of
    the package it is written.

    Raises
    ------
    NoCampaignError
        If there is none.
    """
    path = CampaignFolder(folder).store
    if not path.exists():
        raise NoCampaignError(f"no campaign has begun in {folder}; start it with mlip active run")
    return Store(path, read_only=True)


def status_of(store: Store, driver: Driver | None = None) -> CampaignStatus:
    """Where the campaign of an open store stands."""
    labels = store.labels()
    last = store.fact("iteration", 0)
    return CampaignStatus(
        step=store.fact("step", "not begun"),
        reason=store.fact("reason"),
        iterations=[_iteration(store, labels, number) for number in range(last + 1)],
        failures=[label for label in labels if label.status == "failed"],
        calculators=[str(found) for found in store.fingerprints().values()],
        driver=driver,
    )


def _iteration(store: Store, labels: list[Label], number: int) -> IterationStatus:
    own = [label for label in labels if label.iteration == number]
    counts = LabelCounts.of(own)
    before = sum(label.status == "done" and label.iteration < number for label in labels)
    return IterationStatus(
        number=number,
        counts=counts,
        before=store.fact(f"judgement {number}"),
        after=store.fact(f"after {number}"),
        computed=sum(label.seconds is not None for label in own),
        seconds=sum(label.seconds or 0.0 for label in own),
        learned_before=before,
        learned_after=before + counts.done,
    )
