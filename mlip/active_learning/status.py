"""Where a campaign stands, from its store."""

import dataclasses
from pathlib import Path
from typing import Any

from mlip.active_learning.campaign import CampaignError
from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.store import Label, Store


@dataclasses.dataclass(frozen=True)
class IterationStatus:
    """One iteration.

    Attributes
    ----------
    before, after : errors of forces (eV/Å) and energies (eV/atom) of its new labels, rms, by the
        potential before and after it was trained on them; None where there is none yet
    scale : factor of the calibration of the potential before
    hours : wall time of all its calculations
    """

    number: int
    done: int
    failed: int
    waiting: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hours: float

    @property
    def scale(self) -> float | None:
        return self.before["scale"] if self.before else None


@dataclasses.dataclass(frozen=True)
class CampaignStatus:
    """All of it.

    Attributes
    ----------
    step : what is being done, or "finished"
    reason : why it ended; None if it did not
    failures : labels that failed
    calculators : what labels were made with
    """

    step: str
    reason: str | None
    iterations: list[IterationStatus]
    failures: list[Label]
    calculators: list[str]


def campaign_status(folder: Path) -> CampaignStatus:
    """Read it; a campaign may be running there.

    Raises
    ------
    CampaignError
        If there is no campaign in the folder, or it has not begun.
    """
    path = CampaignFolder(folder).store
    if not path.exists():
        raise CampaignError(f"no campaign has begun in {folder}; start it with mlip active run")
    store = Store(path)
    try:
        return _status(store)
    finally:
        store.close()


def _status(store: Store) -> CampaignStatus:
    labels = store.labels()
    last = store.fact("iteration", 0)
    return CampaignStatus(
        step=store.fact("step", "not begun"),
        reason=store.fact("reason"),
        iterations=[_iteration(store, labels, number) for number in range(last + 1)],
        failures=[label for label in labels if label.status == "failed"],
        calculators=[str(found) for found in store.fingerprints().values()],
    )


def _iteration(store: Store, labels: list[Label], number: int) -> IterationStatus:
    own = [label for label in labels if label.iteration == number]
    states = [label.status for label in own]
    return IterationStatus(
        number=number,
        done=states.count("done"),
        failed=states.count("failed"),
        waiting=states.count("queued") + states.count("running"),
        before=store.fact(f"judgement {number}"),
        after=store.fact(f"after {number}"),
        hours=sum(label.seconds or 0.0 for label in own) / 3600.0,
    )
