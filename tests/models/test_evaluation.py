"""Many structures at once."""

import numpy as np
import pytest
from ase import Atoms
from conformance.predictions import graph_of
from conformance.structures import crystal, molecule, small_cell, triclinic
from toy import toy

from mlip.graph import AtomicGraph
from mlip.models import Committee, evaluate, predict
from mlip.neighbours import with_neighbours

SPECIES = (8, 14)
MODEL = toy(SPECIES)
STRUCTURES = [
    molecule(SPECIES),
    crystal(SPECIES),
    Atoms(),
    triclinic(SPECIES, (True, True, False)),
    Atoms("Si"),
    small_cell(SPECIES),
]
GRAPHS = [graph_of(MODEL, atoms) for atoms in STRUCTURES]


@pytest.mark.parametrize("batch_atoms", [1, 5, 10, 10_000])
def test_the_size_of_batches_changes_nothing(batch_atoms: int) -> None:
    want = ("energy", "energies", "forces", "virial")
    found = evaluate(MODEL, GRAPHS, want, batch_atoms=batch_atoms)
    assert len(found) == len(GRAPHS)
    for result, graph in zip(found, GRAPHS):
        assert set(result) == set(want)
        assert all(isinstance(value, np.ndarray) for value in result.values())
        alone = predict(MODEL, graph, want)
        np.testing.assert_allclose(result["energy"], alone["energy"][0].numpy(), rtol=1e-12)
        assert result["energy"].shape == ()
        np.testing.assert_allclose(result["energies"], alone["energies"].numpy(), atol=1e-10)
        np.testing.assert_allclose(result["forces"], alone["forces"].numpy(), atol=1e-10)
        np.testing.assert_allclose(result["virial"], alone["virial"][0].numpy(), atol=1e-10)


@pytest.mark.parametrize("batch_atoms", [1, 10_000])
def test_stress_where_there_is_one(batch_atoms: int) -> None:
    found = evaluate(MODEL, GRAPHS, ("energy", "stress"), batch_atoms=batch_atoms)
    assert ["stress" in result for result in found] == [False, True, False, False, False, True]
    assert all("energy" in result for result in found)
    for s in (1, 5):
        expected = predict(MODEL, GRAPHS[s], ("stress",))["stress"][0].numpy()
        np.testing.assert_allclose(found[s]["stress"], expected, atol=1e-12)
    energies = [result["energy"] for result in evaluate(MODEL, GRAPHS, ("energy",))]
    np.testing.assert_allclose([result["energy"] for result in found], energies, rtol=1e-12)


def test_neighbours_are_found_where_they_are_missing() -> None:
    bare = [AtomicGraph.from_atoms(atoms) for atoms in STRUCTURES]
    for one, other in zip(evaluate(MODEL, bare), evaluate(MODEL, GRAPHS)):
        np.testing.assert_array_equal(one["forces"], other["forces"])


def test_radii_of_neighbours_may_differ() -> None:
    radii = [MODEL.cutoff + 0.5 * i for i in range(len(STRUCTURES))]
    wide = [with_neighbours(g, radius) for g, radius in zip(GRAPHS, radii)]
    for one, other in zip(evaluate(MODEL, wide), evaluate(MODEL, GRAPHS)):
        np.testing.assert_array_equal(one["forces"], other["forces"])


def test_uncertainties_of_a_committee() -> None:
    committee = Committee([toy(SPECIES, depth=d) for d in (0.2, 0.3)])
    found = evaluate(committee, GRAPHS[:2], ("energy_uncertainty", "forces_uncertainty"))
    assert [r["energy_uncertainty"].shape for r in found] == [(), ()]
    assert [r["forces_uncertainty"].shape for r in found] == [(5,), (8,)]


def test_nothing_to_do() -> None:
    assert evaluate(MODEL, []) == []


def test_batches_need_atoms() -> None:
    with pytest.raises(ValueError, match="batch_atoms must be at least 1"):
        evaluate(MODEL, GRAPHS, batch_atoms=0)
