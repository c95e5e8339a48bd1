"""Finding the labels of structures, wherever a file keeps them: searched, compared, converted.

ASE moves `energy`, `forces` and `stress` of an extended XYZ file into a calculator, other names
stay in `info` and `arrays`. All are searched, and two that disagree are an error: nobody but the
user knows which one is meant.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from mlip.data.labels import LabelError, LabelKeys, LabelsFound, LabelSource
from mlip.properties import LABELS, PROPERTIES, from_voigt

#: Names under which files give the kind of a structure, searched in this order.
CONFIG_TYPE_KEYS = ("config_type", "configuration_type", "config")

#: The energy whose derivative the forces are (Mermin's free energy, where occupations are smeared).
_FREE_ENERGY = "free_energy"

_SAME_ENERGY = 1e-7  # eV; files that print eight decimals agree to this

_Place = tuple[str, str]  # where, and under which key


@dataclass
class Candidates:
    """All that a structure offers: for each property, values by place; energies of both kinds."""

    source: str
    values: dict[str, dict[_Place, np.ndarray]] = field(default_factory=dict)


def gather(atoms: Atoms, keys: LabelKeys, source: str) -> Candidates:
    """Every value that could be a label of one structure, checked for shape and finiteness.

    Raises
    ------
    LabelError
        If a value has a shape that its property cannot have, or is not finite, or a calculator's
        results belong to another geometry.
    """
    _check_calculator(atoms, source)
    offered = Candidates(source)
    for name, wanted in _wanted_keys(keys).items():
        values = {}
        for place, content in _places(atoms):
            for key in wanted:
                if content.get(key) is not None:
                    where = f"{source}: {key} ({place})"
                    values[place, key] = _as_property(name, content[key], len(atoms), where)
        offered.values[name] = values
    return offered


def choose(
    offered: Sequence[Candidates], structures: Sequence[Atoms]
) -> tuple[list[dict[str, np.ndarray]], LabelsFound]:
    """One value of each property for each structure, and the account of where it was found.

    Raises
    ------
    LabelError
        If values of one property disagree, or energies of different kinds would be mixed.
    """
    energy_kind, remarks = _energy_kind(offered)
    counts: Counter[tuple[str, str, str]] = Counter()
    labels, without_volume = [], 0
    for candidates, atoms in zip(offered, structures):
        own = {}
        for name in LABELS:
            kind = energy_kind if name == "energy" else name
            found = _one_value(candidates, name, candidates.values[kind])
            if name == "stress":
                found = _stress(candidates, found, atoms)
                if found is not None and not _has_volume(atoms):
                    found, without_volume = None, without_volume + 1
            if found is not None:
                (place, key), own[name] = found
                counts[name, place, key] += 1
        labels.append(own)
    if without_volume:
        remarks.append(
            f"stress is left out of {without_volume} structures that are not periodic in three "
            "directions: without a volume it has no meaning"
        )
    sources = {
        name: [LabelSource(key, place, n) for (of, place, key), n in counts.items() if of == name]
        for name in LABELS
    }
    return labels, LabelsFound(len(offered), sources, tuple(remarks), _keys_in(structures))


def require_labels(required: Sequence[str], found: LabelsFound) -> None:
    """Raise `LabelError` if required properties are missing from every structure."""
    for name in required:
        if name not in LABELS:
            raise LabelError(f"{name!r} cannot be required; labels are {', '.join(LABELS)}")
    missing = [name for name in required if not found.count(name)]
    if missing:
        raise LabelError(
            f"no structure has a label for {' or '.join(missing)}. The files do have: "
            f"{found.keys_in_words()}. Declare the key "
            f"if it is among them: {where_declared(*missing)}"
            f"{_sentences(found.remarks)}"
        )


def where_declared(*names: str) -> str:
    """Where the keys of properties are declared, in a config and on the command line."""
    config = ", ".join(f"data.keys.{name}" for name in names)
    options = ", ".join(f"--{name}-key" for name in names)
    return f"{config} in a config, {options} on the command line"


def without_labels(atoms: Atoms, keys: LabelKeys) -> Atoms:
    """A copy without calculator, constraints, and anything that would be read as a label."""
    bare = atoms.copy()
    bare.calc = None
    bare.set_constraint()
    for names in _wanted_keys(keys).values():
        for key in names:
            bare.info.pop(key, None)
            if key not in ("numbers", "positions"):
                bare.arrays.pop(key, None)
    return bare


def config_type(atoms: Atoms, keys: LabelKeys) -> str:
    """The kind of a structure, "default" if the file does not say."""
    wanted = CONFIG_TYPE_KEYS if keys.config_type is None else (keys.config_type,)
    for _, content in _places(atoms):
        for key in wanted:
            if isinstance(value := content.get(key), str | int | float | np.number):
                return str(value)
    return "default"


# ---------------------------------------------------------------------------------------- searching


def _wanted_keys(keys: LabelKeys) -> dict[str, tuple[str, ...]]:
    """Keys to look for, by property; the free energy is a property of its own until chosen."""
    standard = {name: PROPERTIES[name].label_keys for name in (*LABELS, "virial")}
    wanted = {name: _declared(getattr(keys, name)) or standard[name] for name in standard}
    wanted["energy"] = tuple(k for k in standard["energy"] if k != _FREE_ENERGY)
    wanted[_FREE_ENERGY] = (_FREE_ENERGY,)
    if keys.energy is not None:
        wanted |= {"energy": (keys.energy,), _FREE_ENERGY: ()}
    if keys.stress is not None and keys.virial is None:
        wanted["virial"] = ()
    if keys.virial is not None and keys.stress is None:
        wanted["stress"] = ()
    return wanted


def _declared(key: str | None) -> tuple[str, ...]:
    return () if key is None else (key,)


def _places(atoms: Atoms) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where values can be, in the order in which they are listed."""
    if atoms.calc is not None:
        yield "calculator", getattr(atoms.calc, "results", {})
    yield "info", atoms.info
    yield "arrays", {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}


def _keys_in(structures: Sequence[Atoms]) -> tuple[str, ...]:
    """All keys of the files and where they are."""
    keys = {f"{key} ({place})" for atoms in structures for place, c in _places(atoms) for key in c}
    return tuple(sorted(keys))


def _sentences(remarks: Sequence[str]) -> str:
    return "".join(f". {remark}" for remark in remarks)


def _check_calculator(atoms: Atoms, source: str) -> None:
    """A calculator keeps its results when atoms are moved by hand."""
    if getattr(atoms.calc, "atoms", None) is None or not atoms.calc.results:
        return
    changed = {"positions", "numbers", "cell", "pbc"} & set(atoms.calc.check_state(atoms))
    if changed:
        raise LabelError(
            f"{source}: the results in its calculator are of another geometry "
            f"({', '.join(changed)} changed since); compute them again"
        )


def _as_property(name: str, value: Any, n_atoms: int, where: str) -> np.ndarray:
    """The value as float64 array in the shape that its property has."""
    try:
        if np.asarray(value).dtype == bool:  # what a key without value is read as
            raise TypeError
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise LabelError(f"{where} is not numeric: {str(value)[:60]!r}") from None
    if not np.isfinite(array).all():
        raise LabelError(
            f"{where} holds values that are not finite; remove the structure, or the label where "
            "the calculation failed"
        )
    if name == "forces" and array.shape != (n_atoms, 3):
        raise LabelError(f"{where} has shape {array.shape}, expected {(n_atoms, 3)}")
    if name in ("energy", _FREE_ENERGY):
        if array.size != 1:
            hint = "; it looks like energies of atoms" if array.shape == (n_atoms,) else ""
            raise LabelError(f"{where} has shape {array.shape}, expected one number{hint}")
        array = array.reshape(())
    if name in ("stress", "virial"):
        array = _as_matrix(array, where)
    return array


def _as_matrix(array: np.ndarray, where: str) -> np.ndarray:
    """A symmetric 3x3 matrix from 6 (Voigt) or 9 numbers."""
    if array.shape == (6,):
        return from_voigt(array)
    if array.shape not in ((9,), (3, 3)):
        raise LabelError(f"{where} has shape {array.shape}, expected (6,), (9,) or (3, 3)")
    matrix = array.reshape(3, 3)
    asymmetry, size = np.abs(matrix - matrix.T).max(), np.abs(matrix).max()
    if asymmetry > 1e-6 + 1e-3 * size:
        raise LabelError(
            f"{where} is not symmetric (by {asymmetry:.3g} of {size:.3g}), so it is not a stress"
        )
    return matrix if asymmetry == 0 else 0.5 * (matrix + matrix.T)


# ----------------------------------------------------------------------------------------- choosing


def _energy_kind(offered: Sequence[Candidates]) -> tuple[str, list[str]]:
    """Energy or free energy, the same for all structures; and a remark if there was a choice."""
    both, only_energy, only_free, difference = 0, 0, 0, 0.0
    for candidates in offered:
        energy = _one_value(candidates, "energy", candidates.values["energy"])
        free = _one_value(candidates, "energy", candidates.values[_FREE_ENERGY])
        both += energy is not None and free is not None
        only_energy += energy is not None and free is None
        only_free += energy is None and free is not None
        if energy is not None and free is not None:
            difference = max(difference, abs(float(energy[1] - free[1])))
    if not both and not only_free:
        return "energy", []
    if not only_energy:
        remark = (
            "energy is the free energy, whose derivatives the forces are; the key 'energy' differs "
            f"from it by up to {difference:.3g} eV"
        )
        return _FREE_ENERGY, [remark] if difference > _SAME_ENERGY else []
    if not only_free and difference <= _SAME_ENERGY:
        return "energy", []
    raise LabelError(
        f"{both + only_free} structures carry the key free_energy, {only_energy} only an energy, "
        f"and the two are not the same (up to {difference:.3g} eV apart where both are present). "
        "Energies of different kinds must not be mixed: declare the energy key, 'energy' or "
        f"'free_energy' ({where_declared('energy')})"
    )


def _one_value(
    candidates: Candidates, name: str, values: Mapping[_Place, np.ndarray]
) -> tuple[_Place, np.ndarray] | None:
    """The first of several equal values; an error if they are not equal."""
    if not values:
        return None
    (first, value), *others = values.items()
    for other, different in others:
        if not np.allclose(value, different, rtol=1e-9, atol=1e-7):
            gap = np.abs(value - different).max()
            raise LabelError(
                f"{candidates.source}: {name} is there twice, as {first[1]} ({first[0]}) and as "
                f"{other[1]} ({other[0]}), {gap:.3g} {PROPERTIES[name].unit} apart. Declare the "
                f"key that is meant: {where_declared(name)}"
            )
    return first, value


def _stress(
    candidates: Candidates, stress: tuple[_Place, np.ndarray] | None, atoms: Atoms
) -> tuple[_Place, np.ndarray] | None:
    """The stress, if need be from the virial; an error if both are there and contradict."""
    virial = _one_value(candidates, "virial", candidates.values["virial"])
    if virial is None:
        return stress
    if not _has_volume(atoms):
        return stress or virial
    converted = -virial[1] / atoms.get_volume()
    if stress is None:
        return virial[0], converted
    tolerance = 1e-5 + 1e-3 * np.abs(converted).max()
    if np.abs(stress[1] - converted).max() > tolerance:
        raise LabelError(
            f"{candidates.source}: {stress[0][1]} is not -{virial[0][1]} / volume (in ASE's sign "
            "and eV/Å^3): one of the two has another sign, unit or order. Declare the key of the "
            "stress or of the virial, whichever is right: "
            f"{where_declared('stress')}, or virial likewise"
        )
    return stress


def _has_volume(atoms: Atoms) -> bool:
    return bool(atoms.pbc.all() and np.linalg.det(np.asarray(atoms.cell)) != 0)
