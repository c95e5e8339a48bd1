"""Energies: missing, repeated, far out, and whether the reference energies make sense."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from mlip.data.checks.report import Finding, counted
from mlip.data.frames import Frame, elements
from mlip.data.label_search import where_declared
from mlip.data.statistics import (
    ReferenceEnergies,
    binding_energies,
    is_isolated_atom,
    isolated_energies,
    reference_energies,
    without_isolated_atoms,
)

_FAR_OUT = 10.0  # robust standard deviations
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_LEAST_SPREAD = 0.02  # eV/atom; nothing is an outlier for less than ten times this


def find_references(frames: Sequence[Frame]) -> tuple[ReferenceEnergies | None, list[Finding]]:
    """Reference energies of the frames, and findings about them."""
    if not any("energy" in frame.labels for frame in frames):
        advice = (
            "energies are always needed: declare the key under which the files have them "
            f"({where_declared('energy')})"
        )
        return None, [Finding("error", "energies", "no structure has an energy", advice)]
    try:
        references = reference_energies(frames)
    except ValueError as error:
        advice = "remove the isolated atom that is wrong; least squares is shown without them"
        bound = without_isolated_atoms(frames)
        fitted = reference_energies(bound) if bound else None
        return fitted, [Finding("error", "reference energies", str(error), advice)]
    return references, [*_check_isolated(frames), *_check_references(frames, references)]


def check_energies(frames: Sequence[Frame], references: ReferenceEnergies) -> list[Finding]:
    """Findings about single energies."""
    missing = tuple(frame.source for frame in frames if "energy" not in frame.labels)
    findings = []
    if missing:
        findings.append(
            Finding(
                "warning",
                "energies",
                f"no energy in {len(missing)} of {counted(len(frames))}",
                "training masks what is missing; check that these files were meant",
                missing,
            )
        )
    return [*findings, *_check_repeated(frames), *_check_outliers(frames, references)]


def robust_scores(values: np.ndarray, least_spread: float) -> np.ndarray:
    """Distance from the median in robust standard deviations (median absolute deviation)."""
    centre = np.median(values)
    spread = _MAD_TO_SIGMA * np.median(np.abs(values - centre))
    return np.abs(values - centre) / max(spread, least_spread)


def _check_isolated(frames: Sequence[Frame]) -> list[Finding]:
    found = isolated_energies(frames)
    missing = [chemical_symbols[z] for z in elements(frames) if z not in found]
    if not missing:
        return []
    some = f"isolated atoms of {', '.join(missing)} are not in the data"
    return [
        Finding(
            "info",
            "reference energies",
            f"{some}: reference energies are from least squares",
            "good for interpolation; add isolated atoms (spin-polarised, same settings) if bonds "
            "are to break",
        )
    ]


def _check_references(frames: Sequence[Frame], references: ReferenceEnergies) -> list[Finding]:
    bound = without_isolated_atoms(frames)
    binding = binding_energies(bound, references.values)
    if not len(binding):
        return []
    if references.source == "isolated atoms":
        return _check_binding(float(np.median(binding)))
    if references.residual > 1.0:
        return [
            Finding(
                "warning",
                "reference energies",
                f"energies per atom scatter by {references.residual:.2f} eV around what the "
                "composition explains",
                "look for energies of different codes, pseudopotentials or units in one set; large "
                "ranges of pressure or bonding do it too",
            )
        ]
    return []


def _check_binding(median: float) -> list[Finding]:
    advice = (
        "the isolated atoms have another level of theory, spin or unit than the structures: "
        "compute them again with the same settings"
    )
    if median > 0.0:
        return [
            Finding(
                "error",
                "reference energies",
                f"structures are {median:.2f} eV/atom less stable than their isolated atoms, in "
                "the median",
                advice,
            )
        ]
    if median < -15.0:
        return [
            Finding(
                "warning",
                "reference energies",
                f"binding energies of {-median:.1f} eV/atom, in the median, are more than any "
                "solid has",
                advice,
            )
        ]
    return []


def _check_repeated(frames: Sequence[Frame]) -> list[Finding]:
    counts = Counter(
        float(frame.labels["energy"])
        for frame in frames
        if "energy" in frame.labels and not is_isolated_atom(frame)
    )
    findings = []
    if zeros := counts.pop(0.0, 0):
        findings.append(
            Finding(
                "error",
                "energies",
                f"an energy of exactly zero in {counted(zeros)}",
                "that is a placeholder, not a result: remove the structures or the label",
                tuple(f.source for f in frames if f.labels.get("energy") == 0.0),
            )
        )
    value, times = max(counts.items(), key=lambda item: item[1], default=(0.0, 0))
    if times > max(3, 0.05 * len(frames)):
        findings.append(
            Finding(
                "warning",
                "energies",
                f"{times} structures have the same energy, {value:.6f} eV",
                "check that each has its own calculation",
                tuple(f.source for f in frames if f.labels.get("energy") == value),
            )
        )
    return findings


def _check_outliers(frames: Sequence[Frame], references: ReferenceEnergies) -> list[Finding]:
    """Energies per atom beyond the references, within each config_type."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in without_isolated_atoms(frames):
        if "energy" in frame.labels:
            groups[frame.config_type].append(frame)
    far: list[tuple[float, str]] = []
    for group in groups.values():
        if len(group) < 10:
            continue
        scores = robust_scores(binding_energies(group, references.values), _LEAST_SPREAD)
        far.extend((float(s), f.source) for s, f in zip(scores, group) if s > _FAR_OUT)
    if not far:
        return []
    far.sort(reverse=True)
    return [
        Finding(
            "warning",
            "energies",
            f"in {counted(len(far))} the energy per atom is more than {_FAR_OUT:.0f} robust "
            "standard deviations (by the median absolute one) from the median of their "
            f"config_type (the furthest: {far[0][0]:.1f})",
            "look at the calculations: not converged, another spin state, exploded, or made so on "
            "purpose",
            tuple(source for _, source in far),
        )
    ]
