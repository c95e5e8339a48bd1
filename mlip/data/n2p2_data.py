"""RuNNer and n2p2's ``input.data``: structures between `begin` and `end`, in Hartree and Bohr.

    begin
    comment <text>
    lattice <ax> <ay> <az>          three such lines, or none: then it is not periodic
    atom <x> <y> <z> <symbol> <charge> <unused> <fx> <fy> <fz>
    energy <E>
    charge <Q>
    end

Format: Behler, Int. J. Quantum Chem. 115, 1032 (2015), and the manuals of RuNNer and n2p2. It holds
energies and forces, no stress.

Numbers change units in decimal arithmetic with more digits than a double has: what is written from
eV and Å reads back as the same bits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from mlip.units import factor

_ENERGY = Decimal(factor("Hartree"))
_LENGTH = Decimal(factor("Bohr"))
_FORCE = Decimal(factor("Hartree/Bohr"))
_EXACT = Context(prec=30)
_WRITTEN = Context(prec=19)


@dataclass
class _Block:
    """What the lines of one structure have said so far, in eV and Å."""

    line: int
    cell: list[list[float]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    positions: list[list[float]] = field(default_factory=list)
    forces: list[list[float]] = field(default_factory=list)
    charges: list[float] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    energy: float | None = None
    charge: float = 0.0


def read_input_data(path: str | Path) -> list[Atoms]:
    """All structures of a file, energies and forces in their calculators; the charges of atoms as
    initial charges, the total charge and the comment in `info`.

    Raises
    ------
    ValueError
        If a line cannot be understood or the file is torn; names the line and the structure.
    """
    structures: list[Atoms] = []
    block: _Block | None = None
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            keyword, *words = line.split() or [""]
            where = f"{path}, line {number} (structure {len(structures)})"
            if not keyword or keyword.startswith("#"):
                continue
            if keyword == "begin":
                if block is not None:
                    raise ValueError(f"{where}: 'begin', but line {block.line} has no 'end' yet")
                block = _Block(number)
            elif block is None:
                raise ValueError(f"{where}: {keyword[:40]!r} outside of 'begin' and 'end'")
            elif keyword == "end":
                structures.append(_finish(block, where))
                block = None
            else:
                _take_line(block, keyword, words, where)
    if block is not None:
        raise ValueError(
            f"{path} ends inside structure {len(structures)}, begun on line {block.line}. The "
            f"{len(structures)} structures before it are whole: copy the file again, or keep only "
            f"its first {block.line - 1} lines"
        )
    return structures


def write_input_data(
    path: str | Path, structures: Iterable[tuple[Atoms, Mapping[str, np.ndarray]]]
) -> None:
    """Write structures with their energies and forces.

    Raises
    ------
    ValueError
        If a structure lacks energy or forces, or is periodic in one or two directions only: the
        format cannot say either.
    """
    blocks = [
        _block_text(atoms, labels, f"structure {number}")
        for number, (atoms, labels) in enumerate(structures)
    ]
    Path(path).write_text("".join(blocks), encoding="utf-8")


# ------------------------------------------------------------------------------------------ reading


def _take_line(block: _Block, keyword: str, words: list[str], where: str) -> None:
    if keyword == "comment":
        block.comment.append(" ".join(words))
    elif keyword == "lattice":
        block.cell.append(_values(words, 3, _LENGTH, where))
    elif keyword == "atom":
        _take_atom(block, words, where)
    elif keyword == "energy":
        (block.energy,) = _values(words, 1, _ENERGY, where)
    elif keyword == "charge":
        (block.charge,) = _values(words, 1, Decimal(1), where)
    else:
        raise ValueError(f"{where}: unknown keyword {keyword[:40]!r}")


def _take_atom(block: _Block, words: list[str], where: str) -> None:
    if len(words) != 9:
        raise ValueError(f"{where}: an atom has 9 columns after 'atom', this one has {len(words)}")
    if not atomic_numbers.get(words[3]):
        raise ValueError(f"{where}: {words[3]!r} is not an element")
    block.numbers.append(atomic_numbers[words[3]])
    block.positions.append(_values(words[:3], 3, _LENGTH, where))
    block.charges.extend(_values(words[4:5], 1, Decimal(1), where))
    block.forces.append(_values(words[6:], 3, _FORCE, where))


def _values(words: list[str], count: int, unit: Decimal, where: str) -> list[float]:
    """Numbers in units of `unit`, Fortran exponents included."""
    if len(words) != count:
        raise ValueError(f"{where}: expected {count} numbers, found {len(words)}")
    try:
        exact = [Decimal(word.replace("D", "E").replace("d", "e")) for word in words]
    except InvalidOperation:
        raise ValueError(f"{where}: {' '.join(words)!r} is not numeric") from None
    return [float(_EXACT.multiply(value, unit)) for value in exact]


def _finish(block: _Block, where: str) -> Atoms:
    if len(block.cell) not in (0, 3):
        raise ValueError(f"{where}: {len(block.cell)} lattice vectors; three or none are allowed")
    if not block.numbers:
        raise ValueError(f"{where}: a structure without atoms")
    periodic = bool(block.cell)
    atoms = Atoms(block.numbers, positions=block.positions, cell=block.cell or None, pbc=periodic)
    if any(block.charges):
        atoms.set_initial_charges(block.charges)
    if any(block.comment):
        atoms.info["comment"] = " ".join(block.comment)
    if block.charge:
        atoms.info["charge"] = block.charge
    results: dict[str, object] = {"forces": np.array(block.forces)}
    if block.energy is not None:
        results["energy"] = block.energy
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


# ------------------------------------------------------------------------------------------ writing


def _block_text(atoms: Atoms, labels: Mapping[str, np.ndarray], where: str) -> str:
    missing = {"energy", "forces"} - set(labels)
    if missing:
        raise ValueError(f"{where} has no {' and no '.join(sorted(missing))}: input.data needs it")
    if atoms.pbc.any() and not atoms.pbc.all():
        raise ValueError(
            f"{where} has pbc {atoms.pbc.tolist()}; input.data knows only three periodic "
            "directions or none. Set pbc to all, with vacuum in the cell, if that is what you mean"
        )
    comment = " ".join(str(atoms.info.get("comment", "")).split())
    lines = ["begin", f"comment {comment}".rstrip()]
    if atoms.pbc.all():
        lines.extend(f"lattice {_text(vector, _LENGTH)}" for vector in np.asarray(atoms.cell))
    for symbol, position, charge, force in zip(
        atoms.get_chemical_symbols(),
        atoms.positions,
        atoms.get_initial_charges(),
        labels["forces"],
    ):
        lines.append(
            f"atom {_text(position, _LENGTH)} {symbol} {float(charge)!r} 0.0 {_text(force, _FORCE)}"
        )
    lines.append(f"energy {_text(labels['energy'].reshape(1), _ENERGY)}")
    lines.append(f"charge {float(atoms.info.get('charge', 0.0))!r}")
    return "\n".join([*lines, "end", ""])


def _text(values: np.ndarray, unit: Decimal) -> str:
    quotients = (_WRITTEN.divide(Decimal(value), unit) for value in values.tolist())
    return " ".join(f"{quotient:.18E}" if quotient else "0.0" for quotient in quotients)
