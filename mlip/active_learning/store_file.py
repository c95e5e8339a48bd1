"""The file of a campaign's store: opened to be changed, or looked at and left alone; and what goes
wrong with it, in words that tell what to do."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path


class StoreError(ValueError):
    """The store cannot be used; the message says why and what to do."""


def open_to_change(path: Path) -> sqlite3.Connection:
    """The file itself; made if it is not there."""
    base = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    base.execute("PRAGMA journal_mode = DELETE")
    base.execute("PRAGMA synchronous = EXTRA")
    base.execute("PRAGMA foreign_keys = ON")
    return base


def snapshot(path: Path) -> sqlite3.Connection:
    """What is in the file now, in memory; whoever else uses the file, nothing of it is changed."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _copy(path, "ro", copy)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "") != "SQLITE_READONLY_ROLLBACK":
            raise
        _copy_before_the_kill(path, copy)
    return copy


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as `StoreError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(_explained(path, error)) from error


def backup_of(path: Path) -> Path:
    """Where the copy of a store is kept."""
    return path.with_name(f"{path.stem}.backup{path.suffix}")


def damaged(path: Path, how: str) -> str:
    """What to do with a store that cannot be read."""
    return (
        f"{path} is damaged ({how}). Every finished label is also in the folder 'labels' beside "
        f"it: put the copy {backup_of(path).name} in its place, and labels that are missing there "
        "are taken in again when the campaign runs"
    )


def _copy(path: Path, mode: str, copy: sqlite3.Connection) -> None:
    address = f"{path.resolve().as_uri()}?mode={mode}"
    with contextlib.closing(sqlite3.connect(address, timeout=30.0, uri=True)) as base:
        base.execute("SELECT count(*) FROM sqlite_master")  # waits for a writer, but not for ever
        base.backup(copy)


def _copy_before_the_kill(path: Path, copy: sqlite3.Connection) -> None:
    """A driver was killed in the middle of a change, and the journal that takes it back lies beside
    the file. That is done to a second copy; here a driver that comes back does it itself."""
    journal = path.with_name(path.name + "-journal")
    with tempfile.TemporaryDirectory() as place:
        try:
            before = journal.stat()
            for one in (journal, path):
                shutil.copyfile(one, Path(place) / one.name)
            after = journal.stat()
        except FileNotFoundError:  # it has come back meanwhile
            _copy(path, "ro", copy)
            return
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise StoreError(f"{path} changed while it was read; look again")
        _copy(Path(place) / path.name, "rw", copy)


def _explained(path: Path, error: sqlite3.DatabaseError) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return damaged(path, str(error))
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return (
            f"{path} cannot be written ({error}): is the disk full? Nothing that was finished is "
            "lost; make room and run again"
        )
    if name.startswith("SQLITE_BUSY"):
        return f"{path} is held by another program; end it and run again"
    return f"{path}: {error}"
