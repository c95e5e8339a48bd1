"""Files that a verb is about to write."""

from collections.abc import Sequence
from pathlib import Path


def require_absent(targets: Sequence[Path], overwrite: bool) -> None:
    """Raise ValueError if a file exists that is not to be replaced."""
    existing = [str(target) for target in targets if target.exists()]
    if existing and not overwrite:
        raise ValueError(f"{', '.join(existing)} exists already; --overwrite replaces it")


def require_kept(targets: Sequence[Path], sources: Sequence[Path]) -> None:
    """Raise ValueError if a file that is read would be written."""
    read = [source for source in sources if source.exists()]
    for target in targets:
        if target.exists() and any(target.samefile(source) for source in read):
            raise ValueError(f"{target} is read and would be lost: give another file to write")


def require_writable(target: Path, overwrite: bool, sources: Sequence[Path] = ()) -> None:
    """Before any work is done: that the file can be written, and nothing is lost by it.

    Parameters
    ----------
    sources : files that must stay, whatever `overwrite` says

    Raises
    ------
    ValueError
        If it is a folder or one of the sources, exists and is not to be replaced, or has no folder.
    """
    if not target.parent.is_dir():
        raise ValueError(f"{target} cannot be written: there is no folder {target.parent}")
    if target.is_dir():
        raise ValueError(f"{target} is a folder; give the name of a file")
    require_kept([target], sources)
    require_absent([target], overwrite)
