"""Graph data sets, their fingerprint, and batches."""

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from hypothesis import given
from hypothesis import strategies as st

from mlip.data import Frame, GraphDataset, batches_by_atoms, fingerprint
from mlip.neighbours import with_neighbours


def frames_of():
    crystal = bulk("Si", cubic=True)
    stress = np.diag([0.1, 0.2, 0.3])
    return [
        Frame(crystal, {"energy": np.array(-40.0), "stress": stress}, "bulk", "a#0"),
        Frame(molecule("H2O"), {"energy": np.array(-14.0), "forces": np.eye(3)}, "gas", "a#1"),
        Frame(molecule("CH4"), {}, "gas", "b#0"),
    ]


def test_graphs_with_neighbours_and_labels():
    frames = frames_of()
    dataset = GraphDataset(frames, 3.0)
    assert len(dataset) == 3
    assert dataset.atom_counts == [8, 3, 5]
    for graph, frame in zip(dataset, frames):
        assert set(graph.labels) == set(frame.labels)
        again = with_neighbours(graph, 3.0)
        assert torch.equal(again.edges, graph.edges)
    assert dataset[0].labels["stress"].shape == (1, 3, 3)
    assert [graph.n_atoms for graph in dataset[1:]] == [3, 5]
    edges = sum(graph.n_edges for graph in dataset)
    assert dataset.mean_neighbours == pytest.approx(edges / 16)
    assert "3 structures, 16 atoms" in repr(dataset)


def test_progress_is_told():
    seen = []
    GraphDataset(frames_of(), 3.0, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_bad_frame_is_named():
    frames = frames_of()
    frames[1].atoms.positions[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^a#1: positions of atoms \[0\] are not finite"):
        GraphDataset(frames, 3.0)


def test_an_empty_set():
    dataset = GraphDataset([], 3.0)
    assert len(dataset) == 0
    assert dataset.mean_neighbours == 0.0


def test_the_fingerprint_is_of_the_content():
    frames = frames_of()
    mark = fingerprint(frames)
    assert GraphDataset(frames, 3.0).fingerprint == mark
    assert len(mark) == 64
    assert fingerprint(frames[::-1]) == mark
    renamed = [Frame(f.atoms, f.labels, "x", "other#9") for f in frames]
    assert fingerprint(renamed) == mark
    assert fingerprint(frames[:2]) != mark
    assert fingerprint([*frames, frames[0]]) != mark


@pytest.mark.parametrize("what", ["positions", "cell", "pbc", "numbers", "label", "label name"])
def test_the_fingerprint_sees_every_change(what):
    frames = frames_of()
    mark = fingerprint(frames)
    atoms, labels = frames[0].atoms, frames[0].labels
    if what == "positions":
        atoms.positions[3, 1] = np.nextafter(atoms.positions[3, 1], 9.0)
    elif what == "cell":
        atoms.cell[0, 1] += 1e-9
    elif what == "pbc":
        atoms.pbc[2] = False
    elif what == "numbers":
        atoms.numbers[0] = 6
    elif what == "label":
        labels["stress"] = labels["stress"] * 2
    else:
        labels["forces"] = labels.pop("stress")
    assert fingerprint(frames) != mark


def test_the_fingerprint_ignores_what_has_no_meaning():
    frames = frames_of()
    mark = fingerprint(frames)
    frames[1].atoms.cell = [3, 4, 5]
    frames[1].atoms.info["comment"] = "a molecule that carries a meaningless cell"
    frames[2].atoms.positions[np.abs(frames[2].atoms.positions) == 0] = -0.0
    assert fingerprint(frames) == mark


@given(
    counts=st.lists(st.integers(0, 40), max_size=60),
    batch_atoms=st.integers(1, 50),
    seed=st.none() | st.integers(0, 2**31),
)
def test_batches_hold_each_structure_once(counts, batch_atoms, seed):
    batches = batches_by_atoms(counts, batch_atoms, seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(counts)))
    assert all(batches), "no batch is empty"
    for batch in batches:
        atoms = [counts[i] for i in batch if counts[i]]
        assert sum(atoms) <= batch_atoms or len(atoms) == 1
    assert batches_by_atoms(counts, batch_atoms, seed) == batches
    if seed is None:
        assert [i for batch in batches for i in batch] == list(range(len(counts)))


def test_a_seed_shuffles():
    orders = {str(batches_by_atoms([1] * 20, 4, seed)) for seed in range(20)}
    assert len(orders) == 20


def test_a_structure_that_is_too_large_is_alone():
    assert batches_by_atoms([3, 90, 3, 3], 10, None) == [[0], [1], [2, 3]]
    with pytest.raises(ValueError, match="at least one atom"):
        batches_by_atoms([3], 0, None)
