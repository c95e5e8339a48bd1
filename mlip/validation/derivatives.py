"""Forces and stress as derivatives of the energy, against finite differences; momentum balance."""

import itertools

import numpy as np
from ase import Atoms

from mlip.validation.check import Check, Figure, judge
from mlip.validation.patient import Patient

#: Å and strain: small beside any feature of the energy, large beside rounding (1e-12 eV / 1e-3).
_STEP = 1e-3

#: Weights of the energies at -2, -1, 1, 2 steps: the error is of fourth order,
#: f' = sum w f / step (Fornberg, Math. Comp. 51, 699, 1988, table 1).
_STENCIL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}

#: meV/Å or meV/Å^3; some 1e-5 is what the stencil leaves of a smooth energy.
_BOUND = 1e-2

#: Atoms of each structure that are moved.
_MOST_ATOMS = 4

_BAD = (
    "forces are not the derivative of the energy: molecular dynamics will not conserve energy and "
    "relaxations will not converge, do not use this model"
)


def forces(patient: Patient) -> Check:
    """Forces on some atoms of every structure, along random directions."""
    figures = [f for atoms in patient.structures for f in _force_figures(patient, atoms)]
    return judge(
        "forces, finite differences",
        figures,
        "forces are the derivative of the energy: dynamics can conserve energy",
        _BAD,
    )


def forces_every_pbc(patient: Patient) -> Check:
    """Forces of a small cell in all eight combinations of periodic directions."""
    figures = []
    for pbc in itertools.product([False, True], repeat=3):
        atoms = patient.small.copy()
        atoms.pbc = pbc
        figures += _force_figures(patient, atoms)
    return judge(
        "forces, all eight pbc",
        figures,
        "forces are right for every combination of periodic directions and cells below the cutoff",
        _BAD + "; at least not with this periodicity or with cells smaller than the cutoff",
    )


def stress(patient: Patient) -> Check:
    """All six components of the stress of every structure that has one."""
    solids = [atoms for atoms in [*patient.structures, patient.small] if atoms.pbc.all()]
    figures = [_stress_figure(patient, atoms) for atoms in solids]
    return judge(
        "stress, finite differences",
        figures,
        "stress is the derivative of the energy by strain: pressures can be trusted",
        "stress is not the derivative of the energy by strain: do not relax cells or run npt with "
        "this model",
    )


def net_force(patient: Patient) -> Check:
    """Forces on all atoms add up to zero."""
    found = patient.look(patient.structures, ("forces",))
    figures = []
    for result in found:
        scale = max(1.0, float(np.abs(result["forces"]).max(initial=0.0)))
        total = 1e3 * np.abs(result["forces"].sum(axis=0)).max(initial=0.0)
        figures.append(Figure(float(total), "meV/Å", 1e-3 * scale))
    return judge(
        "net force",
        figures,
        "forces add up to zero: the centre of mass stays at rest",
        "forces do not add up to zero: structures drift through space in dynamics; energies depend "
        "on more than differences of positions",
    )


def net_torque(patient: Patient) -> Check:
    """Forces on the atoms of an open structure exert no torque on the whole."""
    figures = []
    for atoms in patient.structures:
        if not atoms.pbc.any():
            found = patient.look([atoms], ("forces",))[0]["forces"]
            arms = atoms.positions - atoms.positions.mean(axis=0)
            scale = max(1.0, float(np.abs(arms).max() * np.abs(found).max()))
            torque = 1e3 * np.abs(np.cross(arms, found).sum(axis=0)).max()
            figures.append(Figure(float(torque), "meV", 1e-3 * scale))
    return judge(
        "net torque",
        figures,
        "forces exert no torque on a molecule as a whole",
        "forces turn a free molecule as a whole: the energy is not rotationally invariant, do not "
        "use this model",
    )


def _force_figures(patient: Patient, atoms: Atoms) -> list[Figure]:
    """Deviations of the forces on a few atoms, each along one random direction."""
    rng = patient.rng()
    chosen = rng.permutation(len(atoms))[:_MOST_ATOMS]
    directions = rng.normal(size=(len(chosen), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    moved = []
    for atom, direction in zip(chosen, directions):
        for steps in _STENCIL:
            copy = atoms.copy()
            copy.positions[atom] += steps * _STEP * direction
            moved.append(copy)
    slopes = _slopes(patient.energies(moved))
    found = patient.look([atoms], ("forces",))[0]["forces"]
    along = np.einsum("ax,ax->a", found[chosen], directions)
    scale = max(1.0, 0.1 * float(np.abs(found).max(initial=0.0)))
    return [Figure(1e3 * float(d), "meV/Å", _BOUND * scale) for d in np.abs(along + slopes)]


def _stress_figure(patient: Patient, atoms: Atoms) -> Figure:
    components = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    strained = []
    for a, b in components:
        for steps in _STENCIL:
            deformation = np.eye(3)
            deformation[a, b] += 0.5 * steps * _STEP
            deformation[b, a] += 0.5 * steps * _STEP
            copy = atoms.copy()
            copy.set_cell(atoms.cell.array @ deformation, scale_atoms=False)
            copy.positions = atoms.positions @ deformation
            strained.append(copy)
    slopes = _slopes(patient.energies(strained)) / atoms.get_volume()
    found = patient.look([atoms], ("stress",))[0]["stress"]
    expected = np.array([found[a, b] for a, b in components])
    scale = max(1.0, float(np.abs(found).max()))
    return Figure(1e3 * float(np.abs(slopes - expected).max()), "meV/Å^3", _BOUND * scale)


def _slopes(energies: np.ndarray) -> np.ndarray:
    """Derivatives from energies at the points of the stencil, one row of points after another."""
    weights = np.array(list(_STENCIL.values()))
    return energies.reshape(-1, len(weights)) @ weights / _STEP
