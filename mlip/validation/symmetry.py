"""Symmetries that physics has and a potential must have: the same atoms, described otherwise.

Each check changes the description of a structure, predicts, takes the change back from the
prediction, and compares.
"""

import itertools
from collections.abc import Callable

import numpy as np
from ase import Atoms

from mlip.validation.check import Check, Figure, judge
from mlip.validation.patient import Patient

Prediction = dict[str, np.ndarray]

#: A changed structure, and how its prediction is brought back to the original; None if the
#: structure does not allow the change.
Change = tuple[Atoms, Callable[[Prediction], Prediction]] | None

#: What counts as zero: meV/atom, meV/Å or meV/Å^3 in float64, for forces of up to some 10 eV/Å.
_BOUND = 1e-3
_UNITS = {"energy": "meV/atom", "forces": "meV/Å", "stress": "meV/Å^3"}


def rotation(patient: Patient) -> Check:
    """Energy is invariant, forces and stress turn with the structure."""
    return _compare(
        patient,
        "rotation",
        lambda atoms, rng: _turned(atoms, random_rotation(rng)),
        "a turned structure has the same energy, and its forces turn with it",
        "energy or forces depend on how the structure lies in space: the features are not "
        "rotationally invariant, do not use this model",
    )


def reflection(patient: Patient) -> Check:
    """A mirror image has the same energy. The image is that through a point, which turns left into
    right and leaves all directions as they are, so that a failed rotation is not found twice."""
    return _compare(
        patient,
        "reflection",
        lambda atoms, rng: _turned(atoms, -np.eye(3)),  # noqa: ARG005
        "a mirror image has the same energy, and mirrored forces",
        "a molecule and its mirror image differ in energy: the features are chiral, do not use "
        "this model",
    )


def translation(patient: Patient) -> Check:
    """A structure moved 1000 Å away is the same."""

    def move(atoms: Atoms, rng: np.random.Generator) -> Change:
        moved = atoms.copy()
        moved.positions += 1000.0 * random_rotation(rng)[0]
        return moved, _as_it_is

    return _compare(
        patient,
        "translation by 1000 Å",
        move,
        "a structure is the same anywhere in space",
        "energy or forces depend on where the structure is; keep atoms near the origin, and check "
        "which coordinates the model reads",
    )


def permutation(patient: Patient) -> Check:
    """The order in which atoms are listed does not matter."""

    def reorder(atoms: Atoms, rng: np.random.Generator) -> Change:
        order = rng.permutation(len(atoms))
        inverse = np.argsort(order)
        return atoms[order], lambda found: found | {"forces": found["forces"][inverse]}

    return _compare(
        patient,
        "permutation",
        reorder,
        "the order of atoms in the file does not matter",
        "energy or forces depend on the order in which atoms are listed: atoms of one element are "
        "not treated alike, do not use this model",
    )


def supercell(patient: Patient) -> Check:
    """A repeated cell has the energy of its parts, and the same forces."""

    def repeat(atoms: Atoms, rng: np.random.Generator) -> Change:  # noqa: ARG001
        if not atoms.pbc.any():
            return None
        once = len(atoms) > 32
        along = np.flatnonzero(atoms.pbc)[: 1 if once else 3]
        repeats = [2 if direction in along else 1 for direction in range(3)]
        n, copies = len(atoms), int(np.prod(repeats))

        def back(found: Prediction) -> Prediction:
            first = {"energy": np.asarray(found["energy"] / copies), "forces": found["forces"][:n]}
            return found | first

        return atoms.repeat(repeats), back

    return _compare(
        patient,
        "supercell",
        repeat,
        "a repeated cell has the energy and forces of its parts, even if smaller than the cutoff",
        "a repeated cell differs from its parts: neighbours through the periodic boundary are "
        "missing or counted twice; use cells of more than twice the cutoff until it is mended",
    )


def unwrapped(patient: Patient) -> Check:
    """Atoms may lie in any image of the cell."""

    def unwrap(atoms: Atoms, rng: np.random.Generator) -> Change:
        if not atoms.pbc.any():
            return None
        moved = atoms.copy()
        moved.positions += (rng.integers(-2, 3, (len(atoms), 3)) * atoms.pbc) @ atoms.cell.array
        return moved, _as_it_is

    return _compare(
        patient,
        "atoms outside the cell",
        unwrap,
        "atoms may lie in any image of the cell",
        "energy or forces change when an atom is replaced by its image: wrap all atoms into the "
        "cell before using this model",
    )


def equivalent_cell(patient: Patient) -> Check:
    """Any cell vectors that span the same lattice will do, left-handed ones too."""

    def exchange(atoms: Atoms, rng: np.random.Generator) -> Change:  # noqa: ARG001
        along = np.flatnonzero(atoms.pbc)
        if len(along) == 0:
            return None
        mixing = np.eye(3)
        mixing[along[0], along[0]] = -1.0
        for one, other in itertools.pairwise(along):
            mixing[other, one] = 1.0
        changed = atoms.copy()
        changed.set_cell(mixing @ atoms.cell.array)
        return changed, _as_it_is

    return _compare(
        patient,
        "equivalent cell",
        exchange,
        "any cell vectors of the same lattice give the same result, left-handed ones too",
        "energy, forces or stress depend on the choice of cell vectors for one and the same "
        "lattice; use right-handed, little skewed cells until it is mended",
    )


def meaningless_cell(patient: Patient) -> Check:
    """Cell vectors along directions without pbc mean nothing."""

    def vary(atoms: Atoms, rng: np.random.Generator) -> Change:
        if atoms.pbc.all():
            return None
        cell = np.where(atoms.pbc[:, None], atoms.cell.array, rng.normal(size=(3, 3)))
        changed = atoms.copy()
        changed.set_cell(cell)
        return changed, _as_it_is

    return _compare(
        patient,
        "cell without pbc",
        vary,
        "cell vectors along directions without pbc do not matter",
        "energy or forces depend on cell vectors along directions that are not periodic; remove "
        "them from the structure until it is mended",
    )


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """A proper rotation matrix, uniform over all (F. Mezzadri, Notices AMS 54, 592, 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


def deviations(found: Prediction, expected: Prediction) -> list[Figure]:
    """How far two predictions for the same atoms are apart, against what counts as equal."""
    n = max(1, len(expected["forces"]))
    scale = max(1.0, 0.1 * float(np.abs(expected["forces"]).max(initial=0.0)))
    figures = []
    for name in _UNITS.keys() & found.keys() & expected.keys():
        difference = 1e3 * np.abs(found[name] - expected[name]) / (n if name == "energy" else 1)
        figures.append(Figure(float(difference.max(initial=0.0)), _UNITS[name], _BOUND * scale))
    return figures


def _compare(
    patient: Patient,
    name: str,
    change: Callable[[Atoms, np.random.Generator], Change],
    good: str,
    bad: str,
) -> Check:
    """Predict changed structures, take the change back, compare with the originals."""
    rng = patient.rng()
    originals, changed, backs = [], [], []
    for atoms in [*patient.structures, patient.small]:
        found = change(atoms, rng)
        if found is not None:
            originals.append(atoms)
            changed.append(found[0])
            backs.append(found[1])
    before, after = patient.look(originals), patient.look(changed)
    figures = [
        figure
        for expected, found, back in zip(before, after, backs)
        for figure in deviations(back(found), expected)
    ]
    return judge(name, figures, good, bad)


def _turned(atoms: Atoms, matrix: np.ndarray) -> Change:
    """Positions and cell under an orthogonal matrix; v -> v @ matrix.T."""
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ matrix.T)
    turned.positions = atoms.positions @ matrix.T

    def back(found: Prediction) -> Prediction:
        result = found | {"forces": found["forces"] @ matrix}
        if "stress" in found:
            result["stress"] = matrix.T @ found["stress"] @ matrix
        return result

    return turned, back


def _as_it_is(found: Prediction) -> Prediction:
    return found
