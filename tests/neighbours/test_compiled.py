"""The compiled list against the reference, over the whole matrix of cells, pbc and cutoffs."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from mlip import kernels
from mlip.neighbours import compiled, reference

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

CELLS = {
    "cubic": [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]],
    "orthorhombic": [[4.0, 0, 0], [0, 5.0, 0], [0, 0, 9.0]],
    "triclinic": [[4.0, 0.3, 0.2], [1.0, 5.0, 0.0], [-1.0, 2.0, 6.0]],
    "strongly skewed": [[4.0, 0, 0], [34.0, 5.0, 0], [-22.0, 49.0, 6.0]],
    "left-handed": [[0, 4.0, 0], [5.0, 0, 0], [0, 0.3, 6.0]],
    "needle": [[60.0, 0, 0], [0, 2.0, 0.1], [0, 0, 2.5]],
    "plate": [[30.0, 0, 0], [1.0, 35.0, 0], [0.5, 0, 2.5]],
}
ALL_PBC = list(itertools.product([False, True], repeat=3))


def scattered(cell: Tensor, n: int, cells_away: float, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    fractions = torch.rand(n, 3, dtype=torch.float64, generator=generator)
    wraps = torch.rand(n, 3, dtype=torch.float64, generator=generator) - 0.5
    return (fractions + torch.floor(2 * cells_away * wraps)) @ cell


def pairs(edges: Tensor, shifts: Tensor) -> np.ndarray:
    rows = torch.cat([edges.T, shifts], dim=1).numpy()
    return rows[np.lexsort(rows.T[::-1])]


def one(positions: Tensor, cell: Tensor, pbc: tuple[bool, ...]) -> tuple[Tensor, ...]:
    return positions, cell[None], torch.tensor([pbc]), torch.tensor([0, len(positions)])


def assert_as_reference(structure: tuple[Tensor, ...], cutoff: float) -> int:
    found, judged = (m.find_edges(*structure, cutoff) for m in (compiled, reference))
    rows = torch.cat([found[0], found[1].T]).T.numpy()
    np.testing.assert_array_equal(rows, pairs(*found), "sorted by centre, neighbour, shift")
    np.testing.assert_array_equal(rows, torch.cat([judged[0], judged[1].T]).T.numpy())
    return found[0].shape[1]


@pytest.mark.parametrize("cutoff", [1.5, 4.0, 8.5])
@pytest.mark.parametrize("pbc", ALL_PBC)
@pytest.mark.parametrize("name", CELLS)
def test_equals_the_reference(name: str, pbc: tuple[bool, ...], cutoff: float) -> None:
    cell = torch.tensor(CELLS[name], dtype=torch.float64)
    sizes = [(0, 0), (1, 0), (1, 3000), (2, 3000), (9, 0), (9, 2), (9, 3000), (70, 2)]
    for seed, (n, cells_away) in enumerate(sizes):
        positions = scattered(cell, n, cells_away, seed)
        if n == 9:
            positions[1] = positions[0]  # two atoms at one place
            positions[3] = positions[2] + cell[1]  # and at one place but for a cell vector
        assert_as_reference(one(positions, cell, pbc), cutoff)


@pytest.mark.parametrize("pbc", ALL_PBC)
def test_equals_the_reference_with_many_cells(pbc: tuple[bool, ...]) -> None:
    cell = torch.tensor([[19.0, 0, 0], [3.0, 22.0, 1.0], [-4.0, 2.0, 18.0]], dtype=torch.float64)
    positions = scattered(cell, 700, 1, 0)
    assert assert_as_reference(one(positions, cell, pbc), 3.5) > 1000


def test_atoms_at_the_ends_of_the_world() -> None:
    cluster = scattered(torch.eye(3, dtype=torch.float64) * 12, 300, 0, 0)
    far = torch.tensor([[1e6, -1e6, 1e6], [1e6, 1 - 1e6, 1e6], [-1e12, 0, 0]], dtype=torch.float64)
    for pbc in ((False, False, False), (False, True, False)):
        structure = one(torch.cat([cluster, far]), torch.eye(3, dtype=torch.float64) * 12, pbc)
        assert assert_as_reference(structure, 3.0) > 1000


def test_a_cell_that_is_not_used_does_not_matter() -> None:
    positions = scattered(torch.eye(3, dtype=torch.float64) * 5, 30, 0, 0)
    pbc = (False, False, False)
    for cell in (torch.zeros(3, 3), torch.ones(3, 3), torch.eye(3) * 0.1):
        found = compiled.find_edges(*one(positions, cell.double(), pbc), 3.0)
        alone = compiled.find_edges(*one(positions, torch.eye(3).double() * 50, pbc), 3.0)
        assert all(torch.equal(a, b) for a, b in zip(found, alone))


def test_a_batch_is_each_alone() -> None:
    cells = torch.tensor(list(CELLS.values()), dtype=torch.float64)
    combinations = itertools.product(cells, ALL_PBC[::3])
    structures = [
        one(scattered(cell, n, 1, n), cell, pbc)
        for (cell, pbc), n in zip(combinations, itertools.cycle([3, 0, 20, 1]))
    ]
    counts = torch.tensor([len(positions) for positions, *_ in structures])
    borders = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    positions, cell, pbc = (torch.cat(parts) for parts in list(zip(*structures))[:3])
    edges, shifts = compiled.find_edges(positions, cell, pbc, borders, 3.0)
    alone = [compiled.find_edges(*structure, 3.0) for structure in structures]
    moved = [own + start for (own, _), start in zip(alone, borders)]
    assert torch.equal(edges, torch.cat(moved, dim=1))
    assert torch.equal(shifts, torch.cat([own for _, own in alone]))


def one_large() -> tuple[Tensor, ...]:
    cell = torch.eye(3, dtype=torch.float64) * 40
    return one(scattered(cell, 6000, 0, 0), cell, (True, True, False))


def many_small() -> tuple[Tensor, ...]:
    cell = torch.tensor([[9.0, 0, 0], [1.0, 9.0, 0], [0, -2.0, 9.0]], dtype=torch.float64)
    borders = torch.tensor([0, 0, 40, 1000, 1001, 2500, 2500, 3500])
    return (
        scattered(cell, 3500, 2, 1),
        cell.repeat(7, 1, 1),
        torch.tensor([ALL_PBC[s] for s in range(7)]),
        borders,
    )


@pytest.mark.parametrize("make", [one_large, many_small])
def test_threads_change_nothing(make) -> None:
    structure = make()
    results = []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(compiled.find_edges(*structure, 3.0))
    torch.set_num_threads(before)
    assert results[0][0].shape[1] > 10000
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))


@pytest.mark.parametrize("name", CELLS)
def test_vectors_are_those_of_the_definition(name: str) -> None:
    cell = torch.tensor(CELLS[name], dtype=torch.float64)
    positions = scattered(cell, 30, 2, 0)
    structure = one(positions, cell, (True, True, True))
    edges, shifts, distances, vectors = compiled.find_edges_and_vectors(*structure, 4.0)
    expected = positions[edges[1]] - positions[edges[0]] + shifts.double() @ cell
    # sums of numbers up to some 300 Å, rounded in another order
    torch.testing.assert_close(vectors, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(distances, torch.linalg.norm(vectors, dim=1), rtol=1e-15, atol=0)


@pytest.mark.parametrize("lattice", [0.7, 1 / 3, 2.35])
def test_a_shell_at_the_cutoff_is_seen_from_both_sides(lattice: float) -> None:
    """Rounding decides whether such pairs are neighbours, but not for i and j differently."""
    grid = torch.cartesian_prod(*[torch.arange(5, dtype=torch.float64)] * 3) * lattice
    structure = one(grid, torch.eye(3, dtype=torch.float64) * 5 * lattice, (True, True, True))
    edges, shifts = compiled.find_edges(*structure, 2 * lattice)
    np.testing.assert_array_equal(pairs(edges, shifts), pairs(edges.flip(0), -shifts))
    assert_as_reference(structure, 2 * lattice)


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize("find", [compiled.find_edges, reference.find_edges])
class TestErrors:
    """Each names what is wrong; the reference raises the same."""

    cell = torch.eye(3, dtype=torch.float64) * 3

    def positions(self) -> Tensor:
        return torch.tensor([[0.0, 0, 0], [1, 1, 1]], dtype=torch.float64)

    @pytest.mark.parametrize("cutoff", [0.0, -1.0, NAN, INFINITY])
    def test_cutoff(self, find, cutoff: float) -> None:
        with pytest.raises(ValueError, match="cutoff must be a positive number"):
            find(*one(self.positions(), self.cell, (True, True, True)), cutoff)

    @pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
    def test_position(self, find, value: float) -> None:
        positions = self.positions()
        positions[1, 2] = value
        with pytest.raises(ValueError, match="structure 0: the position of atom 1 is not finite"):
            find(*one(positions, self.cell, (True, True, True)), 2.0)

    @pytest.mark.parametrize("value", [NAN, INFINITY])
    def test_cell(self, find, value: float) -> None:
        cell = self.cell.clone()
        cell[2, 0] = value
        with pytest.raises(ValueError, match="cell is not finite"):
            find(*one(self.positions(), cell, (True, True, True)), 2.0)

    @pytest.mark.parametrize(
        "rows", [[[0, 0, 0], [0, 3, 0], [0, 0, 3]], [[3, 3, 0], [3, 3, 0], [0, 0, 3]]]
    )
    def test_singular_cell(self, find, rows: list[list[float]]) -> None:
        cell = torch.tensor(rows, dtype=torch.float64)
        with pytest.raises(ValueError, match="singular"):
            find(*one(self.positions(), cell, (True, True, False)), 2.0)


coordinates = st.lists(st.floats(-30, 30, allow_subnormal=False), min_size=3, max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(coordinates, min_size=3, max_size=3),
    points=st.lists(coordinates, max_size=8),
    pbc=st.sampled_from(ALL_PBC),
    cutoff=st.floats(0.1, 6.0),
)
def test_any_structure(rows, points, pbc: tuple[bool, ...], cutoff: float) -> None:
    cell = torch.tensor(rows, dtype=torch.float64)
    heights = torch.linalg.norm(cell, dim=1)
    # neither singular nor so flat that the reference would need too many images
    assume(bool((heights > 1.0).all()) and abs(torch.linalg.det(cell / heights[:, None])) > 0.05)
    structure = one(torch.tensor(points, dtype=torch.float64).reshape(-1, 3), cell, pbc)
    assert_as_reference(structure, cutoff)
