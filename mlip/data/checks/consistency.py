"""Do energies, forces and stresses belong together? Similar structures tell, without any model.

From structure a to b, close to it, with scaled coordinates s and cell vectors as rows of h,

    dE = -F . (ds h) + V stress : (h^-1 dh)

which the trapezoidal rule integrates well over a short way. Regressed over all such pairs, the
changes of energy have the slope 1 against either term. Another slope betrays its reason: -1 a
gradient in place of forces, 1/27.2 energies in Hartree, and so on.
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
_SAME_CELL = 1e-9
_STRAINED = 0.08  # largest element of the strain between them
_COMPARED = 20_000  # pairs looked at in a group of like structures
_ENOUGH = 8  # pairs that a verdict needs
_PLENTY = 100  # pairs beyond which the nearest will do
_CORRELATED = 0.8
_ALIKE = 0.2  # factors that differ by less than e^0.2 are not told apart
_PLURAL = {"forces": "forces", "stress": "stresses"}


@dataclass(frozen=True)
class Pair:
    """Two similar structures: how the energy changes, and what forces and stresses make of it, eV.

    Attributes
    ----------
    where : the sources of both
    distance : Å, how far the atom moves that moves most
    strain : largest component of the strain between the cells
    volume : Å^3
    by_normal_stress : None if the cells are the same, or a stress is missing
    by_shear_stress : [3, 3] work of stress component i on strain component j, both yz xz xy
    """

    where: str
    distance: float
    strain: float
    volume: float
    energy: float
    by_forces: float
    by_normal_stress: float | None
    by_shear_stress: np.ndarray

    @property
    def by_stress(self) -> float:
        return (self.by_normal_stress or 0.0) + float(np.trace(self.by_shear_stress))


_ENERGY_UNITS = {
    f"the energies are in {unit}": 1 / factor(unit)
    for unit in ("Hartree", "Ry", "kcal/mol", "kJ/mol")
}
_FORCE_UNITS = {
    "the forces have the wrong sign: they are gradients": -1.0,
    "the forces are in Hartree/Bohr": factor("Hartree/Bohr"),
    "the forces are in eV/Bohr, or energies and forces in Hartree and Bohr": 1 / factor("Bohr"),
    "the forces are in Ry/Bohr": factor("Ry/Bohr"),
    "the forces are in kcal/mol/Å": factor("kcal/mol"),
    "the forces are in kJ/mol/Å": factor("kJ/mol"),
    "the forces are in meV/Å": 1e-3,
    **_ENERGY_UNITS,
}
_STRESS_UNITS = {
    "the stress is in GPa": factor("GPa"),
    "the stress is in kbar": factor("kbar"),
    "the stress is in Hartree/Bohr^3": factor("Hartree/Bohr^3"),
    "the stress is in Ry/Bohr^3": factor("Ry/Bohr^3"),
    "the stress is in eV/Bohr^3, or energies and stresses in Hartree and Bohr": factor("eV/Bohr^3"),
    "the stress is in kcal/mol/Å^3": factor("kcal/mol"),
    "the stress is in kJ/mol/Å^3": factor("kJ/mol"),
    **_ENERGY_UNITS,
}
_STRESS_MISTAKES = {
    **_STRESS_UNITS,
    "the stress has the wrong sign (positive must be tension)": -1.0,
    "the stress is in kbar with the wrong sign, as VASP prints it": -factor("kbar"),
    **{
        f"{unit}, and the stress has the wrong sign": -slope
        for unit, slope in _STRESS_UNITS.items()
        if "kbar" not in unit
    },
}


def check_consistency(frames: Sequence[Frame]) -> tuple[dict[str, Consistency], list[Finding]]:
    """Slopes of energy against forces and against stress, and findings if they are not 1."""
    pairs = list(_pairs(frames))
    found: dict[str, Consistency] = {}
    findings: list[Finding] = []
    fixed = _nearest([pair for pair in pairs if pair.strain < _SAME_CELL])
    forces = _regress([p.by_forces for p in fixed], [p.energy for p in fixed])
    if forces is not None:
        found["forces"] = forces
        findings.extend(_judge("forces", forces, _FORCE_UNITS))
        findings.extend(_check_scatter("forces", forces, fixed))
    slope = forces.slope if forces is not None and forces.correlation**2 > _CORRELATED**2 else 1.0
    strained = [p for p in pairs if p.by_normal_stress is not None]
    elastic = _nearest([p for p in strained if abs(p.by_forces) <= 0.2 * abs(p.energy)])
    left = [p.energy - slope * p.by_forces for p in elastic]
    stress = _regress([p.by_stress for p in elastic], left)
    if stress is not None:
        found["stress"] = stress
        volume = float(np.median([p.volume for p in elastic]))
        units = _STRESS_MISTAKES | {"the stress is a virial, declare it so": -1 / volume}
        findings.extend(_judge("stress", stress, units) or _check_shear(strained, slope))
        findings.extend(_check_scatter("stress", stress, elastic))
    return found, findings


def _judge(name: str, found: Consistency, units: dict[str, float]) -> list[Finding]:
    fits = found.slope > 0 and abs(np.log(found.slope)) < np.log(1.5)
    if fits or abs(found.correlation) < _CORRELATED:
        return []
    reasons = [r for r, slope in units.items() if _distance(found.slope, slope) < _ALIKE]
    if not reasons:
        reasons = [f"units or signs of energies and {_PLURAL[name]} do not fit together"]
    return [
        Finding(
            "error",
            "consistency",
            f"energies change by {found.slope:.4g} times what the {_PLURAL[name]} tell, over "
            f"{found.n_pairs} pairs of similar structures (correlation {found.correlation:.2f})",
            f"{', or '.join(reasons)}: convert the data before use",
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


def _check_shear(pairs: Sequence[Pair], slope: float) -> list[Finding]:
    """Whether another order of the shear components explains the energies much better."""
    sheared = [
        p
        for p in pairs
        if np.abs(p.by_shear_stress).sum() > abs(p.by_normal_stress or 0.0) + abs(p.by_forces)
    ]
    if len(sheared) < _ENOUGH:
        return []
    shear = np.array([p.by_shear_stress for p in sheared])
    rest = np.array([p.energy - slope * p.by_forces - (p.by_normal_stress or 0.0) for p in sheared])

    def misfit(order: tuple[int, ...]) -> float:
        work = shear[:, order, (0, 1, 2)].sum(axis=1)
        return float(np.sqrt(np.mean((rest - work) ** 2)))

    as_read = misfit((0, 1, 2))
    best = min(itertools.permutations((0, 1, 2)), key=misfit)
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


def _nearest(pairs: list[Pair]) -> list[Pair]:
    """Not more than needed of the pairs, those with the shortest way between them."""
    return sorted(pairs, key=lambda pair: (pair.strain, pair.distance))[:_PLENTY]


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
        distances = np.linalg.norm(moved @ stack.cells[a], axis=2).max(axis=1)
        near = (distances < _FAR) & (np.abs(strain).max(axis=(1, 2)) < _STRAINED)
        for k in np.flatnonzero(near):
            yield _pair(stack, a, a + 1 + int(k), moved[k], float(distances[k]))


def _pair(stack: _Stack, a: int, b: int, moved: np.ndarray, distance: float) -> Pair:
    ends = [a, b]
    cells, volumes = stack.cells[ends], stack.volumes[ends]
    change = np.linalg.inv(cells) @ (cells[1] - cells[0])
    strain = float(np.abs(change).max())
    strains = to_voigt(change) * (1, 1, 1, 2, 2, 2)
    stresses = to_voigt(stack.stresses[ends])
    work = np.einsum("e,ei,ej->ij", volumes / 2, stresses, strains)
    judged = strain >= _SAME_CELL and bool(np.isfinite(work).all())
    return Pair(
        where=f"{stack.sources[a]} to {stack.sources[b]}",
        distance=distance,
        strain=strain,
        volume=float(volumes.mean()),
        energy=float(stack.energies[b] - stack.energies[a]),
        by_forces=-0.5 * float((stack.forces[ends] * (moved @ cells)).sum()),
        by_normal_stress=float(np.trace(work[:3, :3])) if judged else None,
        by_shear_stress=work[3:, 3:] if judged else np.zeros((3, 3)),
    )
