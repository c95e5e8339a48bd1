"""Labelled structures from files: everything ASE reads, CP2K, RuNNer and n2p2."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.db import connect
from ase.io import iread
from ase.io.formats import UnknownFileTypeError, filetype, ioformats

from mlip.data.cp2k import (
    is_cp2k_output,
    is_cp2k_trajectory,
    read_cp2k_output,
    read_cp2k_trajectory,
)
from mlip.data.extxyz import read_extxyz
from mlip.data.frames import Frame, FrameSet
from mlip.data.label_search import (
    choose,
    config_type,
    gather,
    require_labels,
    without_labels,
)
from mlip.data.labels import LabelKeys
from mlip.data.n2p2_data import read_input_data
from mlip.graph import check_cell

#: What codes print after a self-consistent cycle that did not converge.
_NOT_CONVERGED = {
    "espresso-out": "convergence NOT achieved",
    "vasp-out": "EDIFF was not reached",
    "gpaw-out": "Did not converge",
}


def read_frames(
    paths: Sequence[str | Path] | str | Path,
    keys: LabelKeys = LabelKeys(),  # noqa: B008 - frozen
    require: Sequence[str] = (),
) -> FrameSet:
    """All structures of some files, in order, with their labels.

    Parameters
    ----------
    paths : files, or one; a frame is named after its file's name and its number in it
    keys : names of the labels in the files; what is not declared is searched
    require : properties of which at least one structure must have a label

    Raises
    ------
    ValueError
        If a file cannot be read or is torn, a label cannot be understood, two labels for the same
        property disagree, or a required one is missing everywhere. Says where and what to do.
    """
    structures, sources, remarks = _read_files([paths] if isinstance(paths, str | Path) else paths)
    frames = frames_from_atoms(structures, keys, require, sources)
    found = frames.labels_found
    return FrameSet(frames, replace(found, remarks=(*found.remarks, *remarks)))


def read_structures(paths: Sequence[str | Path]) -> list[Atoms]:
    """All structures of some files, in order, whatever labels are in them.

    Raises
    ------
    ValueError
        If a file cannot be read or is torn, or a structure cannot be: not finite, without atoms or
        the cell that its pbc ask for. Says where and what to do.
    """
    structures, sources, _ = _read_files(paths)
    for atoms, source in zip(structures, sources):
        _check_geometry(atoms, source)
    return structures


def frames_from_atoms(
    structures: Sequence[Atoms],
    keys: LabelKeys = LabelKeys(),  # noqa: B008 - frozen
    require: Sequence[str] = (),
    sources: Sequence[str] | None = None,
) -> FrameSet:
    """As `read_frames`, from ASE's atoms with results in calculators, `info` or `arrays`. The
    atoms given are not changed."""
    if sources is None:
        sources = [f"atoms#{number}" for number in range(len(structures))]
    for atoms, source in zip(structures, sources):
        _check_geometry(atoms, source)
    offered = [gather(a, keys, source) for a, source in zip(structures, sources)]
    labels, found = choose(offered, structures)
    require_labels(require, found)
    frames = [
        Frame(without_labels(atoms, keys), own, config_type(atoms, keys), source)
        for atoms, own, source in zip(structures, labels, sources)
    ]
    return FrameSet(frames, found)


def format_of(path: Path) -> str:
    """The format of a file: one of ours, or a name of ASE's.

    Raises
    ------
    ValueError
        If it is empty, or of structures in no format that is known.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if not path.stat().st_size:
        raise ValueError(f"{path} is empty: copy the file again, or leave it out")
    for kind, recognised in _OWN_FORMATS.items():
        if recognised(path):
            return kind
    try:
        kind = filetype(str(path))
    except UnknownFileTypeError:
        kind = ""
    if kind not in ioformats:
        raise ValueError(f"{path} is in no format that is known here or to ASE")
    return kind


def _read_files(paths: Sequence[str | Path]) -> tuple[list[Atoms], list[str], list[str]]:
    """All structures, the place of each, and what else the files say."""
    structures: list[Atoms] = []
    sources: list[str] = []
    remarks: list[str] = []
    for path, name in zip(paths, _short_names(paths)):
        kind = format_of(Path(path))
        images = _read_file(Path(path), kind)
        if not images:
            raise ValueError(f"{path} holds no structures")
        remarks.extend(_remarks(Path(path), kind))
        structures.extend(images)
        sources.extend(f"{name}#{number}" for number in range(len(images)))
    return structures, sources, remarks


def _read_file(path: Path, kind: str) -> list[Atoms]:
    own = {
        "input-data": read_input_data,
        "cp2k-output": read_cp2k_output,
        "cp2k-trajectory": read_cp2k_trajectory,
        "extxyz": read_extxyz,
        "xyz": read_extxyz,
    }
    if kind in own:
        return own[kind](path)
    images: list[Atoms] = []
    try:
        for image in _iterate(path, kind):
            images.append(image)  # noqa: PERF402 - how many were whole is told on failure
    except Exception as error:  # ASE's parsers raise whatever their parts raise
        raise ValueError(
            f"{path} cannot be read as {kind} after {len(images)} structures: "
            f"{type(error).__name__}: {error}"
        ) from error
    return images


def _iterate(path: Path, kind: str) -> Iterator[Atoms]:
    """Structures by ASE; from its databases with the key-value pairs and data of each row."""
    if kind not in ("db", "json"):
        yield from iread(str(path), index=":", format=kind)
        return
    for row in connect(str(path), type=kind, use_lock_file=False).select():
        atoms = row.toatoms()
        atoms.info |= row.key_value_pairs | dict(row.data)
        yield atoms


def _remarks(path: Path, kind: str) -> list[str]:
    """What a file says that ASE's parser keeps to itself."""
    if kind not in _NOT_CONVERGED and kind != "vasp-xml":
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    if kind == "vasp-xml":
        torn = not text.rstrip().endswith("</modeling>")
        return [f"{path.name} ends early; its whole steps are used"] if torn else []
    count = text.count(_NOT_CONVERGED[kind])
    if not count:
        return []
    return [
        f"{path.name}: {count} self-consistent cycles did not converge, their labels are wrong; "
        "remove these structures"
    ]


def _begins_as_input_data(path: Path) -> bool:
    with path.open("rb") as file:
        for line in file.read(4096).splitlines():
            words = line.split()
            if words and not words[0].startswith(b"#"):
                return words == [b"begin"]
    return False


#: Formats that ASE does not read, and how they are recognised.
_OWN_FORMATS = {
    "input-data": _begins_as_input_data,
    "cp2k-output": is_cp2k_output,
    "cp2k-trajectory": is_cp2k_trajectory,
}


def _short_names(paths: Sequence[str | Path]) -> list[str]:
    """File names, or the paths as given where two files have the same name."""
    counts = Counter(Path(path).name for path in paths)
    return [str(path) if counts[Path(path).name] > 1 else Path(path).name for path in paths]


def _check_geometry(atoms: Atoms, source: str) -> None:
    if not np.isfinite(atoms.positions).all() or not np.isfinite(np.asarray(atoms.cell)).all():
        raise ValueError(f"{source}: positions or cell are not finite; remove the structure")
    if not len(atoms):
        raise ValueError(f"{source}: a structure without atoms; remove it")
    if not (atoms.numbers > 0).all():
        raise ValueError(f"{source}: it has dummy atoms (X), which are not elements; remove them")
    try:
        check_cell(atoms.cell.array.tolist(), atoms.pbc)
    except ValueError as problem:
        raise ValueError(f"{source}: {problem}") from problem
