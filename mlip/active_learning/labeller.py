"""The driver's side of labelling: from queued structures to settled labels, whoever is killed."""

import dataclasses
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from mlip.active_learning.executors.base import Executor, RefusedError
from mlip.active_learning.labelling.folder import LabelFolder, LabelRequest
from mlip.active_learning.store import Label, Store
from mlip.settings import Settings


class TooManyFailuresError(ValueError):
    """So many labels failed that something is wrong with the calculator; lists them."""


class FullDiskError(ValueError):
    """There is so little room on the disk that calculations would be lost."""


#: Bytes that must be free where calculations run.
_ROOM = 10_000_000
#: Seconds until another worker is asked for after one was refused.
_PATIENCE = 60.0


class FailureLimits(Settings):
    """When a label counts as failed, and when failed labels stop the campaign. One alone does only
    if it is the only one."""

    share: float = Field(default=0.3, ge=0.0, le=1.0)
    """Of the labels asked for in one iteration; more stop the campaign."""
    deaths: int = Field(default=3, ge=1)
    """Workers that may die at one label, seen by one driver, until it counts as failed."""


@dataclasses.dataclass(frozen=True)
class LabelCounts:
    """How many labels of an iteration are in which state."""

    done: int
    running: int
    failed: int
    queued: int

    @classmethod
    def of(cls, labels: Sequence[Label]) -> "LabelCounts":
        """Count them."""
        found = Counter(label.status for label in labels)
        return cls(found["done"], found["running"], found["failed"], found["queued"])

    @property
    def total(self) -> int:
        return self.settled + self.waiting

    @property
    def settled(self) -> int:
        return self.done + self.failed

    @property
    def waiting(self) -> int:
        return self.running + self.queued


class Labeller:
    """Works off the queue of a store.

    Parameters
    ----------
    folder : holds a folder for each label
    pause : called while there is nothing to do but wait
    told : how it stands with the iteration, whenever that may have changed
    enough : whether what is queued shall stay so; asked again and again
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        executor: Executor,
        request: LabelRequest,
        limits: FailureLimits,
        pause: Callable[[], None] = lambda: time.sleep(0.5),
        told: Callable[[LabelCounts], None] = lambda _: None,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._folder = folder
        self._executor = executor
        self._request = request
        self._limits = limits
        self._pause = pause
        self._told = told
        self._enough = enough
        self._deaths: Counter[str] = Counter()
        self._at_work: set[str] = set()
        self._refusal = ""
        self._patient_until = 0.0

    def run(self, iteration: int) -> None:
        """Until every label of the store is settled, or those that run if it is enough.

        Raises
        ------
        TooManyFailuresError
            If more labels of the iteration failed than is bearable. Others that are running are
            ended; all that is finished is kept.
        FullDiskError
            If there is no room for the calculations; the same, as when it is interrupted. Other
            errors say nothing about labels: what can go on without the driver does.
        """
        try:
            while self.step(iteration):
                self._pause()
        except (KeyboardInterrupt, TooManyFailuresError, FullDiskError):
            self._executor.cancel([LabelFolder(self._folder / key) for key in self._at_work])
            raise
        finally:
            self._executor.close()

    def step(self, iteration: int) -> bool:
        """Take in what is finished and start what can be; whether there is more to wait for."""
        self._take_in()
        self._check(iteration)
        enough = self._enough()
        if not enough:
            self._start()
        self._told(LabelCounts.of(self._store.labels(iteration=iteration)))
        return bool(self._store.labels("running") if enough else self._open_labels())

    def settle_finished(self) -> None:
        """Take in outcomes of workers that ended when nobody looked."""
        for label in self._open_labels():
            if (outcome := self._of(label).outcome()) is not None:
                self._store.settle(label.key, outcome)

    def retry_failed(self) -> int:
        """Queue failed labels again; what is left of them is kept beside. Returns how many."""
        self._take_in()  # some may have failed when nobody looked
        failed = self._store.labels("failed")
        for label in failed:
            self._of(label).set_aside("failed")
            self._store.forget_failure(label.key)
        return len(failed)

    def withdraw_others(self) -> None:
        """End workers, jobs in a queue too, that are at labels with other settings of the
        calculator than those asked for now; the labels wait for new ones."""
        for label in self._open_labels():
            if self._of(label).asks_otherwise(self._request):
                self._executor.cancel([self._of(label)])
                self._store.set_queued(label.key)

    def _take_in(self) -> None:
        """Outcomes that are there, whoever worked for them; workers that are gone.

        A worker may finish at any moment: who is alive is asked first, so that one which is gone
        has left all it will leave. Of a queue that does not answer nothing is concluded.
        """
        open_labels = self._open_labels()
        alive = self._executor.alive([self._of(label) for label in open_labels])
        for label in open_labels:
            outcome = self._of(label).outcome()
            if outcome is not None:
                self._at_work.discard(label.key)
                self._store.settle(label.key, outcome)
            elif alive is not None and label.key in alive:
                self._found(label)
            elif alive is not None and label.status == "running":
                self._lost(label)

    def _open_labels(self) -> list[Label]:
        return self._store.labels("queued", "running")

    def _found(self, label: Label) -> None:
        self._at_work.add(label.key)
        if label.status == "queued":  # of a driver that was killed
            self._store.set_running(label.key)

    def _lost(self, label: Label) -> None:
        """A worker that went with an earlier driver did not die at the label."""
        self._deaths[label.key] += label.key in self._at_work
        self._at_work.discard(label.key)
        if self._deaths[label.key] < self._limits.deaths:
            self._store.set_queued(label.key)
            self._store.note("worker lost", label=label.key)
            return
        last = self._of(label).log_tail()
        self._store.set_failed(
            label.key, f"{self._limits.deaths} workers died at it; the last they printed:\n{last}"
        )

    def _start(self) -> None:
        if time.monotonic() < self._patient_until:
            return
        free = self._executor.workers - len(self._store.labels("running"))
        for label in self._store.labels("queued")[: max(free, 0)]:
            self._require_room()
            folder = self._of(label)
            folder.prepare(label.structure.frame, self._request)
            self._at_work.add(label.key)  # first: whatever ends the driver now ends it too
            try:
                self._executor.submit(folder)
            except RefusedError as refusal:
                self._refused(label, refusal)
                return
            self._store.set_running(label.key)

    def _refused(self, label: Label, refusal: RefusedError) -> None:
        """Those at work go on, and the label is tried again later; without them, it is an error."""
        self._at_work.discard(label.key)
        if not self._store.labels("running"):
            raise refusal
        self._patient_until = time.monotonic() + _PATIENCE
        if str(refusal) != self._refusal:
            self._store.note("worker refused", label=label.key, reason=str(refusal))
        self._refusal = str(refusal)

    def _require_room(self) -> None:
        folder = self._store.path.parent.resolve()
        free = shutil.disk_usage(folder).free
        if free < _ROOM:
            raise FullDiskError(
                f"only {free / 1e6:.1f} MB are free in {folder}; nothing is lost: make room and "
                "run again"
            )

    def _check(self, iteration: int) -> None:
        labels = self._store.labels(iteration=iteration)
        failed = [label for label in labels if label.status == "failed"]
        bearable = max(1.0, self._limits.share * len(labels))
        if len(failed) <= bearable and (not failed or len(failed) < len(labels)):
            return
        lines = [f"  {self._of(label).path}: {label.reason}" for label in failed]
        raise TooManyFailuresError(
            f"{len(failed)} of {len(labels)} labels failed:\n"
            + "\n".join(lines)
            + "\nmend what is wrong and continue with --retry-failed"
        )

    def _of(self, label: Label) -> LabelFolder:
        return LabelFolder(self._folder / label.key)
