"""Labelled structures to files, in any format that can hold them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write as ase_write
from ase.io.formats import UnknownFileTypeError, filetype, ioformats

from mlip.data.extxyz import write_extxyz
from mlip.data.frames import Frame
from mlip.data.labels import LabelKeys
from mlip.data.n2p2_data import write_input_data
from mlip.data.read import read_frames
from mlip.durable import drafted
from mlip.properties import LABELS, to_voigt

_ASE_NAMES = LabelKeys(energy="energy", forces="forces", stress="stress")


def labels_held_by(path: str | Path) -> tuple[str, ...]:
    """The labels that the format of a file, told by its suffix, can hold."""
    return ("energy", "forces") if _is_input_data(path) else LABELS


def left_out(path: str | Path, frames: Sequence[Frame]) -> dict[str, int]:
    """What the format of a file cannot hold: labels, kinds, and everything else that structures
    carry; by name, how many structures have it. Of formats that ASE writes only labels are known.
    """
    held = labels_held_by(path)
    lost = Counter(n for frame in frames for n in LABELS if n in frame.labels and n not in held)
    if _is_input_data(path):
        for frame in frames:
            named = _with_config_type(frame)
            lost.update(named.info.keys() - {"comment", "charge"})
            lost.update(named.arrays.keys() - {"numbers", "positions", "initial_charges"})
    return dict(lost)


def write_frames(path: str | Path, frames: Sequence[Frame]) -> None:
    """Write frames as extended XYZ (.extxyz, .xyz), RuNNer's and n2p2's input.data (.data) or
    whatever ASE writes under the suffix, read them again, compare, and force them to disk.

    Labels that the format does not hold (`labels_held_by`) are left out. Every other label, and in
    the first two formats every coordinate, reads back as the same bits.

    Raises
    ------
    ValueError
        If the format cannot be written, or does not give back what was written.
    OSError
        If the disk is full. In either case a file that was there before is left.
    """
    target = Path(path)
    with drafted(target) as draft:
        _write(draft, frames)
        for problem in _differences(draft, frames):
            raise ValueError(f"{path} {problem}")


def _write(path: Path, frames: Sequence[Frame]) -> None:
    named = [(_with_config_type(frame), frame.labels) for frame in frames]
    if path.suffix in (".extxyz", ".xyz"):
        write_extxyz(path, named)
    elif _is_input_data(path):
        write_input_data(path, named)
    else:
        _write_by_ase(path, [_with_results(atoms, labels) for atoms, labels in named])


def _is_input_data(path: str | Path) -> bool:
    return Path(path).suffix == ".data"


def _with_config_type(frame: Frame) -> Atoms:
    atoms = frame.atoms.copy()
    if frame.config_type != "default":
        atoms.info["config_type"] = frame.config_type
    return atoms


def _with_results(atoms: Atoms, labels: dict[str, np.ndarray]) -> Atoms:
    results: dict[str, object] = dict(labels)
    if "energy" in labels:
        results["energy"] = float(labels["energy"])
    if "stress" in labels:
        results["stress"] = to_voigt(labels["stress"])
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def _write_by_ase(path: Path, structures: list[Atoms]) -> None:
    try:
        kind = filetype(str(path), read=False)
    except UnknownFileTypeError:
        kind = ""
    if kind not in ioformats or not ioformats[kind].can_write:
        raise ValueError(
            f"{path.name}: nothing can be written under this suffix; .extxyz always works"
        )
    if len(structures) > 1 and ioformats[kind].single:
        raise ValueError(f"{path.name}: {kind} holds one structure, not {len(structures)}")
    try:
        ase_write(str(path), structures, format=kind)
    except Exception as error:  # ASE's writers raise whatever their parts raise
        raise ValueError(f"{path.name} cannot be written as {kind}: {error}") from error


def _differences(path: Path, frames: Sequence[Frame]) -> Iterator[str]:
    """What a file that was just written does not give back."""
    held = labels_held_by(path)
    back = read_frames([path], _ASE_NAMES)
    if len(back) != len(frames):
        yield f"gives back {len(back)} structures of the {len(frames)} written"
    for frame, same in zip(frames, back):
        if not np.array_equal(frame.atoms.numbers, same.atoms.numbers) or not np.allclose(
            frame.atoms.positions, same.atoms.positions, rtol=0, atol=1e-7
        ):
            yield f"does not give back the structure {frame.source} as it was"
        for name in held:
            if name in frame.labels and not np.array_equal(
                frame.labels[name], same.labels.get(name, np.nan)
            ):
                yield f"does not give back the {name} of {frame.source}; take .extxyz"
