"""One place for forces, virial and stress."""

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.potential import PotentialConformance
from conformance.predictions import graph_of
from conformance.structures import crystal, molecule, triclinic
from torch import Tensor
from toy import Toy, toy

from mlip.graph import AtomicGraph
from mlip.models import predict
from mlip.ops.scatter import sum_by_index

PLAIN = ("energy", "energies", "forces", "virial", "stress")


class TestToy(PotentialConformance):
    """The suite itself on a model that is right."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Toy:
        return toy(cls.species)

    @pytest.mark.skip(reason="the toy is in no table of models")
    def test_file_gives_back_the_same_bits(self) -> None: ...


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_wanted_comes_and_nothing_else(name: str) -> None:
    found = predict(toy(), graph_of(toy(), crystal((14,))), (name,))
    shapes = {"energy": (1,), "energies": (8,), "forces": (8, 3), "virial": (1, 3, 3),
              "stress": (1, 3, 3)}  # fmt: skip
    assert set(found) == {name}
    assert found[name].shape == shapes[name]
    assert not found[name].requires_grad


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"cannot predict \['charges'\]; choose from"):
        predict(toy(), graph_of(toy(), crystal((14,))), ("energy", "charges"))


@pytest.mark.parametrize("name", ["energy_uncertainty", "forces_uncertainty"])
def test_one_model_has_no_uncertainty(name: str) -> None:
    with pytest.raises(ValueError, match="a single Toy does not know its uncertainty"):
        predict(toy(), graph_of(toy(), crystal((14,))), (name,))


def test_stress_names_the_structures_without_volume() -> None:
    structures = [crystal((14,)), molecule((14,)), triclinic((14,), (True, True, False))]
    batch = AtomicGraph.batch([graph_of(toy(), atoms) for atoms in structures])
    with pytest.raises(ValueError, match=r"structures \[1, 2\] have pbc"):
        predict(toy(), batch, ("stress",))


def test_virial_of_a_molecule_is_that_of_clausius() -> None:
    found = predict(toy(), graph_of(toy(), molecule((14,))), ("forces", "virial"))
    positions = torch.from_numpy(molecule((14,)).positions)
    clausius = positions.T @ found["forces"]
    torch.testing.assert_close(found["virial"][0], clausius, rtol=0, atol=1e-12)


class Polar(Toy):
    """Looks at edge vectors, its own positions, the cell and edges of its own."""

    def energies(self, graph: AtomicGraph, vectors: Tensor) -> Tensor:
        field = torch.sin(graph.positions).sum(1)
        box = torch.cos(0.1 * graph.cell).sum((1, 2))[graph.structure]
        near = graph.within(3.0)
        of_near = sum_by_index(near.edge_vectors().norm(dim=1), near.centres, graph.n_atoms)
        return super().energies(graph, vectors) + field * box + 0.1 * of_near


@pytest.mark.parametrize("training", [False, True])
def test_models_that_look_at_more_than_edge_vectors(training: bool) -> None:
    model = toy((8, 14), Polar)
    structures = (crystal((8, 14)), triclinic((8, 14), (True, True, True)))
    batch = AtomicGraph.batch([graph_of(model, atoms) for atoms in structures])
    positions = batch.positions.clone().requires_grad_()
    strain = torch.zeros_like(batch.cell).requires_grad_()
    energy = model(batch.replace(positions=positions).strained(strain)).sum()
    by_positions, by_strain = torch.autograd.grad(energy, (positions, strain))
    found = predict(model, batch, ("forces", "virial"), training=training)
    torch.testing.assert_close(found["forces"], -by_positions, rtol=1e-11, atol=1e-11)
    expected = -0.5 * (by_strain + by_strain.transpose(1, 2))
    torch.testing.assert_close(found["virial"], expected, rtol=1e-11, atol=1e-11)


def test_far_from_the_origin_the_virial_keeps_its_digits() -> None:
    graph = graph_of(toy(), crystal((14,)))
    far = graph.replace(positions=graph.positions + 2.0**20)
    found, expected = (predict(toy(), g, ("virial",))["virial"] for g in (far, graph))
    # vectors of atoms a million Å away have lost 1e-10 Å
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


def test_virial_is_symmetric() -> None:
    virial = predict(toy(), graph_of(toy(), crystal((14,))), ("virial",))["virial"]
    torch.testing.assert_close(virial, virial.transpose(1, 2), rtol=0, atol=0)


@pytest.mark.parametrize("name", PLAIN)
def test_training_keeps_the_way_to_the_parameters(name: str) -> None:
    model = toy()
    found = predict(model, graph_of(model, crystal((14,))), (name,), training=True)[name]
    (found**2).sum().backward()
    assert model.depth.grad is not None
    assert model.depth.grad != 0


def test_training_on_forces_of_lonely_atoms() -> None:
    """No neighbours: forces are zero, do not depend on parameters, and are no obstacle."""
    model = toy()
    found = predict(model, graph_of(model, Atoms("Si")), ("energy", "forces"), training=True)
    (found["energy"].sum() + (found["forces"] ** 2).sum()).backward()
    assert not found["forces"].any()


def test_inside_no_grad() -> None:
    """Whoever evaluates under no_grad still gets forces."""
    graph = graph_of(toy(), crystal((14,)))
    expected = predict(toy(), graph, ("forces",))["forces"]
    with torch.no_grad():
        found = predict(toy(), graph, ("forces",))["forces"]
    assert torch.equal(found, expected)
    assert np.abs(found.numpy()).max() > 0.1


def test_inside_inference_mode() -> None:
    """There are no derivatives there."""
    graph = graph_of(toy(), crystal((14,)))
    expected = predict(toy(), graph, ("energy",))["energy"]
    with torch.inference_mode():
        assert torch.equal(predict(toy(), graph, ("energy",))["energy"], expected)
        with pytest.raises(ValueError, match="inference_mode switches off"):
            predict(toy(), graph, ("energy", "forces"))


@pytest.mark.parametrize("species", [(), (0,), (14, 119), (-1,)])
def test_species_that_are_none(species: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="atomic numbers of at least one element"):
        toy(species)


def test_a_model_says_what_it_is() -> None:
    expected = "Toy(O Si, 1 parameters in float64, neighbours within 5 Å)"
    assert repr(toy((14, 8))) == expected
