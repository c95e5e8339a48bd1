"""Graphs of structures that follow one another: those of each structure by itself."""

import dataclasses

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule

from mlip.calculators.succession import Succession
from mlip.graph import AtomicGraph


def assert_alike(found: AtomicGraph, expected: AtomicGraph) -> None:
    for field in dataclasses.fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, torch.Tensor):
            assert one.dtype == other.dtype
            assert torch.equal(one, other), field.name
        else:
            assert one == other, field.name


def structures() -> list[Atoms]:
    """Each differs from the one before: in positions, cell, pbc, elements, number, and nothing."""
    first = bulk("Si", cubic=True)
    moved, deformed, slab, alloy = (first.copy() for _ in range(4))
    moved.rattle(0.1, seed=1)
    deformed.set_cell(1.01 * first.cell, scale_atoms=False)
    slab.pbc = (True, True, False)
    alloy.numbers[3] = 32
    return [first, moved, first, deformed, first, slab, alloy, first * 2, first * 2,
            molecule("H2O"), Atoms(), molecule("H2O")]  # fmt: skip


def test_graphs_are_those_of_each_structure_by_itself() -> None:
    succession = Succession()
    for atoms in structures():
        assert_alike(succession.graph(atoms), AtomicGraph.from_atoms(atoms))


def test_a_graph_does_not_change_with_its_atoms_nor_with_later_ones() -> None:
    succession, atoms = Succession(), bulk("Si", cubic=True)
    for _ in range(2):
        graph, expected = succession.graph(atoms), AtomicGraph.from_atoms(atoms)
        atoms.rattle(0.1, seed=2)
        atoms.set_cell(1.01 * atoms.cell)
        succession.graph(atoms)
        assert_alike(graph, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_named_and_nothing_is_lost(bad: float) -> None:
    succession, good = Succession(), bulk("Si", cubic=True)
    succession.graph(good)
    broken = good.copy()
    broken.positions[5, 1] = bad
    with pytest.raises(ValueError, match=r"positions of atoms \[5\] are not finite"):
        succession.graph(broken)
    assert_alike(succession.graph(good), AtomicGraph.from_atoms(good))


def test_what_stays_is_kept() -> None:
    succession, atoms = Succession(), bulk("Si", cubic=True)
    first = succession.graph(atoms)
    atoms.rattle(0.1, seed=3)
    assert succession.graph(atoms).cell is first.cell
