"""Predictions with features as variables of their own, against those that follow a graph of
operations from the energies to the positions."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.predictions import graph_of
from conformance.structures import crystal, molecule, small_cell, triclinic
from torch import Tensor

from mlip.descriptors.carried import FeaturedGraph
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello, Committee, Laplace, Potential, predict
from mlip.models.laplace import PASSES
from mlip.neighbours import with_neighbours
from mlip.settings import parse_settings

SPECIES = (8, 14)
ANGULAR = {"eta": [0.01], "zeta": [1.0, 4.0], "sign": [-1, 1]}
LISTED = [{"type": "G2", "eta": 0.3}, {"type": "G4", "eta": 0.01, "zeta": 2.0, "sign": 1}]
DESCRIPTORS: dict[str, dict[str, Any]] = {
    "soap": {"name": "soap", "n_max": 3, "l_max": 2},
    "soap of channels": {"name": "soap", "n_max": 3, "l_max": 2, "compression": "alchemical"},
    "normalised soap": {"name": "soap", "n_max": 3, "l_max": 2, "normalise": True},
    "soap in torch": {
        "name": "soap",
        "n_max": 17,
        "l_max": 1,
        "radial_basis": "polynomial",
    },  # too many for the core
    "symmetry functions": {"name": "symmetry_functions"},
    "weighted": {"name": "weighted_symmetry_functions"},
    "by element": {
        "name": "symmetry_functions_by_element",
        "elements": {"O": LISTED, "Si": LISTED[:1]},
    },
    "chebyshev": {"name": "chebyshev"},
}
WANT = ("energy", "energies", "forces", "virial")


def network(descriptor: str, seed: int = 0, cutoff: float = 4.0, **config: Any) -> BehlerParrinello:
    torch.manual_seed(seed)
    content = {
        "descriptor": DESCRIPTORS[descriptor] | {"cutoff": cutoff},
        "hidden": [6, 5],
    } | config
    model = BehlerParrinello(parse_settings(BehlerParrinello.Config, content), SPECIES)
    model.adapt([graph_of(model, crystal(SPECIES)), graph_of(model, molecule(SPECIES))])
    return model


def structures() -> list[Atoms]:
    """Also atoms without neighbours, and atoms so near that they repel each other."""
    close = Atoms("OSi", positions=[[0, 0, 0], [0.3, 0.2, 0.6]])
    slab = triclinic(SPECIES, (True, True, False))
    return [molecule(SPECIES), Atoms("O"), crystal(SPECIES), close, small_cell(SPECIES), slab]


def batch_for(model: Potential) -> AtomicGraph:
    return AtomicGraph.batch([graph_of(model, atoms) for atoms in structures()])


def by_operations(model: Potential, graph: AtomicGraph) -> dict[str, Tensor]:
    """Energies, forces and virials from first principles."""
    positions = graph.positions.clone().requires_grad_()
    strain = torch.zeros_like(graph.cell).requires_grad_()
    energies = model(graph.replace(positions=positions).strained(strain))
    energy = energies.new_zeros(graph.n_structures).index_add(0, graph.structure, energies)
    by_positions, by_strain = torch.autograd.grad(
        energies.sum(), (positions, strain), materialize_grads=True
    )
    virial = -0.5 * (by_strain + by_strain.mT)
    found = {"energy": energy, "energies": energies, "forces": -by_positions, "virial": virial}
    return {name: value.detach() for name, value in found.items()}


def assert_same(
    found: dict[str, Tensor], expected: dict[str, Tensor], rounding: float = 1e-12
) -> None:
    """To rounding of the largest numbers, as sums are."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        atol = rounding * float(value.detach().abs().max())
        torch.testing.assert_close(found[name], value.detach(), rtol=0, atol=atol)


@pytest.mark.parametrize("repulsion", [None, {}], ids=["plain", "repulsion"])
@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_every_descriptor(descriptor: str, repulsion: dict | None) -> None:
    model = network(descriptor, repulsion=repulsion)
    batch = batch_for(model)
    found = predict(model, batch, WANT)
    assert_same(found, by_operations(model, batch))
    assert_same(found, predict(model, batch, WANT, training=True))
    assert float(found["forces"].abs().max()) > 0.1


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_stress(descriptor: str) -> None:
    model = network(descriptor)
    graph = graph_of(model, crystal(SPECIES))
    found, expected = (predict(model, graph, ("stress",), training=t) for t in (False, True))
    assert_same(found, expected)


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_float32(descriptor: str) -> None:
    model = network(descriptor, repulsion={}).float()
    batch = batch_for(model)
    found = predict(model, batch, WANT)
    assert all(value.dtype == torch.float64 for value in found.values())
    # forces are sums over edges of numbers rounded to 6e-8 of the largest
    assert_same(found, predict(model, batch, WANT, training=True), 2e-5)
    assert_same(found, predict(copy.deepcopy(model).double(), batch, WANT), 2e-4)


def test_a_descriptor_of_another_precision() -> None:
    model = network("soap")
    model.descriptor.float()
    batch = batch_for(model)
    assert_same(predict(model, batch, WANT), predict(network("soap"), batch, WANT), 2e-4)


@pytest.mark.parametrize("seconds", [(4.0, 4.0), (4.0, 3.5)], ids=["shared", "apart"])
@pytest.mark.parametrize("descriptor", ["soap", "chebyshev"])
def test_committees(descriptor: str, seconds: Sequence[float]) -> None:
    members = [network(descriptor, seed, cutoff) for seed, cutoff in enumerate([4.0, *seconds])]
    committee = Committee(members)
    batch = batch_for(committee)
    assert_same(predict(committee, batch, WANT), by_operations(committee, batch))
    want = (*WANT, "energy_uncertainty", "forces_uncertainty")
    found, expected = (predict(committee, batch, want, training=t) for t in (False, True))
    assert_same(found, expected, 1e-11)  # roots of small differences
    assert float(found["forces_uncertainty"].max()) > 1e-3


@pytest.mark.parametrize("passes", [3, PASSES])
def test_laplace(passes: int) -> None:
    model = network("symmetry functions")
    labelled = graph_of(model, crystal(SPECIES))
    labels = {"energy": torch.tensor([-3.0], dtype=torch.float64)}
    laplace = Laplace.fit(model, [labelled.replace(labels=labels)], passes)
    batch = batch_for(model)
    want = (*WANT, "energy_uncertainty", "forces_uncertainty")
    found, expected = (predict(laplace, batch, want, training=t) for t in (False, True))
    assert_same(found, expected, 1e-11)
    assert float(found["forces_uncertainty"].max()) > 0


@pytest.mark.parametrize("descriptor", ["soap", "symmetry functions", "chebyshev"])
def test_graphs_that_carry_a_jacobian(descriptor: str) -> None:
    model = network(descriptor, repulsion={})
    batch = batch_for(model)
    prepared = model.prepare(batch)
    want = (*WANT, "extrapolations")
    assert_same(predict(model, prepared, want), predict(model, batch, want), 1e-11)
    with pytest.raises(ValueError, match="moved"):
        predict(model, prepared.replace(positions=1.001 * prepared.positions), want)


@pytest.mark.parametrize("descriptor", ["soap", "symmetry functions", "chebyshev"])
def test_neighbours_beyond_the_cutoff_change_nothing(descriptor: str) -> None:
    model = network(descriptor, repulsion={})
    far = AtomicGraph.batch(
        [with_neighbours(AtomicGraph.from_atoms(atoms), 5.3) for atoms in structures()]
    )
    want = (*WANT, "extrapolations")
    found, expected = predict(model, far, want), predict(model, batch_for(model), want)
    for name in want:
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=0)


@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_no_edges_at_all(descriptor: str) -> None:
    model = network(descriptor, repulsion={}).requires_grad_(False)
    graph = AtomicGraph.batch([graph_of(model, Atoms("O")), graph_of(model, Atoms("Si"))])
    found = predict(model, graph, WANT)
    assert not found["forces"].any()
    assert not found["virial"].any()
    np.testing.assert_allclose(found["energy"], model(graph).detach(), rtol=1e-14)


def test_atoms_that_are_not_there() -> None:
    model = network("soap")
    empty = predict(model, graph_of(model, Atoms()), WANT)
    assert empty["energy"].tolist() == [0.0]
    assert empty["forces"].shape == (0, 3)


@pytest.mark.parametrize("parameters", [False, True], ids=["fixed", "learned"])
def test_nothing_is_differentiated_that_need_not_be(parameters: bool) -> None:
    model = network("soap of channels").requires_grad_(parameters)
    graph = graph_of(model, crystal(SPECIES))
    with torch.no_grad():
        carried = model.with_features(graph)
    assert isinstance(carried, FeaturedGraph)
    assert carried.pull_back is None
    assert not carried.features.requires_grad
    with torch.enable_grad():
        carried = model.with_features(graph)
    assert isinstance(carried, FeaturedGraph)
    assert carried.features.is_leaf
    assert carried.features.requires_grad
    torch.testing.assert_close(model.features(carried), model.features(graph), rtol=0, atol=0)


def test_counts_while_training_leave_the_way_to_the_parameters() -> None:
    model = network("soap of channels")
    model.feature_range.set([torch.zeros(1)] * 2, [torch.ones(1)] * 2)
    graph = graph_of(model, crystal(SPECIES))
    for want in (("energy", "extrapolations"), ("forces", "extrapolations")):
        found = predict(model, graph, want, training=True)[want[0]]
        (slope,) = torch.autograd.grad(found.square().sum(), model.descriptor.mixing)
        assert float(slope.abs().max()) > 0


def test_features_are_forgotten_when_the_structure_changes() -> None:
    model = network("chebyshev")
    graph = graph_of(model, molecule(SPECIES))
    carried = model.with_features(graph)
    moved = graph.positions + 0.1 * torch.arange(3).double() * graph.positions
    for change in ({"positions": moved}, {"numbers": graph.numbers.flip(0)}):
        expected = predict(model, graph.replace(**change), ["energy"])["energy"]
        assert predict(model, carried.replace(**change), ["energy"])["energy"] == expected
    strain = 0.1 * torch.eye(3).double()[None]
    assert torch.equal(model(carried.strained(strain)), model(graph.strained(strain)))
    assert isinstance(carried.replace(labels={}), FeaturedGraph)
