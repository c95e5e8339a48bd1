"""Limits that are known without any data: atoms at the cutoff, far apart, alone, and too close."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list

from mlip.validation.check import Check, Figure, Verdict, judge, skipped
from mlip.validation.patient import Patient, bond_length

#: Å on either side of the cutoff: a step is one that does not shrink with it.
_BESIDE = 1e-7
_SPACING = 1e-3

#: Fractions of the sum of covalent radii between which two atoms are pushed together, and where
#: the physical well may lie.
_NEAREST, _FARTHEST, _WELL = 0.4, 1.6, 0.75

#: eV: a dip this deep is a hole; out of one no deeper than the second, about kT at 1000 K, atoms
#: come again; a wall this high keeps them out at ordinary temperatures.
_HOLE, _SHALLOW, _WALL = 0.01, 0.1, 1.0


def energy_at_cutoff(patient: Patient) -> Check:
    """Energy as a neighbour crosses the cutoff."""
    jumps = [
        Figure(1e3 * abs(float(np.diff(patient.energies(pair))[0])), "meV", 1e-3)
        for pair in _across(patient, (-_BESIDE, _BESIDE))
    ]
    return judge(
        "energy at the cutoff",
        jumps,
        "the energy does not jump as a neighbour crosses the cutoff",
        "the energy jumps as a neighbour crosses the cutoff: dynamics gains or loses energy each "
        "time; use a descriptor with a smooth cutoff function",
    )


def forces_at_cutoff(patient: Patient) -> Check:
    """Forces as a neighbour crosses the cutoff."""
    jumps = [
        Figure(1e3 * abs(float(np.diff(_pull(patient, pair))[0])), "meV/Å", 1e-2)
        for pair in _across(patient, (-_BESIDE, _BESIDE))
    ]
    return judge(
        "forces at the cutoff",
        jumps,
        "forces do not jump as a neighbour crosses the cutoff",
        "forces jump as a neighbour crosses the cutoff: dynamics and relaxations suffer; use a "
        "descriptor whose cutoff function has a continuous derivative",
    )


def curvature_at_cutoff(patient: Patient) -> Check:
    """Second derivative as a neighbour crosses the cutoff; at worst a warning.

    The kink in the force is taken over two spacings and extrapolated to none.
    """
    kinks = []
    for coarse, fine in zip(
        _across(patient, _kink_points(_SPACING)), _across(patient, _kink_points(_SPACING / 2))
    ):
        one = _kink(_pull(patient, coarse), _SPACING)
        other = _kink(_pull(patient, fine), _SPACING / 2)
        kinks.append(Figure(1e3 * abs(2.0 * other - one), "meV/Å^2", 0.1))
    check = judge(
        "curvature at the cutoff",
        kinks,
        "second derivatives are continuous at the cutoff too, as phonons and training on forces "
        "like it",
        "forces have a kink at the cutoff, as of a cosine cutoff function: harmless for most uses, "
        "a polynomial cutoff avoids it",
    )
    return _at_worst_a_warning(check)


def far_apart(patient: Patient) -> Check:
    """Two atoms beyond the cutoff, up to a tenth of a millimetre, do not feel each other."""
    distances = [patient.model.cutoff * factor for factor in (1.0001, 1.5, 2.5)] + [1e3, 1e6]
    figures = []
    for first, second in _pairs(patient):
        alone = patient.atom_energy(first) + patient.atom_energy(second)
        dimers = [_dimer(first, second, distance) for distance in distances]
        for found in patient.look(dimers, ("energy", "forces")):
            rounding = 1e-12 * max(1.0, abs(alone)) * 1e3
            figures.append(Figure(1e3 * abs(float(found["energy"]) - alone), "meV", rounding))
            figures.append(Figure(1e3 * float(np.abs(found["forces"]).max()), "meV/Å", 0.0))
    return judge(
        "atoms far apart",
        figures,
        "atoms beyond the cutoff have the energy of free atoms and exactly no force",
        "atoms beyond the cutoff still feel each other, or their energies do not add up: energies "
        "of fragments cannot be compared",
    )


def isolated_atoms(patient: Patient) -> Check:
    """The energy of a free atom is its reference energy; at worst a warning."""
    name, card = "isolated atoms", patient.own.card
    references = card.reference_energies if card is not None else {}
    source = card.reference_energies_source if card is not None else None
    known = [z for z in patient.elements if chemical_symbols[z] in references]
    if not known:
        return skipped(name, "the model has no card with reference energies")
    offsets = {z: patient.atom_energy(z) - references[chemical_symbols[z]] for z in known}
    worst = max(offsets, key=lambda z: abs(offsets[z]))
    figure = 1e3 * abs(offsets[worst])
    symbol = chemical_symbols[worst]
    if source is None or "isolated" not in source:
        meaning = (
            f"reference energies are not known to be those of free atoms ({source or 'no source'})"
            ": energies of atomisation mean nothing; relative energies are not touched"
        )
        return Check(name, "skip", figure, "meV", None, meaning)
    verdict: Verdict = "pass" if figure <= 50.0 else "warn"
    meaning = (
        "free atoms have their reference energies: energies of atomisation are meaningful"
        if verdict == "pass"
        else f"a free {symbol} atom is off its reference energy, to which the learned part adds "
        "what it says of an empty environment: isolated atoms give references and are not trained "
        "on. "
        "Take energies of atomisation from the reference energies of `mlip show`; if bonds are to "
        "break, train on stretched and broken structures"
    )
    return Check(name, verdict, figure, "meV", 50.0, meaning)


@dataclasses.dataclass(frozen=True)
class Hole:
    """A place on the way inwards where the energy falls again.

    Attributes
    ----------
    depth, wall : eV, of the hole and of what keeps atoms out of it
    where : Å, of the wall
    met : whether atoms of these elements are ever bonded in the user's structures
    """

    depth: float
    wall: float
    where: float
    met: bool = True

    @property
    def verdict(self) -> Verdict:
        """Bad is what atoms can fall into and not come out of."""
        if self.depth <= _HOLE or (self.depth <= _SHALLOW and self.wall >= _WALL):
            return "pass"
        holds = self.depth > _SHALLOW and self.wall < _WALL
        return "fail" if holds and self.met else "warn"


def dimers_close(patient: Patient) -> Check:
    """Two atoms alone, pushed together; at worst a warning where they never bond."""
    holes = {}
    for first, second in _pairs(patient):
        bond = bond_length(first, second)
        distances = np.linspace(_FARTHEST, _NEAREST, 61) * bond
        energies = patient.energies([_dimer(first, second, d) for d in distances])
        name = f"{chemical_symbols[first]}-{chemical_symbols[second]}"
        hole = _hole(distances, energies, _WELL * bond)
        bonded = (_are_bonded(atoms, first, second) for atoms in patient.structures)
        met = patient.made_up or any(bonded)
        holes[name] = dataclasses.replace(hole, met=met)
    return _judge_holes("dimers pushed together", holes, patient)


def neighbours_close(patient: Patient) -> Check:
    """The two nearest atoms of every structure, pushed together among their neighbours."""
    holes = {}
    for number, atoms in enumerate(patient.structures):
        found = _nearest_pair(atoms)
        if found is None:
            continue
        mover, partner, vector = found
        start = float(np.linalg.norm(vector))
        bond = bond_length(int(atoms.numbers[mover]), int(atoms.numbers[partner]))
        distances = np.linspace(start, min(_NEAREST * bond, 0.5 * start), 41)
        steps = []
        for distance in distances:
            step = atoms.copy()
            step.positions[mover] += (1.0 - distance / start) * vector
            steps.append(step)
        symbols = f"{atoms.symbols[mover]}-{atoms.symbols[partner]}"
        name = f"{symbols} in structure {number}"
        holes[name] = _hole(distances, patient.energies(steps), min(start, _WELL * bond))
    return _judge_holes("neighbours pushed together", holes, patient)


_SEVERITY = {"pass": 0, "warn": 1, "fail": 2}


def _judge_holes(name: str, holes: dict[str, Hole], patient: Patient) -> Check:
    """Energies along paths inwards must rise once the well is behind."""
    if not holes:
        return skipped(name, "none of the structures has two atoms near each other")
    who = max(holes, key=lambda one: (_SEVERITY[holes[one].verdict], -holes[one].wall))
    hole = holes[who]
    if hole.verdict == "pass":
        deepest = max(one.depth for one in holes.values())
        meaning = "atoms repel each other ever more strongly the closer they come"
        if deepest > _HOLE:
            meaning = "what dips there are on the way inwards lie behind walls and hold no atom"
        return Check(name, "pass", deepest, "eV", _HOLE if deepest <= _HOLE else _SHALLOW, meaning)
    rare = "" if hole.met else " (these never bond in the structures)"
    remedy = (
        "the repulsion that the model has does not outweigh what it learned: train again with data "
        "at short distances, such as dimers and compressed structures"
        if patient.repels
        else "train again with repulsion: {name: zbl}, or with data at short distances"
    )
    meaning = (
        f"{who}{rare} falls into a hole {hole.depth:.3g} eV deep below {hole.where:.2f} Å, behind "
        f"a wall of {hole.wall:.3g} eV; {remedy}"
    )
    return Check(name, hole.verdict, hole.depth, "eV", _HOLE, meaning)


def _hole(distances: np.ndarray, energies: np.ndarray, well: float) -> Hole:
    """Depth of the deepest dip on the way inwards, the wall before it (both eV; the wall above the
    bottom of the well, which lies no nearer than `well`), and the distance (Å) of that wall."""
    outside = np.flatnonzero(distances >= well - 1e-9)
    bottom = int(outside[energies[outside].argmin()])
    inwards, reached = energies[bottom:], distances[bottom:]
    if not np.isfinite(inwards).all():
        return Hole(np.inf, 0.0, float(reached[~np.isfinite(inwards)][0]))
    summit = np.maximum.accumulate(inwards)
    dips = summit - inwards
    deepest = int(dips.argmax())
    wall = int(inwards[: deepest + 1].argmax())
    height = float(inwards[wall] - inwards[0])
    return Hole(float(dips[deepest]), height, float(reached[wall]))


def _at_worst_a_warning(check: Check) -> Check:
    if check.verdict != "fail":
        return check
    return Check(check.name, "warn", check.figure, check.unit, check.bound, check.meaning)


def _pairs(patient: Patient) -> list[tuple[int, int]]:
    return list(itertools.combinations_with_replacement(patient.elements, 2))


def _dimer(first: int, second: int, distance: float) -> Atoms:
    return Atoms([first, second], [[0.0, 0.0, 0.0], [distance, 0.0, 0.0]])


def _across(patient: Patient, offsets: tuple[float, ...]) -> Iterator[list[Atoms]]:
    """Structures in which the last atom stands at offsets from the cutoff of the first: alone with
    it, and with a third atom near both."""
    cutoff = patient.model.cutoff
    for first, second in _pairs(patient):
        yield [_dimer(first, second, cutoff + offset) for offset in offsets]
        for centre, comer in {(first, second), (second, first)}:
            yield [
                Atoms(
                    [centre, first, comer],
                    [[0, 0, 0], [0.3 * cutoff, 0.4 * cutoff, 0], [cutoff + offset, 0, 0]],
                )
                for offset in offsets
            ]


def _pull(patient: Patient, structures: list[Atoms]) -> np.ndarray:
    """Force on the last atom along x, eV/Å."""
    return np.array([found["forces"][-1, 0] for found in patient.look(structures, ("forces",))])


def _kink_points(spacing: float) -> tuple[float, ...]:
    return (-2 * spacing, -spacing, spacing, 2 * spacing)


def _kink(pull: np.ndarray, spacing: float) -> float:
    """Slope outside minus slope inside, eV/Å^2."""
    return float((pull[3] - pull[2]) - (pull[1] - pull[0])) / spacing


def _are_bonded(atoms: Atoms, first: int, second: int) -> bool:
    """Whether two atoms of these elements are near enough to each other to be called bonded."""
    reach = {(first, second): _FARTHEST * bond_length(first, second)}
    return bool(len(neighbor_list("i", atoms, reach)))


def _nearest_pair(atoms: Atoms) -> tuple[int, int, np.ndarray] | None:
    """The atom that moves, the one it moves to, and the vector between; None if an atom's nearest
    neighbour is its own image."""
    if len(atoms) < 2:
        return None
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    mover, partner = (int(a) for a in np.unravel_index(distances.argmin(), distances.shape))
    return mover, partner, atoms.get_distance(mover, partner, mic=True, vector=True)
