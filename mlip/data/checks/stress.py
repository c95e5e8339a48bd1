"""Stresses on their own: placeholders, magnitudes, and the sign that compression shows."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mlip.data.checks.report import Finding, counted
from mlip.data.frames import Frame
from mlip.units import convert

_HUGE = 3.0  # eV/Å^3, 480 GPa
_VOLUME_SPREAD = 0.03


def check_stress(frames: Sequence[Frame], sign_is_known: bool) -> list[Finding]:
    """Findings about stresses; the sign is judged by volumes only if energies could not do it."""
    labelled = [frame for frame in frames if "stress" in frame.labels]
    if not labelled:
        return []
    findings = [*_check_zeros(labelled), *_check_magnitude(labelled)]
    if not sign_is_known:
        findings.extend(_check_sign(labelled))
    return findings


def pressure(frame: Frame) -> float:
    """-tr(stress) / 3 in eV/Å^3, positive under compression."""
    return -float(np.trace(frame.labels["stress"])) / 3.0


def _check_zeros(frames: Sequence[Frame]) -> list[Finding]:
    zero = tuple(frame.source for frame in frames if not frame.labels["stress"].any())
    if not zero:
        return []
    advice = "that is a placeholder, not a result: remove the label, or these would be trained on"
    what = f"the stress is exactly zero in {len(zero)} of {counted(len(frames))} that have one"
    return [Finding("error", "stress", what, advice, zero)]


def _check_magnitude(frames: Sequence[Frame]) -> list[Finding]:
    largest = np.array([np.abs(frame.labels["stress"]).max() for frame in frames])
    if np.median(largest) <= _HUGE:
        return []
    in_gpa = convert(float(np.median(largest)), "eV/Å^3", "GPa")
    return [
        Finding(
            "error",
            "stress",
            f"stresses of {in_gpa:.0f} GPa in the median: these numbers are hardly in eV/Å^3",
            "convert from GPa (divide by 160.2), from kbar (by 1602, and mind the sign of VASP), "
            "or declare them as virial",
        )
    ]


def _check_sign(frames: Sequence[Frame]) -> list[Finding]:
    """Among structures of one composition, pressure must fall with volume."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[frame.atoms.symbols.formula.reduce()[0].format("hill")].append(frame)
    for formula, group in groups.items():
        volumes = np.array([f.atoms.get_volume() / len(f) for f in group])
        pressures = np.array([pressure(f) for f in group])
        near = np.abs(volumes / np.median(volumes) - 1) < 0.4  # not slabs with vacuum
        v, p = volumes[near], pressures[near]
        if len(v) < 5 or np.std(v) < _VOLUME_SPREAD * np.mean(v) or not np.std(p):
            continue
        correlation = float(np.corrcoef(v, p)[0, 1])
        if correlation > 0.7:
            return [
                Finding(
                    "error",
                    "stress",
                    f"the pressure of {formula} rises with volume (correlation {correlation:.2f} "
                    f"over {len(v)} structures): the stress has the wrong sign",
                    "turn the sign: positive is tension here (as in ASE), VASP prints the opposite",
                )
            ]
    return []
