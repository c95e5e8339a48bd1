"""One driver at a time: a lock on the run folder that a killed driver loses."""

import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlip.durable import write_whole

#: Seconds between signs of life, and without one until the driver counts as dead.
HEARTBEAT, DEAD_AFTER = 10.0, 60.0


class FolderInUseError(ValueError):
    """Another driver works in the run folder."""


@dataclasses.dataclass(frozen=True)
class Driver:
    """The process that drives a campaign, and since when (seconds since 1970)."""

    host: str
    process: int
    started: float


def driver_of(folder: Path) -> Driver | None:
    """The driver that is at work in a run folder, by its sign of life; the lock is left alone."""
    sign = folder / "driver.json"
    found = _read(sign)
    if not found or not _is_fresh(sign):
        return None
    driver = Driver(**found)
    return driver if driver.host != socket.gethostname() or _lives(driver.process) else None


@contextlib.contextmanager
def driver_lock(folder: Path, first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the run folder for as long as the block runs.

    On one machine the system's file lock decides, which ends with its holder. On a network file
    system that does not share such locks, a heartbeat of another machine does.

    Parameters
    ----------
    first : done as soon as the folder is held, before anybody can see that it is

    Raises
    ------
    FolderInUseError
        If another driver is alive.
    """
    lock, sign = folder / "driver.lock", folder / "driver.json"
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(handle, folder, sign)
        first()
        write_whole(sign, json.dumps(_self()).encode())
        ended = threading.Event()
        beat = threading.Thread(target=_beat, args=(sign, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()
            sign.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _take(handle: int, folder: Path, sign: Path) -> None:
    other = _read(sign)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderInUseError(_in_use(folder, other)) from None
    elsewhere = other and other["host"] != socket.gethostname()
    if elsewhere and _is_fresh(sign):
        raise FolderInUseError(_in_use(folder, other))


def _beat(sign: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        with contextlib.suppress(OSError):  # a full disk does not end the campaign here
            os.utime(sign)


def _is_fresh(sign: Path) -> bool:
    """Whether there was a sign of life of late; not if it was withdrawn meanwhile."""
    try:
        return time.time() - sign.stat().st_mtime <= DEAD_AFTER
    except FileNotFoundError:
        return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _self() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "started": time.time()}


def _read(sign: Path) -> dict[str, Any]:
    try:
        return json.loads(sign.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}


def _in_use(folder: Path, other: dict[str, Any]) -> str:
    who = f"process {other['process']} on {other['host']}" if other else "another process"
    return f"a campaign is already running in {folder} ({who}); look at it with mlip active status"
