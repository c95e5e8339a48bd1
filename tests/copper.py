"""Copper by effective medium theory: a small labelled set in which nothing is wrong."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from mlip.data import Frame, frames_from_atoms


def _compute(atoms: Atoms, kind: str) -> Atoms:
    atoms.calc = EMT()
    atoms.get_potential_energy()
    atoms.get_forces()
    if atoms.pbc.all():
        atoms.get_stress()
    atoms.info["config_type"] = kind
    return atoms


def healthy_frames() -> list[Frame]:
    """Strained, sheared and rattled cells."""
    random = np.random.default_rng(5)
    structures = []
    for strain in np.linspace(-0.06, 0.06, 9):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell * (1 + strain), scale_atoms=True)
        structures.append(_compute(atoms, "strained"))
    for _ in range(12):
        atoms = bulk("Cu", cubic=True)
        tilt = np.eye(3) + np.triu(random.uniform(-0.06, 0.06, (3, 3)), 1)
        atoms.set_cell(atoms.cell @ tilt, scale_atoms=True)
        structures.append(_compute(atoms, "sheared"))
    for seed in range(16):
        atoms = bulk("Cu", cubic=True) * (2, 1, 1)
        atoms.rattle(0.05, seed=seed)
        structures.append(_compute(atoms, "rattled"))
    return list(frames_from_atoms(structures))
