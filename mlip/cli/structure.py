"""One structure from a file, to start from."""

import re
from pathlib import Path

import ase.io
from ase import Atoms

from mlip.graph import check_cell

_NUMBERED = re.compile(r"(.+)@(-?[0-9]+)")


def read_structure(source: str, supercell: tuple[int, int, int] = (1, 1, 1)) -> Atoms:
    """The structure that ``FILE`` (its last) or ``FILE@N`` (number N, from 0) names, repeated.

    Raises
    ------
    ValueError
        If there is no such file or structure, ASE cannot read it, or it cannot be repeated.
    """
    if min(supercell) < 1:
        raise ValueError(f"--supercell takes three positive numbers, got {supercell}")
    atoms = _read(source)
    repeats = [n > 1 and not periodic for n, periodic in zip(supercell, atoms.pbc)]
    if any(repeats):
        raise ValueError(
            f"--supercell {supercell} repeats a direction without pbc ({atoms.pbc.tolist()})"
        )
    return atoms.repeat(supercell)


def _read(source: str) -> Atoms:
    path, number = source, -1
    numbered = _NUMBERED.fullmatch(source)
    if numbered and not Path(source).exists():
        path, number = numbered[1], int(numbered[2])
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    if Path(path).suffix == ".safetensors":
        raise ValueError(f"{path} is a model: the model comes first, then the structure")
    try:
        # of a number before the first ASE would make the first
        atoms = ase.io.read(path, ":")[number] if number < -1 else ase.io.read(path, number)
    except (StopIteration, IndexError) as error:
        count = len(ase.io.read(path, index=":"))
        raise ValueError(
            f"there is no {source}: {path} holds {count} structures, counted from 0"
        ) from error
    except Exception as error:  # ASE's parsers raise whatever their parts raise
        raise ValueError(
            f"cannot read a structure from {path}: {type(error).__name__}: {error}"
        ) from error
    assert isinstance(atoms, Atoms)
    _check(atoms, source)
    return atoms


def _check(atoms: Atoms, source: str) -> None:
    if not len(atoms):
        raise ValueError(f"{source} is a structure without atoms")
    try:
        check_cell(atoms.cell.array.tolist(), atoms.pbc)
    except ValueError as problem:
        raise ValueError(f"{source}: {problem}") from problem
