"""Edge vectors and sums over edges on a GPU against those on the CPU.

Where there is no GPU, cpp_ext/tests/test_edges_gpu.cpp runs the same code on the processor.
"""

from typing import Any

import pytest
import torch
from ase.build import bulk
from test_cuda_neighbour_sums import far_apart, on_gpu
from test_edge_vectors import STRUCTURES, connected, derivatives, operators, random_like

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours
from mlip.ops.edges import edge_sums, edge_vectors, edge_vectors_in_torch

_STATUS = "edge vectors (CUDA)"
pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"{_STATUS}: {kernels.status()[_STATUS]}"
)


def assert_equal_to_the_processor(graph: AtomicGraph) -> None:
    ends = (graph.structure, graph.edges)
    vectors = graph.edge_vectors()
    there = on_gpu((graph.positions, graph.cell, *ends, graph.shifts))
    assert far_apart(edge_vectors(*there), vectors) < 1e-15
    for rows in (vectors, graph.shifts):
        here = (random_like(vectors), rows, *ends)
        expected = torch.ops.mlip.edge_sums(*here, graph.n_structures)
        found, again = (
            torch.ops.mlip.edge_sums(*on_gpu(here), graph.n_structures) for _ in range(2)
        )
        for by_gpu, once_more, by_cpu in zip(found, again, expected, strict=True):
            assert by_gpu.device.type == "cuda"
            assert far_apart(by_gpu, by_cpu) < 1e-12
            assert torch.equal(by_gpu, once_more)


@pytest.mark.parametrize("name", STRUCTURES)
def test_equal_to_the_processor(name: str) -> None:
    assert_equal_to_the_processor(connected(name))


def test_many_edges() -> None:
    atoms = bulk("Cu", cubic=True) * (20, 20, 20)
    atoms.rattle(0.1, seed=0)
    assert_equal_to_the_processor(with_neighbours(AtomicGraph.from_atoms(atoms), 5.0))


@pytest.mark.parametrize("name", ["solid", "batch"])
def test_derivatives_are_those_of_torch(name: str) -> None:
    graph = connected(name).to("cuda")
    for one, other in zip(
        derivatives(edge_vectors, graph), derivatives(edge_vectors_in_torch, graph), strict=True
    ):
        assert far_apart(one, other.cpu()) < 1e-11


def test_sums_can_be_differentiated() -> None:
    graph = connected("batch").to("cuda")
    vectors = graph.edge_vectors()
    by_vectors = random_like(vectors.cpu()).cuda().requires_grad_()
    sums = edge_sums(by_vectors, vectors, graph.structure, graph.edges, graph.n_structures)
    (found,) = torch.autograd.grad(sums[0].square().sum() + sums[1].square().sum(), by_vectors)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", ["edge_vectors", "edge_sums"])
@pytest.mark.parametrize(
    ("place", "change", "words"),
    [
        (3, lambda edges: edges + 1, "joins atoms"),
        (3, lambda edges: edges - 1, "joins atoms"),
        (2, lambda structure: structure + 1, "is of structure 1 of 1"),
    ],
)
def test_errors_in_the_words_of_the_processor(
    name: str, place: int, change: Any, words: str
) -> None:
    inputs = list(operators()[name])
    inputs[place] = change(inputs[place])
    operator, said = getattr(torch.ops.mlip, name), []
    for given in (tuple(inputs), on_gpu(tuple(inputs))):
        with pytest.raises(ValueError, match=words) as error:
            operator(*given)
        said.append(str(error.value))
    assert said[0] == said[1]


def test_sums_ask_for_order() -> None:
    by, vectors, structure, edges, n = operators()["edge_sums"]
    given = (by, vectors, structure, edges.flip(1), n)
    with pytest.raises(ValueError, match="centres must be atoms in an order that never decreases"):
        torch.ops.mlip.edge_sums(*on_gpu(given))


@pytest.mark.parametrize("name", ["edge_vectors", "edge_sums"])
@pytest.mark.parametrize("place", range(4))
def test_tensors_on_another_device_are_an_error(name: str, place: int) -> None:
    given = list(on_gpu(operators()[name]))
    given[place] = given[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        getattr(torch.ops.mlip, name)(*given)
