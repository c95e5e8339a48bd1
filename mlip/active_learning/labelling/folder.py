"""The files of one label. Who holds its lock computes it; whoever is killed loses the lock.

structure.extxyz   what is to be labelled
request.json       with which calculator; written last: with it the folder is ready
lock               held by the worker for as long as it lives; its process and machine
worker.log         what worker and calculation printed
attempt-1/ ...     where calculations run; attempt.json when one came to its end
result.json        the outcome; written last: with it the label is finished
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.labelling.outcome import (
    Attempt,
    LabelOutcome,
    read_attempt,
    read_outcome,
    write_outcome,
)
from mlip.durable import sync_folder, write_whole
from mlip.settings import Settings, load_settings, parse_settings

if TYPE_CHECKING:  # the worker starts faster without
    from ase import Atoms

_ATTEMPT = "attempt.json"


class LabelRequest(Settings):
    """What the worker is told."""

    calculator: CalculatorConfig
    import_from: str
    """Folder in which factories beside the config are found."""


class LabelFolder:
    """The folder of one label.

    Parameters
    ----------
    path : its name is that of the label
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "worker.log"
        self._structure = path / "structure.extxyz"
        self._request = path / "request.json"
        self._result = path / "result.json"
        self._lock = path / "lock"

    # ---------------------------------------------------------------------- what the driver does

    def prepare(self, structure: str, request: LabelRequest) -> None:
        """Make the folder ready, unless somebody is at work in it or has finished. What was begun
        with other settings of the calculator is set aside.

        Parameters
        ----------
        structure : one frame of extended XYZ
        """
        if self._request.exists():
            if self.is_claimed() or self.is_finished():
                return
            if _read_back(request) == self.request():
                return
            if self.asks_otherwise(request):
                self.set_aside("changed")
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self._structure, structure.encode())
        write_whole(self._request, request.model_dump_json(indent=1).encode())

    def asks_otherwise(self, request: LabelRequest) -> bool:
        """Whether it is ready, for other settings of the calculator than those of a request."""
        if not self._request.exists():
            return False
        return _read_back(request).calculator.settings() != self.request().calculator.settings()

    def set_aside(self, why: str) -> None:
        """Begin anew; what is there is kept beside, as KEY.why-1, KEY.why-2, ..."""
        if not self.path.exists():
            return
        number = 1
        while (beside := self.path.with_name(f"{self.path.name}.{why}-{number}")).exists():
            number += 1
        self.path.rename(beside)
        sync_folder(beside.parent)

    def outcome(self) -> LabelOutcome | None:
        """What came of the label; None if it is not finished."""
        return read_outcome(self._result)

    def is_finished(self) -> bool:
        """Whether there is an outcome."""
        return self._result.exists()

    def is_claimed(self) -> bool:
        """Whether a worker, or a calculation that outlived one, is at it."""
        if not self.path.exists():
            return False
        with self.claim() as lock:
            return lock is None

    def worker(self) -> int | None:
        """The process that is at it, if it is on this machine."""
        if not self.is_claimed():
            return None
        process, _, host = self._lock.read_text(encoding="utf-8").partition(" ")
        return int(process) if host == socket.gethostname() else None

    def note(self, line: str) -> None:
        """Add a line to what was printed."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def log_tail(self, n_lines: int = 5) -> str:
        """The end of what was printed."""
        if not self.log.exists():
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(line for line in lines[-n_lines:] if line.strip())

    # ---------------------------------------------------------------------- what the worker does

    @contextlib.contextmanager
    def claim(self) -> Iterator[int | None]:
        """Hold the lock of the label: its file descriptor, or None if somebody else has it. The
        system gives a lock back when its last holder ends, however that comes about."""
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                os.ftruncate(handle, 0)  # who signed is gone, and the number may be another's now
                yield handle
        finally:
            os.close(handle)

    def sign(self, lock: int) -> None:
        """Say which process holds the lock."""
        os.pwrite(lock, f"{os.getpid()} {socket.gethostname()}".encode(), 0)

    def request(self) -> LabelRequest:
        """What is asked."""
        return load_settings(LabelRequest, self._request)

    def structure(self) -> "Atoms":
        """What is to be labelled."""
        import ase.io

        atoms = ase.io.read(self._structure, format="extxyz")
        assert not isinstance(atoms, list)
        return atoms

    def attempts(self) -> list[Attempt]:
        """The attempts that came to their end, in order. One that was killed does not count."""
        folders = sorted(self.path.glob("attempt-*"), key=_number)
        ended = (read_attempt(folder / _ATTEMPT) for folder in folders)
        return [attempt for attempt in ended if attempt is not None]

    def new_attempt(self) -> Path:
        """An empty folder for the next attempt."""
        last = max((_number(folder) for folder in self.path.glob("attempt-*")), default=0)
        folder = self.path / f"attempt-{last + 1}"
        folder.mkdir()
        return folder

    def end_attempt(self, attempt: Attempt) -> None:
        """Note what came of an attempt."""
        write_outcome(self.path / attempt.folder / _ATTEMPT, attempt)

    def finish(self, outcome: LabelOutcome) -> None:
        """Note what came of the label."""
        write_outcome(self._result, outcome)


def _read_back(request: LabelRequest) -> LabelRequest:
    """As it will be once it went through a file: what is a tuple here is a list there."""
    return parse_settings(LabelRequest, json.loads(request.model_dump_json()))


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[2])
