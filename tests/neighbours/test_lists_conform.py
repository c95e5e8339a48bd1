"""The lists of the package through the suite, and what is particular to each."""

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.neighbour_list import NeighbourListConformance, Pairs, same, structure
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.neighbours import compiled, reference, with_neighbours


def by_module(module, atoms: Atoms, cutoff: float) -> Pairs:
    edges, shifts = module.find_edges(
        torch.from_numpy(atoms.positions.copy()),
        torch.from_numpy(np.array(atoms.cell))[None],
        torch.from_numpy(np.array(atoms.pbc))[None],
        torch.tensor([0, len(atoms)]),
        cutoff,
    )
    return edges[0].numpy(), edges[1].numpy(), shifts.numpy()


def by_graph(atoms: Atoms, cutoff: float) -> Pairs:
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), cutoff)
    return graph.centres.numpy(), graph.neighbours.numpy(), graph.shifts.numpy()


class TestReference(NeighbourListConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def find(cls):
        return lambda atoms, cutoff: by_module(reference, atoms, cutoff)


@pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
class TestCompiled(NeighbourListConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def find(cls):
        return lambda atoms, cutoff: by_module(compiled, atoms, cutoff)


class TestGraphs(NeighbourListConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def find(cls):
        return by_graph


# ------------------------------------------------------------------- the reference list in blocks


def test_blocks_of_the_reference_change_nothing(monkeypatch):
    atoms = structure("triclinic", (True, True, True), 9)
    whole = by_module(reference, atoms, 5.0)
    monkeypatch.setattr(reference, "_BLOCK", 1)
    in_blocks = by_module(reference, atoms, 5.0)
    for a, b in zip(whole, in_blocks):
        np.testing.assert_array_equal(a, b)


coordinates = st.lists(st.floats(-15, 15, allow_subnormal=False), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(coordinates, min_size=3, max_size=3),
    points=st.lists(coordinates, max_size=6),
    pbc=st.tuples(*[st.booleans()] * 3),
    cutoff=st.floats(0.5, 5.0),
    more=st.floats(1.01, 1.5),
)
def test_any_structure(rows, points, pbc, cutoff, more):
    cell = np.array(rows)
    lengths = np.linalg.norm(cell, axis=1)
    assume((lengths > 1.5).all() and abs(np.linalg.det(cell / lengths[:, None])) > 0.1)
    atoms = Atoms(f"H{len(points)}" if points else "", positions=points or None, cell=cell, pbc=pbc)
    i, j, shifts = by_module(reference, atoms, cutoff)
    assert same((i, j, shifts), (j, i, -shifts))
    wide = by_module(reference, atoms, more * cutoff)
    vectors = atoms.positions[wide[1]] - atoms.positions[wide[0]] + wide[2] @ cell
    distances = np.linalg.norm(vectors, axis=1)
    assume(not np.isclose(distances, cutoff, rtol=1e-9).any())  # rounding would decide
    assert same((i, j, shifts), tuple(values[distances < cutoff] for values in wide))


# --------------------------------------------------------------------------------- the front door


def test_a_batch_is_each_alone():
    structures = [
        structure("triclinic", (True, True, True), 5),
        Atoms(cell=np.eye(3), pbc=True),
        structure("needle", (False, True, True), 3, cells_away=2),
        Atoms("H"),
        Atoms("H4", positions=structure("cubic", (False,) * 3, 4).positions),
    ]
    graphs = [AtomicGraph.from_atoms(atoms) for atoms in structures]
    together = with_neighbours(AtomicGraph.batch(graphs), 3.5)
    alone = AtomicGraph.batch([with_neighbours(graph, 3.5) for graph in graphs])
    assert torch.equal(together.edges, alone.edges)
    assert torch.equal(together.shifts, alone.shifts)
    assert together.edge_cutoff == alone.edge_cutoff == 3.5


def test_within_is_a_smaller_list():
    atoms = structure("triclinic", (True, True, False), 8)
    wide = with_neighbours(AtomicGraph.from_atoms(atoms), 6.0)
    narrow = wide.within(3.0)
    assert narrow.edge_cutoff == 3.0
    found = (narrow.centres.numpy(), narrow.neighbours.numpy(), narrow.shifts.numpy())
    assert same(found, by_graph(atoms, 3.0))
    assert wide.within(6.0) is wide


def test_no_gradient_passes_through_the_search():
    atoms = structure("cubic", (True, True, True))
    graph = AtomicGraph.from_atoms(atoms)
    graph = graph.replace(positions=graph.positions.requires_grad_())
    found = with_neighbours(graph, 3.0)
    assert not found.shifts.requires_grad
    (gradient,) = torch.autograd.grad(found.edge_vectors().square().sum(), graph.positions)
    assert torch.isfinite(gradient).all()
