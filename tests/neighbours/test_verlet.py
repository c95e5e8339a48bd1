"""The Verlet list: always the list found anew, seldom found anew."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.neighbours import VerletList, compiled, reference, with_neighbours

CUTOFF, SKIN = 3.0, 0.6


def crystal() -> Atoms:
    atoms = bulk("NaCl", "rocksalt", a=5.64).repeat(2)
    atoms.rattle(0.1, seed=0)
    return atoms


def slab() -> Atoms:
    atoms = fcc111("Cu", (3, 3, 2), vacuum=5.0)
    atoms.rattle(0.05, seed=0)
    return atoms


def cluster() -> Atoms:
    return Atoms("H6", positions=np.random.default_rng(0).uniform(0, 4, (6, 3)))


MAKES = [crystal, slab, cluster]


def graph_of(atoms: Atoms) -> AtomicGraph:
    return AtomicGraph.from_atoms(atoms)


def assert_as_found_anew(verlet: VerletList, graph: AtomicGraph) -> None:
    found, anew = verlet.find(graph), with_neighbours(graph, verlet.cutoff)
    assert torch.equal(found.edges, anew.edges)
    assert torch.equal(found.shifts, anew.shifts)
    assert found.edge_cutoff == anew.edge_cutoff
    assert found.positions is graph.positions


@pytest.mark.parametrize("make", MAKES)
def test_a_random_walk(make) -> None:
    atoms, verlet = make(), VerletList(CUTOFF, SKIN)
    random = np.random.default_rng(0)
    for _ in range(60):
        assert_as_found_anew(verlet, graph_of(atoms))
        atoms.positions += random.normal(0, 0.02, atoms.positions.shape)
    assert 1 < verlet.searches < 30


@pytest.mark.parametrize("make", [crystal, slab])
def test_a_cell_that_breathes_and_shears(make) -> None:
    atoms, verlet = make(), VerletList(CUTOFF, SKIN)
    first = np.array(atoms.cell)
    random = np.random.default_rng(1)
    strain = np.zeros((3, 3))
    for _ in range(60):
        assert_as_found_anew(verlet, graph_of(atoms))
        strain += random.normal(0, 3e-3, (3, 3)) * np.outer(atoms.pbc, atoms.pbc)
        atoms.set_cell(first @ (np.eye(3) + strain), scale_atoms=True)
        atoms.positions += random.normal(0, 0.01, atoms.positions.shape)
    assert 1 < verlet.searches < 40


def test_a_graph_that_is_changed_in_place() -> None:
    graph, verlet = graph_of(crystal()), VerletList(CUTOFF, SKIN)
    assert_as_found_anew(verlet, graph)
    graph.positions[0] += 5.0
    assert_as_found_anew(verlet, graph)
    graph.cell.mul_(1.2)
    assert_as_found_anew(verlet, graph)
    graph.pbc[0, 2] = False
    assert_as_found_anew(verlet, graph)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    pbc=st.tuples(*[st.booleans()] * 3),
    moves=st.floats(0, 0.4),
    strains=st.floats(0, 0.15),
    skin=st.floats(0, 1.5),
)
def test_any_step(
    seed: int, pbc: tuple[bool, ...], moves: float, strains: float, skin: float
) -> None:
    """Whatever positions and cell do from one call to the next."""
    random = np.random.default_rng(seed)
    cell = np.diag([4.0, 4.5, 5.0]) + random.normal(0, 0.7, (3, 3))
    atoms = Atoms("H9", scaled_positions=random.uniform(-1, 2, (9, 3)), cell=cell, pbc=pbc)
    verlet = VerletList(CUTOFF, skin)
    for _ in range(3):
        assert_as_found_anew(verlet, graph_of(atoms))
        deformation = np.eye(3) + random.normal(0, strains / 2, (3, 3))
        atoms.set_cell(np.array(atoms.cell) @ deformation, scale_atoms=bool(random.integers(2)))
        atoms.positions += random.normal(0, moves / 2, (9, 3))


class TestFoundAnew:
    """When the list is found anew, and when not."""

    def searches(self, *steps: AtomicGraph) -> int:
        verlet = VerletList(CUTOFF, SKIN)
        for graph in steps:
            assert_as_found_anew(verlet, graph)
        return verlet.searches

    def moved(self, graph: AtomicGraph, by: float) -> AtomicGraph:
        positions = graph.positions.clone()
        positions[3, 1] += by
        return graph.replace(positions=positions)

    def test_once_for_the_same_structure(self) -> None:
        assert self.searches(*[graph_of(crystal())] * 3) == 1

    @pytest.mark.parametrize(("by", "searches"), [(0.29, 1), (-0.29, 1), (0.301, 2), (-0.301, 2)])
    def test_after_half_the_skin(self, by: float, searches: int) -> None:
        graph = graph_of(crystal())
        assert self.searches(graph, self.moved(graph, by)) == searches

    def test_moves_are_measured_from_the_last_search(self) -> None:
        graph = graph_of(crystal())
        assert self.searches(*[self.moved(graph, by) for by in (0.0, 0.25, -0.25, 0.25)]) == 1
        assert self.searches(*[self.moved(graph, by) for by in (0.0, 0.25, 0.5, 0.75)]) == 2

    def test_an_atom_wrapped_by_a_cell_vector(self) -> None:
        graph = graph_of(crystal())
        positions = graph.positions.clone()
        positions[5] += graph.cell[0, 2]
        assert self.searches(graph, graph.replace(positions=positions)) == 2

    def test_an_atom_that_leaves_the_cell_unwrapped(self) -> None:
        atoms = crystal()
        atoms.wrap()
        atoms.positions[:, 0] -= atoms.positions[:, 0].min()
        before = graph_of(atoms)
        atoms.positions[:, 0] -= 0.05
        assert self.searches(before, graph_of(atoms)) == 1

    def test_the_atoms_of_a_strained_cell_move_along(self) -> None:
        graph = graph_of(crystal().repeat(3))
        strain = 0.02 * torch.eye(3, dtype=torch.float64)[None]
        grown, shrunk = graph.strained(strain), graph.strained(-strain)
        assert float((grown.positions - graph.positions).norm(dim=1).max()) > SKIN / 2
        assert self.searches(graph, grown, shrunk) == 1
        assert self.searches(graph, graph.strained(-12 * strain)) == 2

    def test_a_cell_that_changes_without_its_atoms(self) -> None:
        graph = graph_of(crystal())
        assert self.searches(graph, graph.replace(cell=graph.cell * 1.5)) == 2

    def test_other_periodicity(self) -> None:
        graph = graph_of(crystal())
        assert self.searches(graph, graph.replace(pbc=torch.tensor([[True, False, True]]))) == 2

    def test_another_structure(self) -> None:
        assert self.searches(graph_of(crystal()), graph_of(slab()), graph_of(cluster())) == 3
        fewer = crystal()[:-1]
        assert self.searches(graph_of(crystal()), graph_of(fewer)) == 2

    def test_positions_that_were_changed_in_place(self) -> None:
        """What `find` compares with is its own: the caller may move atoms where they are."""
        graph = graph_of(crystal())
        verlet = VerletList(CUTOFF, SKIN)
        verlet.find(graph)
        graph.positions[2] += 0.5
        assert_as_found_anew(verlet, graph)
        assert verlet.searches == 2


def test_a_batch() -> None:
    graphs = [graph_of(atoms) for atoms in (crystal(), slab(), cluster(), Atoms("H"))]
    batch = AtomicGraph.batch(graphs)
    verlet = VerletList(CUTOFF, SKIN)
    generator = torch.Generator().manual_seed(0)
    for _ in range(6):
        assert_as_found_anew(verlet, batch)
        noise = torch.randn(batch.positions.shape, dtype=torch.float64, generator=generator)
        strain = torch.randn(4, 3, 3, dtype=torch.float64, generator=generator) * 2e-3
        batch = batch.replace(positions=batch.positions + 0.02 * noise).strained(strain)
    assert 1 <= verlet.searches < 6
    assert_as_found_anew(verlet, AtomicGraph.batch(graphs[::-1]))


@pytest.mark.parametrize("skin", [0.0, 1e-30])
def test_without_a_skin_it_is_found_each_time(skin: float) -> None:
    verlet = VerletList(CUTOFF, skin)
    for _ in range(3):
        assert_as_found_anew(verlet, graph_of(crystal()))
    assert verlet.searches == 3


def test_the_faster_way_is_the_default(monkeypatch) -> None:
    monkeypatch.setattr(compiled, "available", lambda _: False)
    verlet = VerletList(CUTOFF)
    for _ in range(3):
        assert_as_found_anew(verlet, graph_of(crystal()))
    assert verlet.searches == 1
    monkeypatch.setattr(compiled, "available", lambda _: True)
    monkeypatch.setattr(compiled, "find_edges", reference.find_edges)
    for _ in range(3):
        assert_as_found_anew(verlet, graph_of(crystal()))
    assert verlet.searches == 4


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_atoms(n: int) -> None:
    graph = graph_of(Atoms(f"H{n}" if n else "", positions=np.zeros((n, 3))))
    verlet = VerletList(CUTOFF, SKIN)
    for _ in range(2):
        assert_as_found_anew(verlet, graph)
    assert verlet.searches == 1


def test_a_position_that_is_no_number_is_an_error_later_too() -> None:
    graph, verlet = graph_of(crystal()), VerletList(CUTOFF, SKIN)
    verlet.find(graph)
    broken: Tensor = graph.positions.clone()
    broken[4, 0] = torch.nan
    with pytest.raises(ValueError, match="position of atom 4 is not finite"):
        verlet.find(graph.replace(positions=broken))


@pytest.mark.parametrize("skin", [-0.1, float("nan"), float("inf")])
def test_a_skin_that_is_none(skin: float) -> None:
    with pytest.raises(ValueError, match="skin must be a number"):
        VerletList(CUTOFF, skin)


def test_gradients_pass_as_without() -> None:
    graph, verlet = graph_of(crystal()), VerletList(CUTOFF, SKIN)
    for _ in range(2):
        positions = graph.positions.clone().requires_grad_()
        found = verlet.find(graph.replace(positions=positions))
        (gradient,) = torch.autograd.grad(found.edge_vectors().pow(4).sum(), positions)
        assert float(gradient.abs().max()) > 1


@pytest.mark.parametrize("make", MAKES)
def test_a_graph_with_a_skin_stays_complete(make) -> None:
    """While no atom has moved more than half the skin, its edges within the cutoff are all."""
    atoms = make()
    wide = with_neighbours(graph_of(atoms), CUTOFF, skin=SKIN)
    assert wide.edge_cutoff == CUTOFF + SKIN
    steps = np.random.default_rng(1).normal(size=atoms.positions.shape)
    steps *= 0.499 * SKIN / np.linalg.norm(steps, axis=1).max()
    atoms.positions += steps
    anew = with_neighbours(graph_of(atoms), CUTOFF)
    left = wide.replace(positions=anew.positions).within(CUTOFF)
    assert torch.equal(left.edges, anew.edges)
    assert torch.equal(left.shifts, anew.shifts)


@pytest.mark.parametrize("skin", [-0.1, float("nan"), float("inf")])
def test_a_skin_that_is_none_is_an_error(skin: float) -> None:
    with pytest.raises(ValueError, match=r"skin|cutoff"):
        with_neighbours(graph_of(crystal()), CUTOFF, skin=skin)
