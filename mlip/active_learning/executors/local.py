"""Workers as processes of this machine."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from mlip.active_learning.executors.base import worker_command
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.settings import Settings


class LocalPool:
    """A number of processes at once.

    A worker outlives a driver that is killed, and finishes its label; the next driver finds it by
    the lock that it holds.
    """

    class Config(Settings):
        """Workers as processes of this machine."""

        name: Literal["local"] = "local"
        workers: int = Field(default=1, ge=1)
        """Calculations at once. Each has `calculator.threads` threads."""

        def build(self) -> "LocalPool":
            """The executor."""
            return LocalPool(self.workers)

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}

    def submit(self, label: LabelFolder) -> None:
        with label.log.open("ab") as log:
            self._processes[label.path] = subprocess.Popen(
                worker_command(label),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def alive(self, labels: Sequence[LabelFolder]) -> set[str]:
        return {label.path.name for label in labels if self._is_alive(label)}

    def cancel(self, labels: Sequence[LabelFolder]) -> None:
        for label in labels:
            _end(self._processes.get(label.path), label)

    def close(self) -> None:
        for path, process in self._processes.items():
            if not (label := LabelFolder(path)).is_finished():
                _end(process, label)
        for process in self._processes.values():
            process.wait()
        self._processes.clear()

    def _is_alive(self, label: LabelFolder) -> bool:
        process = self._processes.get(label.path)
        if process is not None and process.poll() is None:
            return True
        return label.is_claimed()


def _end(process: subprocess.Popen[bytes] | None, label: LabelFolder) -> None:
    """Kill the worker of a label, this process or one of an earlier driver. It leads a group of its
    own; its calculation follows it."""
    ours = process is not None and process.poll() is None
    worker = process.pid if process is not None and ours else label.worker()
    if worker is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker, signal.SIGKILL)
