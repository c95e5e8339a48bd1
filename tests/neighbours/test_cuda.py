"""The list on a GPU against the list on the CPU.

Where there is no GPU, cpp_ext/tests/test_neighbours_gpu.cpp runs the same stages on the processor.
"""

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.neighbour_list import CELLS, NeighbourListConformance, Pairs, structure
from conformance.streams import on_a_busy_stream
from conformance.structures import ALL_PBC
from torch import Tensor

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.neighbours import compiled, with_neighbours

pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(),
    reason=f"neighbour list (CUDA): {kernels.status()['neighbour list (CUDA)']}",
)


def batch_of(*structures: Atoms) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Positions, cells, pbc and borders, on the CPU."""
    sizes = [len(atoms) for atoms in structures]
    return (
        torch.from_numpy(np.concatenate([atoms.positions for atoms in structures])),
        torch.from_numpy(np.stack([atoms.cell.array for atoms in structures])),
        torch.from_numpy(np.stack([atoms.pbc for atoms in structures])),
        torch.tensor([0, *np.cumsum(sizes).tolist()]),
    )


def on_gpu(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(tensor.cuda() for tensor in tensors)


def as_arrays(edges: Tensor, shifts: Tensor) -> Pairs:
    return edges[0].cpu().numpy(), edges[1].cpu().numpy(), shifts.cpu().numpy()


def equal(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> bool:
    """The same pairs in the same order."""
    return all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(found, expected))


def everything() -> tuple[Tensor, ...]:
    """A batch of all cells and periodicities, with empty structures, near and far."""
    return batch_of(
        *[
            structure(cell, pbc, n, cells_away)
            for cell in CELLS
            for pbc in ALL_PBC
            for n, cells_away in ((0, 0), (1, 0), (7, 2), (90, 1))
        ]
    )


def gas(n: int) -> tuple[Tensor, ...]:
    """n atoms in a sheared cell, 0.05 in a cubic Å."""
    length = (n / 0.05) ** (1 / 3)
    cell = length * np.array([[1, 0, 0], [0.6, 1, 0], [0.3, -0.4, 1]])
    scaled = np.random.default_rng(0).random((n, 3))
    return batch_of(Atoms(f"H{n}", scaled_positions=scaled, cell=cell, pbc=True))


class TestOnAGpu(NeighbourListConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def find(cls):
        return lambda atoms, cutoff: as_arrays(
            *compiled.find_edges(*on_gpu(batch_of(atoms)), cutoff)
        )


@pytest.mark.parametrize("cutoff", [1.5, 4.0, 7.0])
def test_a_batch_of_everything(cutoff: float) -> None:
    structures = everything()
    found = compiled.find_edges(*on_gpu(structures), cutoff)
    assert found[0].device.type == found[1].device.type == "cuda"
    assert equal(found, compiled.find_edges(*structures, cutoff))


def test_many_atoms() -> None:
    structures = gas(100_000)
    found = compiled.find_edges(*on_gpu(structures), 5.0)
    assert found[0].shape[1] > 2_000_000
    assert equal(found, compiled.find_edges(*structures, 5.0))


def test_very_many_neighbours_of_few_atoms() -> None:
    structures = batch_of(structure("small", (True, True, True), 2))
    found = compiled.find_edges(*on_gpu(structures), 25.0)
    assert found[0].shape[1] > 50_000
    assert equal(found, compiled.find_edges(*structures, 25.0))


def test_vectors_and_distances() -> None:
    positions, cell, pbc, borders = on_gpu(everything())
    edges, shifts, distances, vectors = compiled.find_edges_and_vectors(
        positions, cell, pbc, borders, 4.0
    )
    structure_of = torch.searchsorted(borders, edges[0], right=True) - 1
    moved = torch.einsum("ea,eab->eb", shifts.double(), cell[structure_of])
    expected = positions[edges[1]] - positions[edges[0]] + moved
    torch.testing.assert_close(vectors, expected, rtol=0, atol=1e-11)
    torch.testing.assert_close(distances, torch.linalg.norm(vectors, dim=1), rtol=1e-14, atol=0)


def test_always_the_same_order() -> None:
    structures = on_gpu(gas(20_000))
    first = compiled.find_edges(*structures, 5.0)
    for _ in range(5):
        again = compiled.find_edges(*structures, 5.0)
        assert equal(first, again)


def test_on_the_stream_of_the_caller() -> None:
    """Positions are still being made on a side stream when the search is asked for."""
    positions, *rest = on_gpu(gas(20_000))
    expected = compiled.find_edges(positions, *rest, 5.0)
    found = on_a_busy_stream(lambda late: compiled.find_edges(late, *rest, 5.0), positions)
    assert equal(found, expected)


def test_torch_waits_for_nothing() -> None:
    """The one wait, for the number of pairs, is the operator's own."""
    structures = on_gpu(gas(1000))
    compiled.find_edges(*structures, 5.0)
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        edges, _ = compiled.find_edges(*structures, 5.0)
    finally:
        torch.cuda.set_sync_debug_mode(mode)
    assert edges.shape[1] > 0


def test_memory_is_bounded_by_the_atoms() -> None:
    """Two atoms at the ends of the world cost no more than two neighbours."""
    near, far = (
        on_gpu(batch_of(Atoms("H64", positions=scale * np.arange(192.0).reshape(64, 3))))
        for scale in (0.1, 1e9)
    )
    peaks = []
    for structures in (near, far):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        compiled.find_edges(*structures, 1e-3)
        peaks.append(torch.cuda.max_memory_allocated() - before)
    assert peaks[0] == peaks[1] < 1 << 20


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    tensors = list(on_gpu(gas(100)))
    tensors[place] = tensors[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        compiled.find_edges(*tensors, 3.0)


@pytest.mark.parametrize("borders", [[0, 99], [1, 100], [0, 60, 50], [0, 200, 100]])
def test_borders_that_do_not_fit_are_an_error(borders: list[int]) -> None:
    positions, cell, pbc, _ = on_gpu(gas(100))
    n = len(borders) - 1
    first_atom = torch.tensor(borders, device="cuda")
    with pytest.raises(ValueError, match="first_atom"):
        compiled.find_edges(
            positions, cell.expand(n, 3, 3).contiguous(), pbc.expand(n, 3), first_atom, 3.0
        )


def test_an_error_names_the_first_structure_that_is_wrong() -> None:
    good, bad = structure("cubic", (True,) * 3), structure("cubic", (True,) * 3)
    bad.positions[2, 1] = np.nan
    with pytest.raises(ValueError, match="structure 1: the position of atom 2 is not finite"):
        compiled.find_edges(*on_gpu(batch_of(good, bad, good, bad)), 3.0)
    assert compiled.find_edges(*on_gpu(batch_of(good)), 3.0)[0].shape[1] > 0


def test_no_structures() -> None:
    empty = (torch.zeros(0, 3).double(), torch.zeros(0, 3, 3).double())
    edges, shifts = compiled.find_edges(
        *on_gpu((*empty, torch.zeros(0, 3, dtype=torch.bool), torch.tensor([0]))), 3.0
    )
    assert (edges.shape, shifts.shape) == ((2, 0), (0, 3))


def test_the_front_door() -> None:
    graph = AtomicGraph.from_atoms(structure("triclinic", (True, False, True), 30))
    there = with_neighbours(graph.to("cuda"), 5.0)
    here = with_neighbours(graph, 5.0)
    assert there.edges.device.type == "cuda"
    assert equal((there.edges, there.shifts), (here.edges, here.shifts))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one GPU here, or none")
def test_a_device_that_is_not_the_current_one() -> None:
    structures = gas(1000)
    there = tuple(tensor.to("cuda:1") for tensor in structures)
    found = compiled.find_edges(*there, 5.0)
    assert found[0].device == there[0].device
    assert equal(found, compiled.find_edges(*structures, 5.0))
