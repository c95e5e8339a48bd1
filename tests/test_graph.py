"""`AtomicGraph`: geometry as it was given, batches that come apart, labels that are absent."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours

numbers = st.floats(-50, 50, allow_subnormal=False)
LABELS = {"energy": (), "stress": (3, 3), "forces": None}


@st.composite
def structures(draw) -> tuple[Atoms, dict[str, np.ndarray]]:
    """Up to five atoms in a cell that is neither flat nor needle, with some labels."""
    n = draw(st.integers(0, 5))
    positions = draw(hnp.arrays(float, (n, 3), elements=numbers))
    skew = draw(hnp.arrays(float, (3, 3), elements=st.floats(-0.3, 0.3)))
    cell = (np.eye(3) + skew) * draw(st.floats(2.0, 8.0))
    pbc = draw(st.tuples(*[st.booleans()] * 3))
    elements = draw(st.lists(st.integers(1, 118), min_size=n, max_size=n))
    atoms = Atoms(elements, positions=positions, cell=cell, pbc=pbc)
    labels = {}
    for name in draw(st.sets(st.sampled_from(sorted(LABELS)))):
        shape = (n, 3) if name == "forces" else LABELS[name]
        if not (name == "forces" and n == 0):
            labels[name] = draw(hnp.arrays(float, shape, elements=numbers))
    return atoms, labels


def assert_same(one: AtomicGraph, other: AtomicGraph) -> None:
    for name in ("numbers", "positions", "cell", "pbc", "structure"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert one.labels.keys() == other.labels.keys()
    for name, value in one.labels.items():
        assert torch.equal(value, other.labels[name]), name
    assert (one.edges is None) == (other.edges is None)
    if one.edges is not None:
        assert torch.equal(one.edges, other.edges)
        assert torch.equal(one.shifts, other.shifts)
        assert one.edge_cutoff == other.edge_cutoff


# ---------------------------------------------------------------------------------------- creation


@given(structures())
@settings(deadline=None)
def test_geometry_is_kept_as_given(drawn):
    atoms, labels = drawn
    graph = AtomicGraph.from_atoms(atoms, labels)
    np.testing.assert_array_equal(graph.positions.numpy(), atoms.positions)
    np.testing.assert_array_equal(graph.cell[0].numpy(), np.asarray(atoms.cell))
    np.testing.assert_array_equal(graph.pbc[0].numpy(), atoms.pbc)
    np.testing.assert_array_equal(graph.numbers.numpy(), atoms.numbers)
    assert (graph.n_atoms, graph.n_structures) == (len(atoms), 1)
    assert graph.positions.dtype == graph.cell.dtype == torch.float64
    assert graph.labels.keys() == labels.keys()
    for name, value in labels.items():
        np.testing.assert_array_equal(graph.labels[name].reshape(value.shape).numpy(), value)


def test_nothing_is_shared_with_the_atoms():
    atoms, forces = molecule("H2O"), np.ones((3, 3))
    graph = AtomicGraph.from_atoms(atoms, {"forces": forces})
    atoms.positions += 1.0
    atoms.numbers[0] = 9
    forces *= 7.0
    assert graph.numbers[0] == 8
    assert torch.equal(graph.labels["forces"], torch.ones(3, 3, dtype=torch.float64))
    np.testing.assert_array_equal(graph.positions.numpy(), molecule("H2O").positions)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_positions_and_cells_must_be_finite(value):
    atoms = bulk("Si")
    atoms.positions[1, 2] = value
    with pytest.raises(ValueError, match=r"positions of atoms \[1\] are not finite"):
        AtomicGraph.from_atoms(atoms)
    atoms = bulk("Si")
    atoms.cell[0, 0] = value
    with pytest.raises(ValueError, match="the cell is not finite"):
        AtomicGraph.from_atoms(atoms)


@pytest.mark.parametrize("number", [0, -1, 119])
def test_atomic_numbers_are_those_of_elements(number):
    atoms = molecule("H2O")
    atoms.numbers[1] = number
    with pytest.raises(ValueError, match=rf"atomic numbers \[{number}\] are not elements"):
        AtomicGraph.from_atoms(atoms)


@pytest.mark.parametrize(
    ("cell", "pbc", "fine"),
    [
        (np.zeros((3, 3)), (0, 0, 0), True),
        (np.zeros((3, 3)), (1, 0, 0), False),
        (np.diag([3.0, 3.0, 0.0]), (1, 1, 0), True),
        (np.diag([3.0, 3.0, 0.0]), (1, 1, 1), False),
        (np.ones((3, 3)), (0, 0, 1), True),
        (np.ones((3, 3)), (0, 1, 1), False),
        ([[0, 3, 3], [3, 0, 3], [3, 3, 0]], (1, 1, 1), True),
    ],
)
def test_periodic_directions_need_cell_vectors(cell, pbc, fine):
    atoms = Atoms("H", cell=cell, pbc=pbc)
    if fine:
        assert AtomicGraph.from_atoms(atoms).n_atoms == 1
        return
    with pytest.raises(ValueError, match="the cell is singular"):
        AtomicGraph.from_atoms(atoms)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"dipole": np.zeros(3)}, "unknown label 'dipole'; known are energy"),
        ({"forces": np.zeros((2, 3))}, r"label 'forces' has shape \(2, 3\), expected \(3, 3\)"),
        ({"forces": np.zeros(9)}, r"label 'forces' has shape \(9,\), expected \(3, 3\)"),
        ({"energy": np.zeros(2)}, r"label 'energy' has shape \(2,\), expected \(1,\)"),
        ({"stress": np.zeros(6)}, r"label 'stress' has shape \(6,\), expected \(1, 3, 3\)"),
    ],
)
def test_labels_have_the_shape_of_their_property(labels, message):
    with pytest.raises(ValueError, match=message):
        AtomicGraph.from_atoms(molecule("H2O"), labels)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("positions", torch.zeros(2, 3, dtype=torch.float64)),
        ("cell", torch.zeros(2, 3, 3, dtype=torch.float64)),
        ("pbc", torch.zeros(2, 3, dtype=torch.bool)),
        ("structure", torch.zeros(4, dtype=torch.int64)),
    ],
)
def test_fields_must_fit_together(name, value):
    graph = AtomicGraph.from_atoms(molecule("H2O"))
    with pytest.raises(Exception, match=r"has shape|type-check|Type-check"):
        graph.replace(**{name: value})


def test_edges_and_shifts_come_together():
    graph = with_neighbours(AtomicGraph.from_atoms(molecule("H2O")), 2.0)
    with pytest.raises(ValueError, match="come together"):
        graph.replace(shifts=None)


# ----------------------------------------------------------------------------------------- batches


@given(st.lists(structures(), min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_batch_comes_apart_again(drawn, connected):
    graphs = [AtomicGraph.from_atoms(*one) for one in drawn]
    if connected:
        graphs = [with_neighbours(graph, 2.5) for graph in graphs]
    batch = AtomicGraph.batch(graphs)
    assert batch.n_structures == len(graphs)
    assert batch.atom_counts.tolist() == [graph.n_atoms for graph in graphs]
    parts = batch.unbatch()
    assert len(parts) == len(graphs)
    for part, graph in zip(parts, graphs):
        assert_same(part, graph)


def test_edges_in_any_order_go_to_their_structures():
    graphs = [with_neighbours(AtomicGraph.from_atoms(molecule(m)), 2.5) for m in ("H2O", "CH4")]
    batch = AtomicGraph.batch(graphs)
    mixed = torch.arange(batch.n_edges).flip(0)
    parts = batch.replace(edges=batch.edges[:, mixed], shifts=batch.shifts[mixed]).unbatch()
    for part, graph in zip(parts, graphs):
        assert torch.equal(part.edges, graph.edges.flip(1))


@given(st.lists(structures(), min_size=2, max_size=4))
@settings(deadline=None, max_examples=30)
def test_batches_of_batches_are_batches(drawn):
    graphs = [with_neighbours(AtomicGraph.from_atoms(*one), 2.5) for one in drawn]
    nested = AtomicGraph.batch([AtomicGraph.batch(graphs[:1]), AtomicGraph.batch(graphs[1:])])
    flat = AtomicGraph.batch(graphs)
    assert torch.equal(nested.edges, flat.edges)
    assert torch.equal(nested.structure, flat.structure)
    assert torch.equal(nested.edge_vectors(), flat.edge_vectors())
    assert nested.labels.keys() == flat.labels.keys()


def test_labels_that_only_some_have_are_nan_in_the_others():
    graphs = [
        AtomicGraph.from_atoms(molecule("H2O"), {"energy": -1.0, "forces": np.ones((3, 3))}),
        AtomicGraph.from_atoms(molecule("CO"), {"energy": -2.0}),
        AtomicGraph.from_atoms(molecule("H2"), {"forces": np.zeros((2, 3))}),
    ]
    batch = AtomicGraph.batch(graphs)
    assert batch.labels["energy"].isnan().tolist() == [False, False, True]
    assert (
        batch.labels["forces"].isnan().any(dim=1).tolist() == [False] * 3 + [True] * 2 + [False] * 2
    )
    assert [set(part.labels) for part in batch.unbatch()] == [
        {"energy", "forces"}, {"energy"}, {"forces"}
    ]  # fmt: skip


def test_what_cannot_be_a_batch():
    graph = AtomicGraph.from_atoms(molecule("H2O"))
    with pytest.raises(ValueError, match="zero graphs"):
        AtomicGraph.batch([])
    with pytest.raises(ValueError, match="different radii"):
        AtomicGraph.batch([with_neighbours(graph, 2.0), with_neighbours(graph, 3.0)])
    with pytest.raises(ValueError, match=r"different radii|no neighbours"):
        AtomicGraph.batch([graph, with_neighbours(graph, 3.0)])


# ---------------------------------------------------------------------------------------- geometry


@given(structures(), hnp.arrays(float, (3, 3), elements=st.floats(-0.1, 0.1)))
@settings(deadline=None, max_examples=60)
def test_strain_deforms_every_edge_vector(drawn, strain):
    graph = with_neighbours(AtomicGraph.from_atoms(*drawn), 3.0)
    strained = graph.strained(torch.from_numpy(strain)[None])
    expected = graph.edge_vectors() @ (torch.eye(3, dtype=torch.float64) + torch.from_numpy(strain))
    # coordinates of some 100 Å, of which the vectors are differences
    torch.testing.assert_close(strained.edge_vectors(), expected, rtol=0, atol=1e-11)
    factor = abs(np.linalg.det(np.eye(3) + strain))
    torch.testing.assert_close(strained.volumes, graph.volumes * factor, equal_nan=True)


@given(structures())
@settings(deadline=None, max_examples=60)
def test_edge_vectors_are_computed_from_the_definition(drawn):
    atoms, _ = drawn
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), 3.0)
    i, j, shifts = graph.centres.numpy(), graph.neighbours.numpy(), graph.shifts.numpy()
    expected = atoms.positions[j] - atoms.positions[i] + shifts @ np.asarray(atoms.cell)
    np.testing.assert_allclose(graph.edge_vectors().numpy(), expected, rtol=0, atol=1e-11)
    assert (np.linalg.norm(expected, axis=1) < 3.0 + 1e-9).all()


def test_edge_vectors_carry_derivatives_by_positions_and_cell():
    graph = with_neighbours(AtomicGraph.from_atoms(bulk("Si")), 3.0)

    def vectors(positions, cell):
        return graph.replace(positions=positions, cell=cell).edge_vectors()

    inputs = (graph.positions.clone().requires_grad_(), graph.cell.clone().requires_grad_())
    assert torch.autograd.gradcheck(vectors, inputs)


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 1, 0), (0, 0, 0)])
def test_volumes_exist_with_three_periodic_directions(pbc):
    atoms = Atoms("H", cell=[[0, 3.0, 0], [2.0, 0, 0], [0, 0, 4.0]], pbc=pbc)
    volume = AtomicGraph.from_atoms(atoms).volumes
    if all(pbc):
        assert volume.item() == pytest.approx(24.0), "the cell is left-handed"
    else:
        assert volume.isnan().all()


def test_edges_must_be_there_and_complete():
    graph = AtomicGraph.from_atoms(molecule("CH3CH2OH"))
    for name in ("centres", "neighbours", "n_edges"):
        with pytest.raises(ValueError, match="no neighbours yet; call with_neighbours"):
            getattr(graph, name)
    with pytest.raises(ValueError, match="no neighbours yet"):
        graph.edge_vectors()
    near = with_neighbours(graph, 2.0)
    with pytest.raises(ValueError, match=r"within 2.0 Å, but 3.0 Å are needed"):
        near.within(3.0)
    assert near.within(1.2).n_edges < near.n_edges


def test_moving_to_a_device_moves_everything():
    graph = with_neighbours(AtomicGraph.from_atoms(molecule("H2O"), {"energy": -1.0}), 2.0)
    moved = graph.to("meta")
    assert moved.device.type == "meta"
    for name in ("numbers", "positions", "cell", "pbc", "structure", "edges", "shifts"):
        assert getattr(moved, name).device.type == "meta", name
    assert moved.labels["energy"].device.type == "meta"
    assert moved.edge_cutoff == 2.0


def test_a_graph_describes_itself():
    graph = AtomicGraph.from_atoms(molecule("H2O"), {"energy": -1.0})
    assert repr(graph) == "AtomicGraph(1 structures, 3 atoms, no neighbours, labels energy)"
    assert "4 edges within 1.2 Å" in repr(with_neighbours(graph, 1.2))
