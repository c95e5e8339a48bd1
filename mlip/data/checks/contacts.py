"""Distances between atoms: too near for chemistry, too far for a bond, or nobody there at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from mlip.data.checks.report import Finding, counted
from mlip.data.frames import Frame
from mlip.data.statistics import is_isolated_atom
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours

#: Å; an atom with no neighbour within this takes part in nothing.
REACH = 5.0

# Distances in units of the sum of covalent radii (Cordero et al., Dalton Trans. 2008, 2832).
_OVERLAP = 0.35  # no calculation comes this near but by mistake
_CLOSE = 0.6  # the start of what only scans and collisions reach
_SPARSE = 1.7  # longer than bonds and metallic contacts; Bohr read as Å lengthens by 1.89


@dataclass(frozen=True)
class Contacts:
    """The neighbourhood of the atoms of one frame.

    Attributes
    ----------
    nearest : [n] Å, distance to the nearest atom, infinite if none is within reach
    closeness : [n] the smallest distance in units of the sum of covalent radii
    pair : elements and distance of the closest pair, such as "H-O at 0.42 Å"
    bonds : [b, 2] each atom that has a neighbour, and the nearest one
    bond_vectors : [b, 3] Å, from the first to the second
    polarity : how far neighbours are from cancelling around the atom where they do so least: zero
        where the symmetry of the crystal forbids any force
    """

    nearest: np.ndarray
    closeness: np.ndarray
    pair: str
    bonds: np.ndarray
    bond_vectors: np.ndarray
    polarity: float


def find_contacts(
    frames: Sequence[Frame], progress: Callable[[int, int], None] | None = None
) -> list[Contacts]:
    """The contacts of each frame; `progress` is called with how many are done, and the total."""
    contacts = []
    for done, frame in enumerate(frames, start=1):
        contacts.append(_contacts(frame))
        if progress is not None:
            progress(done, len(frames))
    return contacts


def check_contacts(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    """Findings about atoms too near to each other, too far apart, or alone."""
    return [
        *_check_near(frames, contacts),
        *_check_sparse(frames, contacts),
        *_check_alone(frames, contacts),
    ]


def _contacts(frame: Frame) -> Contacts:
    n, numbers = len(frame), frame.atoms.numbers
    graph = with_neighbours(AtomicGraph.from_atoms(frame.atoms), REACH)
    centres, neighbours = graph.centres.numpy(), graph.neighbours.numpy()
    vectors = graph.edge_vectors().numpy()
    distances = np.linalg.norm(vectors, axis=1)
    radii = covalent_radii[numbers]
    relative = distances / (radii[centres] + radii[neighbours])
    having, first = np.unique(centres, return_index=True)  # edges are sorted by centre
    nearest, closeness, pull = np.full(n, np.inf), np.full(n, np.inf), np.zeros((n, 3))
    bonds = np.zeros(0, dtype=np.int64)
    if len(having):
        nearest[having] = np.minimum.reduceat(distances, first)
        closeness[having] = np.minimum.reduceat(relative, first)
        strength = np.exp(-distances) / np.maximum(distances, 1e-12)  # none from the same place
        pull[having] = np.add.reduceat(vectors * strength[:, None], first)
        at_nearest = np.flatnonzero(distances == nearest[centres])
        bonds = at_nearest[np.unique(centres[at_nearest], return_index=True)[1]]
    return Contacts(
        nearest=nearest,
        closeness=closeness,
        pair=_closest_pair(numbers, centres, neighbours, distances, relative),
        bonds=np.stack([having, neighbours[bonds]], axis=1),
        bond_vectors=vectors[bonds],
        polarity=float(np.linalg.norm(pull, axis=1).max()),
    )


def _closest_pair(
    numbers: np.ndarray,
    centres: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    relative: np.ndarray,
) -> str:
    if not len(relative):
        return "none"
    edge = int(relative.argmin())
    names = sorted(chemical_symbols[numbers[atom]] for atom in (centres[edge], neighbours[edge]))
    return f"{'-'.join(names)} at {distances[edge]:.2f} Å"


def _check_near(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    closeness = np.array([c.closeness.min() for c in contacts])
    order = np.argsort(closeness, kind="stable")
    overlapping = [i for i in order if closeness[i] < _OVERLAP]
    close = [i for i in order if _OVERLAP <= closeness[i] < _CLOSE]
    findings = []
    if overlapping:
        findings.append(
            Finding(
                "error",
                "contacts",
                f"atoms overlap in {counted(len(overlapping))} (closest: "
                f"{contacts[overlapping[0]].pair}, {closeness[overlapping[0]]:.2f} of the sum of "
                "covalent radii)",
                "look for positions in nm, a wrong cell or pbc, or merged images; remove them",
                tuple(frames[i].source for i in overlapping),
            )
        )
    if close:
        findings.append(
            Finding(
                "warning",
                "contacts",
                f"atoms are closer than chemistry allows in {counted(len(close))} (closest: "
                f"{contacts[close[0]].pair}, {closeness[close[0]]:.2f} of the sum of covalent "
                "radii)",
                "keep them if they were made on purpose (repulsion, high pressure), else remove "
                "them; pseudopotentials may not be valid so near",
                tuple(frames[i].source for i in close),
            )
        )
    return findings


def _check_sparse(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    bound = [c for frame, c in zip(frames, contacts) if len(frame) > 1]
    if not bound:
        return []
    median = float(np.median(np.concatenate([c.closeness for c in bound])))
    if median < _SPARSE:
        return []
    return [
        Finding(
            "warning",
            "contacts",
            f"nearest neighbours are far apart: at {median:.2f} times the sum of covalent radii in "
            "the median",
            "check the unit of length: Bohr that are read as Å make everything 1.89 times too long",
        )
    ]


def _check_alone(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    alone = [
        frame.source
        for frame, c in zip(frames, contacts)
        if np.isinf(c.nearest).any() and not is_isolated_atom(frame)
    ]
    if not alone:
        return []
    return [
        Finding(
            "warning",
            "contacts",
            f"atoms without any neighbour within {REACH:g} Å in {counted(len(alone))}",
            "with such a cutoff they have the energy of an isolated atom: check cell and pbc, or "
            "accept it for dissociation curves",
            tuple(alone),
        )
    ]
