"""Edge vectors and the transpose of that map: compiled, in torch, and by hand."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from torch import Tensor

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours
from mlip.ops import edges as edges_
from mlip.ops.edges import (
    edge_sums,
    edge_sums_in_torch,
    edge_vectors,
    edge_vectors_in_torch,
)

needs_core = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

#: Sums of some dozens of numbers of order one.
ROUNDING = {"rtol": 1e-13, "atol": 1e-13}

STRUCTURES = {
    "solid": [bulk("Si", cubic=True)],
    "batch": [bulk("Si"), molecule("H2O"), bulk("Cu") * (3, 1, 1)],
    "large": [bulk("Cu", cubic=True) * (8, 8, 8)],
    "lonely": [Atoms("O"), Atoms("Si", cell=[9, 9, 9], pbc=True)],
    "empty": [Atoms()],
}


def connected(name: str) -> AtomicGraph:
    graphs = []
    for seed, structure in enumerate(STRUCTURES[name]):
        atoms = structure.copy()
        atoms.rattle(0.1, seed=seed)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * np.arange(9).reshape(3, 3)))
        graphs.append(with_neighbours(AtomicGraph.from_atoms(atoms), 4.0))
    return AtomicGraph.batch(graphs)


@pytest.fixture(params=STRUCTURES)
def graph(request: pytest.FixtureRequest) -> AtomicGraph:
    return connected(request.param)


def ends(graph: AtomicGraph) -> tuple[Tensor, Tensor]:
    return graph.structure, graph.edges


def test_vectors_by_hand(graph: AtomicGraph) -> None:
    found = edge_vectors(graph.positions, graph.cell, *ends(graph), graph.shifts)
    assert found.shape == (graph.n_edges, 3)
    for e in range(0, graph.n_edges, 97):
        i, j = graph.edges[:, e]
        shift = graph.shifts[e].double() @ graph.cell[graph.structure[i]]
        expected = graph.positions[j] + shift - graph.positions[i]
        torch.testing.assert_close(found[e], expected, rtol=0, atol=1e-13)


def test_vectors_are_those_of_torch(graph: AtomicGraph) -> None:
    inputs = (graph.positions, graph.cell, *ends(graph), graph.shifts)
    torch.testing.assert_close(edge_vectors(*inputs), edge_vectors_in_torch(*inputs), **ROUNDING)
    torch.testing.assert_close(graph.edge_vectors(), edge_vectors(*inputs), rtol=0, atol=0)


def derivatives(function, graph: AtomicGraph) -> list[Tensor]:
    """First and second derivatives, by positions and cells, of something that is curved."""
    positions, cell = graph.positions.clone(), graph.cell.clone()
    free = (positions.requires_grad_(), cell.requires_grad_())
    lengths = function(*free, *ends(graph), graph.shifts).square().sum(1)
    options = {"create_graph": True, "materialize_grads": True}
    first = torch.autograd.grad((lengths * torch.sin(lengths)).sum(), free, **options)
    curved = sum(slope.pow(3).sum() for slope in first)
    second = torch.autograd.grad(curved, free, materialize_grads=True)
    return [tensor.detach() for tensor in (*first, *second)]


def test_derivatives_are_those_of_torch(graph: AtomicGraph) -> None:
    if graph.n_edges == 0:
        pytest.skip("there is nothing to differentiate")
    found, expected = (derivatives(f, graph) for f in (edge_vectors, edge_vectors_in_torch))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11 * float(other.abs().max()))


def random_like(tensor: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(tensor.shape, dtype=tensor.dtype, generator=generator)


def test_first_derivatives_alone(graph: AtomicGraph) -> None:
    """The compiled ones, which are not differentiated again."""
    positions, cell = graph.positions.clone(), graph.cell.clone()
    free = (positions.requires_grad_(), cell.requires_grad_())
    found = []
    for function in (edge_vectors, edge_vectors_in_torch):
        vectors = function(*free, *ends(graph), graph.shifts)
        found.append(torch.autograd.grad(vectors, free, random_like(vectors)))
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_sums_are_those_of_torch(graph: AtomicGraph) -> None:
    vectors = graph.edge_vectors()
    inputs = (random_like(vectors), vectors, *ends(graph), graph.n_structures)
    torch.testing.assert_close(
        edge_sums(*inputs), edge_sums_in_torch(*inputs), rtol=1e-12, atol=1e-11
    )


def test_sums_are_derivatives_by_positions_and_strain(graph: AtomicGraph) -> None:
    positions = graph.positions.clone().requires_grad_()
    strain = torch.zeros_like(graph.cell).requires_grad_()
    vectors = graph.replace(positions=positions).strained(strain).edge_vectors()
    by_vectors = random_like(vectors)
    expected = torch.autograd.grad(vectors, (positions, strain), by_vectors, materialize_grads=True)
    torch.testing.assert_close(graph.edge_sums(by_vectors), expected, rtol=1e-11, atol=1e-11)


def test_sums_can_be_differentiated(graph: AtomicGraph) -> None:
    vectors = graph.edge_vectors()
    by_vectors = random_like(vectors).requires_grad_()
    sums = graph.edge_sums(by_vectors)
    along = [random_like(one) for one in sums]
    (found,) = torch.autograd.grad(sums, by_vectors, along)
    i, j = graph.edges
    expected = along[0][j] - along[0][i]
    expected += torch.einsum("ec,ecd->ed", vectors, along[1][graph.structure[i]])
    torch.testing.assert_close(found, expected, **ROUNDING)


@needs_core
def test_threads_change_no_bit() -> None:
    before = torch.get_num_threads()
    atoms = bulk("Cu", cubic=True) * (9, 9, 9)
    atoms.rattle(0.1, seed=0)
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), 5.2)
    assert graph.n_edges > 100_000  # several parts
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            vectors = graph.edge_vectors()
            found.append((vectors, *graph.edge_sums(random_like(vectors))))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert torch.equal(one, two)


def test_without_the_core(graph: AtomicGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = graph.edge_vectors(), graph.edge_sums(torch.ones(graph.n_edges, 3).double())
    monkeypatch.setattr(edges_.kernels, "available", lambda: False)
    found = graph.edge_vectors(), graph.edge_sums(torch.ones(graph.n_edges, 3).double())
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-11)


def operators() -> dict[str, tuple]:
    graph = with_neighbours(AtomicGraph.from_atoms(bulk("Si", cubic=True)), 3.0)
    vectors = graph.edge_vectors()
    return {
        "edge_vectors": (graph.positions, graph.cell, *ends(graph), graph.shifts),
        "edge_sums": (vectors, vectors, *ends(graph), 1),
    }


@needs_core
class TestOperators:
    @pytest.mark.parametrize("name", ["edge_vectors", "edge_sums"])
    def test_keep_the_rules_of_torch(self, name: str) -> None:
        operator = getattr(torch.ops.mlip, name).default
        checks = ("test_schema", "test_faketensor")
        found = torch.library.opcheck(operator, operators()[name], test_utils=checks)
        assert set(found.values()) == {"SUCCESS"}

    @pytest.mark.parametrize("name", ["edge_vectors", "edge_sums"])
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({3: lambda edges: edges + 1}, "joins atoms"),
            ({3: lambda edges: edges - 1}, "joins atoms"),
            ({3: lambda edges: edges.T}, "edges has the wrong shape"),
            ({2: lambda structure: structure + 1}, "is of structure 1 of 1"),
            ({2: lambda structure: structure.int()}, "structure has the wrong shape or type"),
            ({0: lambda numbers: numbers.float()}, "wrong shape or type"),
            ({1: lambda numbers: numbers[:, :2]}, "wrong shape or type"),
        ],
    )
    def test_what_does_not_fit_is_an_error(self, name: str, change: dict, words: str) -> None:
        inputs = list(operators()[name])
        for place, changed in change.items():
            inputs[place] = changed(inputs[place])
        with pytest.raises((ValueError, RuntimeError), match=words):
            getattr(torch.ops.mlip, name)(*inputs)
