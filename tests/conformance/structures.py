"""Small structures on which potentials have been wrong before, made of any species."""

import itertools

import numpy as np
from ase import Atoms

#: All combinations of periodic directions.
ALL_PBC = list(itertools.product([False, True], repeat=3))


def paint(atoms: Atoms, species: tuple[int, ...]) -> Atoms:
    """The same atoms, their elements taken in turn from `species`."""
    atoms.numbers[:] = [species[i % len(species)] for i in range(len(atoms))]
    return atoms


def crystal(species: tuple[int, ...]) -> Atoms:
    """Eight atoms on a rattled diamond lattice, nearest neighbours at 2.2 Å."""
    fcc = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    scaled = np.concatenate([fcc, fcc + 0.25])
    atoms = Atoms(numbers=np.ones(8), scaled_positions=scaled, cell=np.eye(3) * 5.1, pbc=True)
    atoms.positions += np.random.default_rng(1).normal(scale=0.1, size=(8, 3))
    return paint(atoms, species)


def small_cell(species: tuple[int, ...]) -> Atoms:
    """Two atoms in a sheared cell far smaller than any cutoff: each meets its own images."""
    cell = [[0.0, 2.6, 2.5], [2.5, 0.1, 2.6], [2.7, 2.5, 0.0]]
    atoms = Atoms(numbers=[1, 1], positions=[[0.1, 0, 0], [1.2, 1.4, 1.3]], cell=cell, pbc=True)
    return paint(atoms, species)


def molecule(species: tuple[int, ...]) -> Atoms:
    """Five atoms without symmetry and without a cell."""
    positions = [[0, 0, 0], [2.1, 0.1, -0.2], [-0.7, 1.9, 0.3], [0.4, -0.8, 1.9], [2.5, 2.0, 0.6]]
    return paint(Atoms(numbers=np.ones(5), positions=positions), species)


def alone(species: tuple[int, ...]) -> Atoms:
    """One atom without neighbours."""
    return Atoms(numbers=species[:1])


def triclinic(species: tuple[int, ...], pbc: tuple[bool, bool, bool]) -> Atoms:
    """Three atoms in a sheared cell, periodic in the directions asked for."""
    cell = [[3.9, 0.2, -0.3], [1.1, 3.6, 0.4], [-0.8, 0.9, 4.2]]
    positions = [[0.3, 0.2, 0.1], [2.0, 1.3, 0.9], [1.1, 2.9, 3.0]]
    return paint(Atoms(numbers=np.ones(3), positions=positions, cell=cell, pbc=pbc), species)


def rotation(seed: int, reflect: bool = False) -> np.ndarray:
    """A random orthogonal matrix, with determinant -1 if it reflects."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    return -q if reflect else q


def turned(atoms: Atoms, matrix: np.ndarray) -> Atoms:
    """Positions and cell with every vector v replaced by v @ matrix."""
    atoms = atoms.copy()
    atoms.set_cell(np.asarray(atoms.cell) @ matrix)
    atoms.positions = atoms.positions @ matrix
    return atoms
