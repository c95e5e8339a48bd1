"""Carried features give what the descriptor itself gives, to rounding."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors import SOAP
from mlip.descriptors.base import Descriptor
from mlip.descriptors.jacobian import features_and_jacobian_by_sweeps
from mlip.descriptors.linearised import DescribedGraph, describe, features_of, jacobian_bytes
from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.derivatives import predict
from mlip.neighbours import with_neighbours
from mlip.ops.scatter import sum_by_index

WANTED = ("energy", "forces", "virial")


class Radial(Descriptor):
    """Two sums of Gaussians, and their product: not linear in the neighbours."""

    def __init__(self) -> None:
        super().__init__([6, 8, 14], 4.0, 3)

    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        d = torch.linalg.norm(vectors, dim=1, keepdim=True)
        eta = torch.tensor([0.3, 1.1], dtype=d.dtype)
        terms = torch.exp(-eta * d**2) * (1 - d / 4) ** 3
        sums = sum_by_index(terms, centres, len(species_index))
        return torch.cat([sums, sums.prod(dim=1, keepdim=True)], dim=1)

    def feature_names(self) -> list[str]:
        return ["wide", "narrow", "product"]


class Toy(Potential):
    """A small network on `Radial`."""

    def __init__(self) -> None:
        super().__init__([6, 8, 14], 4.0)
        self.descriptor = Radial()
        generator = torch.Generator().manual_seed(3)
        self.weight = torch.nn.Parameter(
            torch.randn(3, 5, generator=generator, dtype=torch.float64)
        )

    def interaction(self, graph: AtomicGraph, species_index: Tensor) -> Tensor:
        features = features_of(self.descriptor, graph, species_index)
        return torch.tanh(features @ self.weight).sum(dim=1)


def graphs() -> list[AtomicGraph]:
    structures = [bulk("Si", cubic=True), bulk("Si"), molecule("CO2"), Atoms("O")]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
    return [with_neighbours(AtomicGraph.from_atoms(a), 4.0) for a in structures]


def test_predictions_and_their_parameter_gradients_agree() -> None:
    model = Toy()
    plain = AtomicGraph.batch(graphs())
    described = DescribedGraph.batch([describe(model.descriptor, g) for g in graphs()])
    gradients = []
    for graph in (plain, described):
        found = predict(model, graph, WANTED, training=True)
        loss = sum(value.square().sum() for value in found.values())
        gradients.append(torch.autograd.grad(loss, [model.weight])[0])
    direct, carried = predict(model, plain, WANTED), predict(model, described, WANTED)
    for name in WANTED:
        torch.testing.assert_close(carried[name], direct[name], rtol=0, atol=1e-12)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-12, atol=1e-12)


def test_moved_atoms_are_noticed() -> None:
    model = Toy()
    described = describe(model.descriptor, graphs()[0])
    with pytest.raises(ValueError, match="moved"):
        model(described.replace(positions=described.positions * 1.001))


def soap(sigma: float = 0.5) -> SOAP:
    config = SOAP.Config(cutoff=4.0, n_max=2, l_max=1, sigma=sigma, compression="alchemical")
    return SOAP(config, (6, 8, 14)).requires_grad_(False)


def test_other_elements_are_noticed() -> None:
    radial = Radial()
    graph = with_neighbours(AtomicGraph.from_atoms(molecule("CH3OH")[:2]), 4.0)
    described = describe(radial, graph)
    other = described.replace(numbers=graph.numbers.flip(0))
    with pytest.raises(ValueError, match="the elements changed"):
        features_of(radial, other, radial.index_of(other.numbers))


def test_features_of_another_descriptor_are_noticed() -> None:
    first, other = soap(), soap(sigma=0.8)
    described = describe(first, graphs()[0])
    index = first.index_of(described.numbers)
    again = features_of(soap(), described, index)
    torch.testing.assert_close(again, first(described), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="another descriptor"):
        features_of(other, described, index)
    with pytest.raises(ValueError, match="different descriptors"):
        DescribedGraph.batch([described, describe(other, graphs()[1])])
    first.mixing.mul_(1.5)
    with pytest.raises(ValueError, match="other parameters"):
        features_of(first, described, index)


def test_structures_described_alone_are_used_in_batches() -> None:
    """Vectors of a structure alone and in a batch may differ in the last bit."""
    rng = np.random.default_rng(5)
    described = []
    for _ in range(8):
        crystal = bulk("Si") * (2, 1, 1)
        crystal.set_cell(crystal.cell.array @ (np.eye(3) + rng.uniform(-0.1, 0.1, (3, 3))))
        crystal.positions += rng.normal(0, 0.2, (4, 3))
        graph = with_neighbours(AtomicGraph.from_atoms(crystal), 4.0)
        described.append(describe(Radial(), graph))
    together = _features(DescribedGraph.batch(described))
    alone = torch.cat([_features(graph) for graph in described])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def _features(graph: AtomicGraph) -> Tensor:
    descriptor = Radial()
    return features_of(descriptor, graph, descriptor.index_of(graph.numbers))


def test_memory_is_foreseen() -> None:
    descriptor = Radial()
    described = [describe(descriptor, g) for g in graphs()]
    held = sum(g.jacobian.numel() * g.jacobian.itemsize for g in described)
    assert jacobian_bytes(descriptor, graphs(), torch.float64) == held


def test_jacobian_is_the_derivative() -> None:
    descriptor = Radial()
    graph = graphs()[0]
    described = describe(descriptor, graph)
    step, edge, direction = 1e-5, 7, 1
    changed = []
    for sign in (1, -1):
        vectors = graph.edge_vectors()
        vectors[edge, direction] += sign * step
        changed.append(
            descriptor.evaluate(
                vectors, graph.centres, graph.neighbours, descriptor.index_of(graph.numbers)
            )
        )
    numerical = ((changed[0] - changed[1]) / (2 * step))[graph.centres[edge]]
    np.testing.assert_allclose(described.jacobian[edge, direction], numerical, atol=1e-9)


@pytest.mark.parametrize("compression", ["none", "mu1nu1"])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("cutoff_function", ["polynomial", "none"])
def test_the_short_way_to_the_jacobian_of_soap(
    compression: str, normalise: bool, cutoff_function: str
) -> None:
    config = SOAP.Config(
        cutoff=4.0,
        n_max=3,
        l_max=3,
        compression=compression,
        normalise=normalise,
        cutoff_function=cutoff_function,
    )
    descriptor = SOAP(config, [6, 8, 14])
    for graph in graphs():
        inputs = (
            graph.edge_vectors(),
            graph.centres,
            graph.neighbours,
            descriptor.index_of(graph.numbers),
        )
        features, jacobian = descriptor.features_and_jacobian(*inputs)
        swept = features_and_jacobian_by_sweeps(descriptor.evaluate, *inputs)
        scale = float(swept[1].abs().max()) if graph.n_edges else 1.0
        torch.testing.assert_close(features, swept[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(jacobian, swept[1], rtol=0, atol=1e-12 * scale)
