"""CP2K's files, which ASE does not read: the output of one calculation, and trajectories.

CP2K prints atomic units, and stresses as pressures, positive under compression, in GPa: the sign is
turned here. The ``.stress`` file of a molecular dynamics run is not read: it contains the kinetic
part. Format: The CP2K manual, section FORCE_EVAL/PRINT and MOTION/PRINT.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mlip.data.extxyz import read_extxyz
from mlip.properties import to_voigt
from mlip.units import factor

_NUMBER = r"[-+]?\d+\.\d+(?:[EeDd][-+]?\d+)?"
_THREE = rf"\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})"
_ENERGY = re.compile(
    rf"^ ENERGY\| Total FORCE_EVAL .* energy \[(?:a\.u\.|hartree)\]:?\s+({_NUMBER})", re.MULTILINE
)
_VECTOR = re.compile(rf"^ CELL\| Vector [abc] \[angstrom\]?:?{_THREE}", re.MULTILINE)
_PERIODICITY = re.compile(r"^ CELL\| Periodicity\s+([XYZ]+|NONE)\s*$", re.MULTILINE)
_COORDINATES = re.compile(r"ATOMIC COORDINATES IN ANGSTROM\n(.*?)\n\s*\n\s*\n", re.DOTALL | re.I)
_ATOM = re.compile(rf"^\s+\d+\s+\d+\s+[A-Z][a-z]?\s+(\d+){_THREE}", re.MULTILINE)
_FORCES = re.compile(
    r"ATOMIC FORCES in \[a\.u\.\](.*?)SUM OF|FORCES\| Atomic forces \[hartree/bohr\](.*?)\| Sum",
    re.DOTALL | re.I,
)
_FORCE = re.compile(rf"^(?:\s+\d+\s+\d+\s+\w+|\s*FORCES\|\s+\d+){_THREE}", re.MULTILINE)
_STRESS = re.compile(
    r"STRESS\| (?:Analytical|Numerical) stress tensor \[(\w+)\]\n(.*?)1/3", re.DOTALL
)
_STRESS_ROW = re.compile(rf"STRESS\|\s+[xyz]{_THREE}")
_STEP = re.compile(rf"^\s*i\s*=\s*(\d+),.*\bE\s*=\s*({_NUMBER})")

_HARTREE_PER_BOHR = factor("Hartree/Bohr")


def is_cp2k_output(path: Path) -> bool:
    """Whether a file is what CP2K prints."""
    with path.open("rb") as file:
        return b" CP2K| version string" in file.read(65536)


def is_cp2k_trajectory(path: Path) -> bool:
    """Whether a file is an XYZ file with the comment lines of CP2K, and their Hartree."""
    with path.open("rb") as file:
        lines = file.read(4096).splitlines()
    return len(lines) > 1 and bool(_STEP.match(lines[1].decode(errors="replace")))


def read_cp2k_output(path: Path) -> list[Atoms]:
    """The structure of an output with its energy and, if printed, forces and stress. Cell vectors
    and positions have the few digits that CP2K prints.

    Raises
    ------
    ValueError
        If the calculation did not converge or finish, or the output is one of several structures.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    if re.search(r"SCF run NOT converged", text, re.I):
        raise ValueError(f"{path}: the SCF run did not converge; do not train on it")
    energies = _ENERGY.findall(text)
    if len(energies) != 1:
        raise ValueError(
            f"{path} holds {len(energies)} energies, not one: for a run of several steps give its "
            "*-pos-1.xyz, beside which *-frc-1.xyz and *-1.cell are looked for; without any, the "
            "calculation did not finish"
        )
    vectors, periodicity = _VECTOR.findall(text)[:3], _PERIODICITY.search(text)
    block = _COORDINATES.search(text)
    if len(vectors) != 3 or periodicity is None or block is None:
        raise ValueError(f"{path}: cell, periodicity or coordinates are not printed in it")
    rows = _ATOM.findall(block[1])
    atoms = Atoms(
        [int(row[0]) for row in rows],
        positions=[_floats(row[1:]) for row in rows],
        cell=[_floats(vector) for vector in vectors],
        pbc=[direction in periodicity[1] for direction in "XYZ"],
    )
    results: dict[str, object] = {"energy": float(energies[0]) * factor("Hartree")}
    if (forces := _FORCES.search(text)) is not None:
        values = [_floats(row) for row in _FORCE.findall(forces[1] or forces[2])]
        results["forces"] = np.array(values) * _HARTREE_PER_BOHR
    if (stress := _STRESS.search(text)) is not None:
        matrix = np.array([_floats(row) for row in _STRESS_ROW.findall(stress[2])])
        results["stress"] = to_voigt(-matrix * factor(stress[1]))
    atoms.calc = SinglePointCalculator(atoms, **results)
    return [atoms]


def read_cp2k_trajectory(path: Path) -> list[Atoms]:
    """The steps of a ``PROJECT-pos-1.xyz``, with energies; with forces if ``PROJECT-frc-1.xyz`` is
    beside it; cells from ``PROJECT-1.cell``, taken as periodic in all directions, CP2K's default.

    Raises
    ------
    ValueError
        If the file does not have the name that CP2K gave it, there is no file of cells, or the
        files do not belong to the same steps and atoms.
    """
    cells_path, forces_path = _companion(path, "-", ".cell"), _companion(path, "-frc-", ".xyz")
    cells = _read_cells(path, cells_path)
    forces = dict(_steps(forces_path)) if forces_path.is_file() else {}
    structures = []
    for step, (energy, atoms) in _steps(path):
        if step not in cells:
            raise ValueError(f"{path}: step {step} has no cell in {cells_path}")
        atoms.set_cell(cells[step])
        atoms.pbc = True
        results: dict[str, object] = {"energy": energy * factor("Hartree")}
        if step in forces:
            columns = forces[step][1]
            if not np.array_equal(columns.numbers, atoms.numbers):
                raise ValueError(f"{path}: step {step} has other atoms than in {forces_path}")
            results["forces"] = columns.positions * _HARTREE_PER_BOHR
        atoms.calc = SinglePointCalculator(atoms, **results)
        structures.append(atoms)
    return structures


def _steps(path: Path) -> Iterator[tuple[int, tuple[float, Atoms]]]:
    """Number, energy in Hartree, and the three columns as positions, of each step."""
    for atoms in read_extxyz(path, parse=lambda line: {"comment": line}):
        comment = atoms.info.pop("comment")
        if (found := _STEP.match(comment)) is None:
            raise ValueError(f"{path}: {comment!r} does not name a step and its energy")
        yield int(found[1]), (float(found[2]), atoms)


def _read_cells(path: Path, cells: Path) -> dict[int, np.ndarray]:
    """Cell vectors in Å by step."""
    if not cells.is_file():
        raise ValueError(
            f"{path} is a trajectory of CP2K, which says nothing of cell and periodicity: {cells} "
            "is needed too (MOTION/PRINT/CELL)"
        )
    table = np.loadtxt(cells, comments="#", ndmin=2)
    return {int(row[0]): row[2:11].reshape(3, 3) for row in table}


def _companion(path: Path, infix: str, suffix: str) -> Path:
    """PROJECT-pos-1.xyz -> PROJECT-frc-1.xyz, PROJECT-1.cell."""
    project, found, run = path.name.rpartition("-pos-")
    if not found:
        raise ValueError(
            f"{path} is a trajectory of CP2K, but not called PROJECT-pos-1.xyz, which would tell "
            "where its cells and forces are: give it its name back, or read the file of positions"
        )
    return path.with_name(project + infix + run).with_suffix(suffix)


def _floats(words: tuple[str, ...]) -> list[float]:
    return [float(word.replace("D", "E").replace("d", "e")) for word in words]
