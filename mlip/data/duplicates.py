"""Structures that occur more than once: up to translation and images, atoms in the same order."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mlip.data.frames import Frame

_TOLERANCE = 1e-4  # Å


def find_duplicates(frames: Sequence[Frame]) -> list[list[int]]:
    """Groups of two or more frames with the same geometry, by index.

    Frames are ordered by a number that neither translation nor wrapping changes and that moves
    little when atoms move little; only neighbours in this order are compared.
    """
    alike: dict[tuple[bytes, bytes], list[int]] = defaultdict(list)
    for i, frame in enumerate(frames):
        alike[frame.atoms.numbers.tobytes(), frame.atoms.pbc.tobytes()].append(i)
    groups: list[list[int]] = []
    for indices in alike.values():
        if len(indices) > 1:
            groups.extend(_among_alike(frames, indices))
    return sorted(groups)


def _among_alike(frames: Sequence[Frame], indices: list[int]) -> list[list[int]]:
    places = [_Place(frames[i]) for i in indices]
    signatures = np.array([place.signature for place in places])
    window = (10 + 4 * np.sqrt(len(frames[indices[0]]))) * _TOLERANCE
    order = np.argsort(signatures, kind="stable")
    free = [True] * len(indices)
    groups = []
    for start, first in enumerate(order):
        if not free[first]:
            continue
        group = [indices[first]]
        for other in order[start + 1 :]:
            if signatures[other] - signatures[first] > window:
                break
            if free[other] and _same(places[first], places[other]):
                free[other] = False
                group.append(indices[other])
        if len(group) > 1:
            groups.append(sorted(group))
    return groups


class _Place:
    """Where atoms are, relative to the first one.

    Attributes
    ----------
    basis : cell vectors of periodic directions, and unit vectors in place of the others
    scaled : coordinates relative to the first atom, in this basis
    signature : a weighted sum of coordinates, periodic ones by their cosine, divided by the root of
        their number: it moves by a few times what the atoms move
    """

    def __init__(self, frame: Frame) -> None:
        atoms = frame.atoms
        self.pbc = np.asarray(atoms.pbc)
        cell = np.where(self.pbc[:, None], np.asarray(atoms.cell), 0.0)
        self.basis = np.asarray(type(atoms.cell)(cell).complete())
        self.scaled = (atoms.positions - atoms.positions[0]) @ np.linalg.inv(self.basis)
        lengths = np.linalg.norm(self.basis, axis=1)
        waves = lengths / (2 * np.pi) * np.cos(2 * np.pi * self.scaled)
        coordinates = np.where(self.pbc, waves, lengths * self.scaled)
        weights = np.cos(np.arange(coordinates.size)).reshape(coordinates.shape)
        mean = (weights * coordinates).sum() / np.sqrt(len(atoms))
        self.signature = float(mean + lengths[self.pbc].sum())


def _same(one: _Place, other: _Place) -> bool:
    if np.abs(one.basis - other.basis)[one.pbc].max(initial=0.0) > _TOLERANCE:
        return False
    gap = one.scaled - other.scaled
    gap -= np.round(gap) * one.pbc
    return bool(np.linalg.norm(gap @ one.basis, axis=1).max() < _TOLERANCE)
