"""Structures that several benchmarks measure."""

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.collections import g2

from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours


def water(side: int) -> Atoms:
    """side^3 molecules at 1 g/cm^3 on a jittered lattice, turned at random."""
    rng = np.random.default_rng(0)
    spacing = (18.01528 / 0.602214076) ** (1 / 3)
    one = molecule("H2O")
    box = Atoms(cell=np.eye(3) * spacing * side, pbc=True)
    for site in np.ndindex(side, side, side):
        turned = one.copy()
        turned.rotate(rng.uniform(0, 360), rng.normal(size=3))
        turned.translate((np.array(site) + 0.5) * spacing + rng.normal(0, 0.25, 3))
        box.extend(turned)
    box.wrap()
    return box


def silicon(side: int) -> Atoms:
    """side^3 cubic cells of diamond, rattled."""
    atoms = bulk("Si", cubic=True).repeat(side)
    atoms.rattle(0.1, seed=0)
    return atoms


def organic_molecules(count: int) -> list[Atoms]:
    """The largest of the G2 set that are made of H, C, N, O and S."""
    known = [molecule(name) for name in g2.names]
    fitting = [m for m in known if set(m.symbols) <= set("HCNOS") and len(m) > 1]
    return sorted(fitting, key=len)[-count:]


def gas_in(cell: np.ndarray, n: int) -> Atoms:
    """n atoms anywhere in a cell."""
    scaled = np.random.default_rng(1).random((n, 3))
    return Atoms(f"Ar{n}", cell=cell, scaled_positions=scaled, pbc=True)


def elements(structures: list[Atoms]) -> list[int]:
    """Atomic numbers that occur, sorted."""
    return sorted({int(z) for atoms in structures for z in atoms.numbers})


def batch(structures: list[Atoms], cutoff: float) -> AtomicGraph:
    """One graph of all, with neighbours."""
    graphs = [AtomicGraph.from_atoms(atoms) for atoms in structures]
    return with_neighbours(AtomicGraph.batch(graphs), cutoff)
