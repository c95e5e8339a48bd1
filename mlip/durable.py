"""Files that are whole at any moment, whatever is killed."""

import errno
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Numbers of the errors by which the system says that there is no room, or no more for this user.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target, force to disk, rename: a reader sees the old file or the new one,
    also after a power failure.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk; the old file is then still there. Names the
        target.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with beside.open("xb") as file:
            file.write(content)
        put_in_place(beside, path)
    except OSError as error:
        error.filename = str(path)  # writing itself does not tell
        raise
    finally:
        with suppress(OSError):  # what went wrong first is told
            beside.unlink(missing_ok=True)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """A path of the same name in a folder beside the target, for those that write by name; it is
    put in place at the end of the block.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk. Whatever fails in the block, the old file is
        still there; errors of the system name the target.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            draft = Path(folder) / path.name
            yield draft
            put_in_place(draft, path)
    except OSError as error:
        error.filename = str(path)
        raise


@contextmanager
def room_in(path: Path) -> Iterator[None]:
    """A disk that is full in the block is told with this name, if with none."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise


def put_in_place(draft: Path, path: Path) -> None:
    """Force a file that was written in the same file system to disk, then rename it to `path`.

    Raises
    ------
    OSError
        If the disk is full; the old file is then still there. Names the target.
    """
    try:
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        error.filename = str(path)  # the disk does not tell
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names of files in a folder to the disk, where the system knows how."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
