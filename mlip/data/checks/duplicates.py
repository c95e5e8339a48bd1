"""The same structure twice, perhaps with different labels."""

from collections.abc import Sequence

import numpy as np

from mlip.data.checks.report import Finding, counted
from mlip.data.duplicates import find_duplicates
from mlip.data.frames import Frame

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
