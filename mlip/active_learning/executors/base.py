"""What an executor can do."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from mlip.active_learning.labelling.folder import LabelFolder


class RefusedError(ValueError):
    """A worker could not be started, which says nothing about its label; the message says why."""


@runtime_checkable
class Executor(Protocol):
    """Starts workers, each for one label, and says which are alive.

    Attributes
    ----------
    workers : how many there may be at once
    """

    workers: int

    def submit(self, label: LabelFolder) -> None:
        """Start a worker, or queue it. Two for the same label do no harm.

        Raises
        ------
        RefusedError
            If there can be no further one now.
        """

    def alive(self, labels: Sequence[LabelFolder]) -> set[str] | None:
        """Names of the labels whose worker is queued or running, whoever started it; None if that
        cannot be known now."""

    def cancel(self, labels: Sequence[LabelFolder]) -> None:
        """End the workers of these labels, whoever started them."""

    def close(self) -> None:
        """Wait for workers that have finished their labels and are about to end; end others that
        do not go on without the driver."""


def worker_command(label: LabelFolder, python: str = sys.executable) -> list[str]:
    """The command that runs the worker of a label."""
    return [python, "-m", "mlip.active_learning.labelling.worker", str(Path(label.path).resolve())]
