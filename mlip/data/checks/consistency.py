"""Do energies, forces and stresses belong together? Similar structures tell, without any model.

From structure a to b, close to it, the energy changes by

    E_b - E_a  ~  -1/2 (F_a + F_b) . (r_b - r_a)  +  1/2 (V_a s_a + V_b s_b) : strain

(trapezoidal rule; displacements at fixed fractional coordinates belong to the strain). Regressed
over all such pairs, both slopes are 1. Another slope betrays its reason: -1 a gradient in place of
forces, 1/27.2 energies in Hartree, and so on.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mlip.data.checks.report import Consistency, Finding
from mlip.data.frames import Frame
from mlip.properties import to_voigt
from mlip.units import factor

_FAR = 0.4  # Å, displacement of an atom up to which two structures are similar
_STRAINED = 0.08  # largest element of the strain between them
_COMPARED = 20_000  # pairs looked at in a group of like structures
_ENOUGH = 8  # pairs that a verdict needs
_CORRELATED = 0.8
_PLURAL = {"forces": "forces", "stress": "stresses"}


@dataclass(frozen=True)
class Pair:
    """Two similar structures: how the energy changes (eV), and what forces make of it; the strain
    between them, None if their cells are the same; and their mean stress, if both have one."""

    where: str
    energy: float
    by_forces: float
    volume: float
    strain: np.ndarray | None
    stress: np.ndarray | None

    @property
    def by_stress(self) -> float:
        """What the stress makes of the change of energy, eV."""
        if self.strain is None or self.stress is None:
            return 0.0
        return self.volume * float((self.stress * self.strain).sum())


_FORCE_UNITS = {
    "the forces have the wrong sign: they are gradients": -1.0,
    "the forces are in Hartree/Bohr": factor("Hartree/Bohr"),
    "the forces are in eV/Bohr, or energies and forces in Hartree and Bohr": 1 / factor("Bohr"),
    "the forces are in Ry/Bohr": factor("Ry/Bohr"),
    "the forces are in kcal/mol/Å": factor("kcal/mol"),
    "the forces are in kJ/mol/Å": factor("kJ/mol"),
    "the forces are in meV/Å": 1e-3,
    "the energies are in Hartree": 1 / factor("Hartree"),
    "the energies are in Ry": 1 / factor("Ry"),
    "the energies are in kcal/mol": 1 / factor("kcal/mol"),
    "the energies are in kJ/mol": 1 / factor("kJ/mol"),
}
_STRESS_UNITS = {
    "the stress has the wrong sign (positive must be tension)": -1.0,
    "the stress is in GPa": factor("GPa"),
    "the stress is in GPa with the wrong sign": -factor("GPa"),
    "the stress is in kbar": factor("kbar"),
    "the stress is in kbar with the wrong sign, as VASP prints it": -factor("kbar"),
    "the stress is in Hartree/Bohr^3": factor("Hartree/Bohr^3"),
    "the stress is in Hartree/Bohr^3 with the wrong sign": -factor("Hartree/Bohr^3"),
}


def check_consistency(frames: Sequence[Frame]) -> tuple[dict[str, Consistency], list[Finding]]:
    """Slopes of energy against forces and against stress, and findings if they are not 1."""
    pairs = list(_pairs(frames))
    found: dict[str, Consistency] = {}
    findings: list[Finding] = []
    fixed = [pair for pair in pairs if pair.strain is None]
    forces = _regress([p.by_forces for p in fixed], [p.energy for p in fixed])
    if forces is not None:
        found["forces"] = forces
        findings.extend(_judge("forces", forces, _FORCE_UNITS))
        findings.extend(_check_scatter("forces", forces, fixed))
    slope = forces.slope if forces is not None and forces.correlation**2 > _CORRELATED**2 else 1.0
    strained = [p for p in pairs if p.strain is not None and p.stress is not None]
    elastic = [p for p in strained if abs(p.by_forces) <= 0.2 * abs(p.energy)]
    left = [p.energy - slope * p.by_forces for p in elastic]
    stress = _regress([p.by_stress for p in elastic], left)
    if stress is not None:
        found["stress"] = stress
        volume = float(np.median([p.volume for p in elastic]))
        units = _STRESS_UNITS | {"the stress is a virial, declare it so": -1 / volume}
        findings.extend(_judge("stress", stress, units) or _check_shear(elastic, left))
        findings.extend(_check_scatter("stress", stress, elastic))
    return found, findings


def _judge(name: str, found: Consistency, units: dict[str, float]) -> list[Finding]:
    fits = found.slope > 0 and abs(np.log(found.slope)) < np.log(1.5)
    if fits or abs(found.correlation) < _CORRELATED:
        return []
    reason, expected = min(units.items(), key=lambda item: _distance(found.slope, item[1]))
    if _distance(found.slope, expected) > 0.3:
        reason = f"units or signs of energies and {_PLURAL[name]} do not fit together"
    return [
        Finding(
            "error",
            "consistency",
            f"energies change by {found.slope:.4g} times what the {_PLURAL[name]} tell, over "
            f"{found.n_pairs} pairs of similar structures (correlation {found.correlation:.2f})",
            f"{reason}: convert the data before use",
        )
    ]


def _check_scatter(name: str, found: Consistency, pairs: Sequence[Pair]) -> list[Finding]:
    """Whether energies and derivatives are hardly related, in spite of many similar structures."""
    if found.n_pairs < 30 or abs(found.correlation) > _CORRELATED:
        return []
    misfit = [abs(p.energy - p.by_forces - p.by_stress) for p in pairs]
    worst = sorted(range(len(pairs)), key=lambda i: -misfit[i])
    return [
        Finding(
            "warning",
            "consistency",
            f"between similar structures the energy follows the {_PLURAL[name]} only roughly "
            f"(correlation {found.correlation:.2f} over {found.n_pairs} pairs)",
            "look for noise (k-points or basis that change with the cell, loose SCF) and for parts "
            "of the data with a wrong label",
            tuple(pairs[i].where for i in worst[:10]),
        )
    ]


def _check_shear(pairs: Sequence[Pair], energies: Sequence[float]) -> list[Finding]:
    """Whether another order of the shear components explains the energies much better."""
    strains = to_voigt(np.array([pair.strain for pair in pairs]))
    works = to_voigt(np.array([pair.stress for pair in pairs])) * [[p.volume] for p in pairs]
    normal = (works[:, :3] * strains[:, :3]).sum(axis=1)

    def misfit(order: tuple[int, ...]) -> float:
        shear = 2 * (works[:, order] * strains[:, 3:]).sum(axis=1)
        return float(np.sqrt(np.mean((np.array(energies) - normal - shear) ** 2)))

    as_read = misfit((3, 4, 5))
    best = min(itertools.permutations((3, 4, 5)), key=misfit)
    if misfit(best) > 0.5 * as_read:
        return []
    names = ("yz", "xz", "xy")
    true_order = " ".join(names[i] for i in np.argsort(best))
    return [
        Finding(
            "error",
            "consistency",
            f"energies of sheared cells fit {as_read / misfit(best):.1f} times better if the shear "
            f"stresses read as yz xz xy are taken as {true_order}",
            "the source has another order of components (VASP prints xy yz zx): convert before use",
        )
    ]


def _distance(slope: float, expected: float) -> float:
    """Between factors, on a logarithmic scale; infinite between different signs."""
    return abs(np.log(slope / expected)) if slope * expected > 0 else np.inf


def _regress(x: Sequence[float], y: Sequence[float]) -> Consistency | None:
    """Slope through the origin, and the correlation about it; None for want of data."""
    a, b = np.array(x), np.array(y)
    if len(a) < _ENOUGH or not a.any() or not b.any():
        return None
    slope = float(a @ b / (a @ a))
    return Consistency(len(a), slope, float(a @ b / np.sqrt((a @ a) * (b @ b))))


# ------------------------------------------------------------------------------------------- pairs


def _pairs(frames: Sequence[Frame]) -> Iterator[Pair]:
    groups: dict[tuple[bytes, bytes], list[Frame]] = defaultdict(list)
    for frame in frames:
        if len(frame) > 1 and {"energy", "forces"} <= set(frame.labels):
            groups[frame.atoms.numbers.tobytes(), frame.atoms.pbc.tobytes()].append(frame)
    for group in groups.values():
        if len(group) > 1:
            yield from _similar(_Stack(group))


class _Stack:
    """Like structures side by side, as arrays."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.sources = [frame.source for frame in frames]
        self.pbc = np.asarray(frames[0].atoms.pbc)
        cells = [np.where(self.pbc[:, None], np.asarray(f.atoms.cell), 0.0) for f in frames]
        complete = type(frames[0].atoms.cell)
        self.cells = np.array([complete(c).complete().array for c in cells])
        positions = np.array([f.atoms.positions for f in frames])
        self.scaled = positions @ np.linalg.inv(self.cells)
        self.forces = np.array([f.labels["forces"] for f in frames])
        self.energies = np.array([float(f.labels["energy"]) for f in frames])
        self.volumes = np.abs(np.linalg.det(self.cells))
        none = np.full((3, 3), np.nan)
        self.stresses = np.array([f.labels.get("stress", none) for f in frames])


def _similar(stack: _Stack) -> Iterator[Pair]:
    """Each structure with those that follow it, where they are similar to it."""
    n = len(stack.energies)
    window = max(1, _COMPARED // n)
    for a in range(n - 1):
        others = slice(a + 1, a + 1 + window)
        strain = np.linalg.inv(stack.cells[a]) @ stack.cells[others] - np.eye(3)
        moved = stack.scaled[others] - stack.scaled[a]
        moved -= np.round(moved) * stack.pbc
        moved -= moved.mean(axis=1, keepdims=True)
        mean_cells = 0.5 * (stack.cells[others] + stack.cells[a])
        displacements = moved @ mean_cells
        far = np.linalg.norm(displacements, axis=2).max(axis=1)
        near = (far < _FAR) & (np.abs(strain).max(axis=(1, 2)) < _STRAINED)
        for offset in np.flatnonzero(near):
            yield _pair(stack, a, a + 1 + int(offset), displacements[offset], strain[offset])


def _pair(stack: _Stack, a: int, b: int, displacement: np.ndarray, strain: np.ndarray) -> Pair:
    forces = 0.5 * (stack.forces[a] + stack.forces[b])
    volume = stack.volumes[[a, b]].mean()
    work = (stack.volumes[[a, b], None, None] * stack.stresses[[a, b]]).mean(axis=0)
    return Pair(
        where=f"{stack.sources[a]} to {stack.sources[b]}",
        energy=float(stack.energies[b] - stack.energies[a]),
        by_forces=-float((forces * displacement).sum()),
        volume=float(volume),
        strain=0.5 * (strain + strain.T) if np.abs(strain).max() > 1e-9 else None,
        stress=None if np.isnan(work).any() else work / volume,
    )
