"""The same structure twice: up to translation and images, with its atoms in the same order."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mlip.data.checks.report import Finding, counted
from mlip.data.frames import Frame

_TOLERANCE = 1e-4  # Å
_ENERGY_CONFLICT = 1e-3  # eV/atom
_FORCE_CONFLICT = 0.05  # eV/Å


def check_duplicates(frames: Sequence[Frame]) -> list[Finding]:
    """Findings about structures that occur more than once, and about their labels."""
    groups = find_duplicates(frames)
    findings = []
    if conflicts := [pair for group in groups for pair in _conflicts(frames, group)]:
        conflicts.sort(reverse=True)
        findings.append(
            Finding(
                "error",
                "duplicates",
                "the same structure has different labels in "
                f"{counted(len(conflicts), 'case')} (worst: {conflicts[0][1]} apart)",
                "find out which calculation is right: other settings, another level of theory, or "
                "not converged. No potential can fit both",
                tuple(where for _, _, where in conflicts),
            )
        )
    if groups:
        extra = sum(len(group) - 1 for group in groups)
        across = sum(len({_file(frames[i]) for i in group}) > 1 for group in groups)
        shared = f"; {across} of them are in more than one file" if across else ""
        findings.append(
            Finding(
                "warning",
                "duplicates",
                f"{counted(len(groups))} more than once, {extra} copies in all{shared}",
                "remove the copies; one that is trained on must not be tested on ('mlip data "
                "split' keeps copies together)",
                tuple(" = ".join(frames[i].source for i in group) for group in groups),
            )
        )
    return findings


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
    signatures = np.array([_signature(frames[i]) for i in indices])
    order = np.argsort(signatures, kind="stable")
    free = [True] * len(indices)
    groups = []
    for place, first in enumerate(order):
        if not free[first]:
            continue
        group = [indices[first]]
        for other in order[place + 1 :]:
            if signatures[other] - signatures[first] > 100 * _TOLERANCE:
                break
            if free[other] and _same(frames[indices[first]], frames[indices[other]]):
                free[other] = False
                group.append(indices[other])
        if len(group) > 1:
            groups.append(sorted(group))
    return groups


def _signature(frame: Frame) -> float:
    """A weighted sum of coordinates relative to the first atom; periodic ones enter by a cosine.
    It moves by less than about ten times what the atoms move."""
    relative, basis, pbc = _relative(frame)
    lengths = np.linalg.norm(basis, axis=1)
    along = relative * lengths
    waves = lengths / (2 * np.pi) * np.cos(2 * np.pi * relative)
    coordinates = np.where(pbc, waves, along)
    weights = np.cos(np.arange(coordinates.size)).reshape(coordinates.shape)
    return float((weights * coordinates).sum() / np.sqrt(len(frame)) + lengths[pbc].sum())


def _same(one: Frame, other: Frame) -> bool:
    a, basis, pbc = _relative(one)
    b, other_basis, _ = _relative(other)
    if np.abs(basis - other_basis)[pbc].max(initial=0.0) > _TOLERANCE:
        return False
    gap = a - b
    gap -= np.round(gap) * pbc
    return bool(np.linalg.norm(gap @ basis, axis=1).max() < _TOLERANCE)


def _relative(frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fractional coordinates relative to the first atom, their basis, and the periodic directions.
    Cell vectors of directions that are not periodic have no part in it."""
    pbc = np.asarray(frame.atoms.pbc)
    cell = np.where(pbc[:, None], np.asarray(frame.atoms.cell), 0.0)
    basis = np.asarray(type(frame.atoms.cell)(cell).complete())
    positions = frame.atoms.positions - frame.atoms.positions[0]
    return positions @ np.linalg.inv(basis), basis, pbc


def _conflicts(frames: Sequence[Frame], group: list[int]) -> list[tuple[float, str, str]]:
    """Copies whose labels differ from those of the first: how badly, in words, and where."""
    first, *others = (frames[i] for i in group)
    found = []
    for other in others:
        where = f"{first.source} = {other.source}"
        if "energy" in first.labels and "energy" in other.labels:
            gap = float(abs(first.labels["energy"] - other.labels["energy"])) / len(first)
            if gap > _ENERGY_CONFLICT:
                found.append((gap / _ENERGY_CONFLICT, f"{1e3 * gap:.3g} meV/atom", where))
                continue
        if "forces" in first.labels and "forces" in other.labels:
            gap = float(np.abs(first.labels["forces"] - other.labels["forces"]).max())
            if gap > _FORCE_CONFLICT:
                found.append((gap / _FORCE_CONFLICT, f"{1e3 * gap:.3g} meV/Å", where))
    return found


def _file(frame: Frame) -> str:
    return frame.source.rpartition("#")[0]
