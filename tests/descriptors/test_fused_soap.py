"""SOAP by the compiled core against the same in torch."""

import copy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.structures import crystal, molecule, rotation, small_cell, triclinic, turned
from torch import Tensor

from mlip import kernels
from mlip.descriptors import SOAP, SOAPConfig
from mlip.descriptors.linearised import describe
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello, predict

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

SPECIES = (1, 8, 14)
CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "mu1nu1": {"compression": "mu1nu1"},
    "channels": {"compression": "alchemical", "channels": 2},
    "largest": {"n_max": 16, "l_max": 12},
    "smallest": {"n_max": 1, "l_max": 0},
    "odd": {"n_max": 5, "l_max": 3, "sigma": 0.3, "cutoff_function": "tanh3"},
    "polynomials": {"radial_basis": "polynomial", "n_max": 9, "cutoff_function": "exponential"},
    "normalised": {"normalise": True, "cutoff": 3.0},
    "without cutoff function": {"cutoff_function": "none"},
}


def poles(species: tuple[int, ...]) -> Atoms:
    """Neighbours on both halves of the z axis and in the plane across, where angles are 0, 90 and
    180 degrees and azimuths are not defined."""
    line = [[0, 0, 0], [0, 0, 1.1], [0, 0, -1.7], [0, 2.1, 0], [-1.3, 0, 0], [0, 0, 2.9]]
    atoms = Atoms(positions=line)
    atoms.numbers[:] = [species[i % len(species)] for i in range(len(line))]
    return atoms


STRUCTURES = {
    "crystal": crystal(SPECIES),
    "molecule": molecule(SPECIES),
    "small cell": small_cell(SPECIES),
    "slab": triclinic(SPECIES, (True, True, False)),
    "poles": poles(SPECIES),
}


@cache
def described(config: SOAPConfig) -> SOAP:
    return SOAP(config, SPECIES)


class Case:
    """A descriptor and a structure, with the features by both ways."""

    def __init__(self, config: dict[str, Any], atoms: Atoms) -> None:
        self.descriptor = described(SOAPConfig(**config))
        self.graph = connected(self.descriptor, atoms)
        g = self.graph
        self.edges = (g.centres, g.neighbours, self.descriptor.index_of(g.numbers))
        self.vectors = g.edge_vectors()

    def inputs(self) -> tuple[Tensor, Tensor]:
        mixing = self.descriptor.mixing
        channels = self.vectors.new_empty(0, 3) if mixing is None else mixing.detach().clone()
        return self.vectors.clone().requires_grad_(), channels.requires_grad_()

    def by_core(self, vectors: Tensor, mixing: Tensor) -> Tensor:
        fused = self.descriptor.fused
        assert fused.can_do(vectors)
        return fused.function(vectors, *self.edges, self.by_torch)(vectors, mixing)

    def by_torch(self, vectors: Tensor, mixing: Tensor) -> Tensor:
        return self.descriptor.power_spectrum(vectors, mixing, *self.edges)


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys(), scope="module")
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


@pytest.fixture(params=STRUCTURES.values(), ids=STRUCTURES.keys())
def case(request: pytest.FixtureRequest, config: dict[str, Any]) -> Case:
    return Case(config, request.param)


def far_apart(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    assert found.shape == expected.shape
    if not expected.numel():
        return 0.0
    scale = max(float(expected.detach().abs().max()), 1e-300)
    return float((found - expected).detach().abs().max()) / scale


def random_like(tensor: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)


def test_values_and_first_derivatives(case: Case) -> None:
    inputs = case.inputs()
    found, expected = case.by_core(*inputs), case.by_torch(*inputs)
    assert far_apart(found, expected) < 1e-13
    weights = random_like(expected)
    gradients = (
        torch.autograd.grad(f, inputs, weights, materialize_grads=True) for f in (found, expected)
    )
    for by_core, by_torch in zip(*gradients):
        assert far_apart(by_core, by_torch) < 1e-12


def test_second_derivatives_are_those_of_torch(case: Case) -> None:
    """By positions, by mixing, and by the weights of the features: what training on forces asks."""
    inputs = case.inputs()
    seconds = []
    for function in (case.by_core, case.by_torch):
        features = function(*inputs)
        weights = random_like(features).requires_grad_()
        first = torch.autograd.grad(
            features, inputs, weights, create_graph=True, materialize_grads=True
        )
        loss = sum((g**2).sum() for g in first)
        free = (*inputs, weights)
        seconds.append(torch.autograd.grad(loss, free, materialize_grads=True))
    for by_core, by_torch in zip(*seconds):
        assert far_apart(by_core, by_torch) < 1e-12


def test_single_precision(case: Case) -> None:
    inputs = case.inputs()
    expected = case.by_torch(*inputs)
    weights = random_like(expected)
    single = tuple(t.detach().float().requires_grad_() for t in inputs)
    found = case.by_core(*single)
    assert found.dtype == torch.float32
    assert far_apart(found.double(), expected) < 3e-6
    (by_core,) = torch.autograd.grad(found, single[:1], weights.float())
    (by_torch,) = torch.autograd.grad(expected, inputs[:1], weights)
    assert far_apart(by_core.double(), by_torch) < 1e-5


@pytest.mark.parametrize("name", ["default", "channels"])
def test_derivatives_by_differences(name: str) -> None:
    """Of the operators themselves, with the weights of channels."""
    settings = CONFIGS[name] | {"n_max": 2, "l_max": 2}
    case = Case(settings, molecule(SPECIES))
    mix = random_like(case.by_core(*case.inputs())[0]).unsqueeze(1)

    def mixed(vectors: Tensor, mixing: Tensor) -> Tensor:
        return case.by_core(vectors, mixing) @ mix

    inputs = case.inputs()
    if name == "default":
        inputs = (inputs[0], inputs[1].detach())
    assert torch.autograd.gradcheck(mixed, inputs)
    assert torch.autograd.gradgradcheck(mixed, inputs, fast_mode=True, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_forces_against_differences(dtype: torch.dtype) -> None:
    """To 1e-9, by differences of sixth order; and no net force."""
    descriptor = SOAP(SOAPConfig(), SPECIES).to(dtype)
    graph = connected(descriptor, crystal(SPECIES))
    weights = random_like(descriptor(graph))

    def energy(positions: Tensor) -> Tensor:
        return (descriptor(graph.replace(positions=positions)) * weights).sum(dtype=torch.float64)

    positions = graph.positions.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(energy(positions), positions)
    scale = float(gradient.abs().max())
    exact = dtype == torch.float64
    assert float(gradient.sum(0).abs().max()) < (1e-12 if exact else 1e-4) * scale
    step = 5e-3 if exact else 5e-2
    for atom, axis in ((0, 0), (3, 1), (7, 2)):
        move = torch.zeros_like(graph.positions)
        move[atom, axis] = step
        slope = sum(
            factor * (energy(graph.positions + k * move) - energy(graph.positions - k * move))
            for k, factor in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
        )
        error = abs(float(slope) / step - float(gradient[atom, axis]))
        assert error < (1e-9 if exact else 1e-3) * scale


def test_turned_onto_the_poles() -> None:
    descriptor = SOAP(SOAPConfig(l_max=12, cutoff=4.0), SPECIES)
    expected = descriptor.create(turned(poles(SPECIES), rotation(4)))
    found = descriptor.create(poles(SPECIES))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_threads_change_nothing(two_threads: None) -> None:
    descriptor = SOAP(SOAPConfig(), SPECIES)
    case = Case({}, crystal(SPECIES).repeat((4, 4, 3)))
    assert len(case.vectors) > 8000  # enough for two threads to be worth it
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        vectors = case.vectors.clone().requires_grad_()
        features = descriptor.evaluate(vectors, *case.edges)
        results.append(
            (features, *torch.autograd.grad(features, vectors, torch.ones_like(features)))
        )
    for one, two in zip(*results):
        assert torch.equal(one, two)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("place", [[0.0, 0.0, 0.0], [float("nan"), 0.0, 1.0]])
def test_neighbours_without_a_direction_are_an_error(dtype: torch.dtype, place: list) -> None:
    case = Case({}, molecule(SPECIES))
    vectors = case.vectors.to(dtype)
    vectors[5] = torch.tensor(place, dtype=dtype)
    i, j = int(case.edges[0][5]), int(case.edges[1][5])
    descriptor = copy.deepcopy(case.descriptor).to(dtype)
    with pytest.raises(ValueError, match=rf"atoms {i} and {j} are .* \(edge 5\)"):
        descriptor.evaluate(vectors, *case.edges)


def test_too_many_functions_are_left_to_torch() -> None:
    descriptor = SOAP(SOAPConfig(n_max=17, l_max=1, radial_basis="polynomial"), SPECIES)
    graph = connected(descriptor, crystal(SPECIES))
    assert not descriptor.fused.can_do(graph.edge_vectors())
    assert descriptor(graph).shape == (8, 2 * 51 * 52 // 2)


def test_copies_and_casts_are_independent() -> None:
    descriptor = SOAP(SOAPConfig(), SPECIES)
    single = copy.deepcopy(descriptor).float()
    features = descriptor.create(crystal(SPECIES))
    assert single.create(crystal(SPECIES)).dtype == np.float32
    np.testing.assert_array_equal(descriptor.create(crystal(SPECIES)), features)


# -------------------------------------------------------------------------------- learned channels


def test_one_channel_for_each_species_loses_nothing() -> None:
    """Orthogonal mixing of all species leaves the sum of all squares as it was."""
    plain = SOAP(SOAPConfig(n_max=1), SPECIES)
    mixed = SOAP(SOAPConfig(n_max=1, compression="alchemical"), SPECIES)
    assert mixed.n_features == plain.n_features
    assert mixed.mixing is not None
    product = mixed.mixing @ mixed.mixing.T
    torch.testing.assert_close(product, torch.eye(3, dtype=torch.float64), atol=1e-7, rtol=0)
    norms = []
    for descriptor in (plain, mixed):
        features = descriptor.create(crystal(SPECIES)).reshape(8, 6, 7)
        pair = np.array([1, 2, 2, 1, 2, 1])[:, None]  # pairs of two species count twice
        norms.append((pair * features**2).sum(1))
    np.testing.assert_allclose(norms[0], norms[1], rtol=1e-6)


def test_channels_are_learned_from_forces() -> None:
    descriptor = {
        "name": "soap",
        "compression": "alchemical",
        "channels": 2,
        "n_max": 3,
        "l_max": 2,
    }
    config = BehlerParrinello.Config(descriptor=descriptor, hidden=(4,))
    torch.manual_seed(0)
    model = BehlerParrinello(config, SPECIES)
    mixing = model.descriptor.mixing
    graph = connected(model.descriptor, crystal(SPECIES))

    def loss() -> Tensor:
        return predict(model, graph, ("forces",), training=True)["forces"].square().sum()

    (gradient,) = torch.autograd.grad(loss(), mixing)
    step = 1e-4
    for k, s in ((0, 1), (1, 2)):
        with torch.no_grad():
            losses = []
            for sign in (1, -1):
                mixing[k, s] += sign * step
                losses.append(float(loss()))
                mixing[k, s] -= sign * step
        difference = (losses[0] - losses[1]) / (2 * step)
        assert abs(difference - float(gradient[k, s])) < 1e-6 * float(gradient.abs().max())


def test_learned_features_are_not_kept_for_training() -> None:
    descriptor = {"name": "soap", "compression": "alchemical", "n_max": 2, "l_max": 1}
    model = BehlerParrinello(BehlerParrinello.Config(descriptor=descriptor), SPECIES)
    graph = connected(model.descriptor, crystal(SPECIES))
    model.adapt([graph])
    assert not model.knows_its_range
    assert model.preparation_bytes([graph]) == 0
    assert model.prepare(graph) is graph
    model.requires_grad_(False)
    assert model.preparation_bytes([graph]) > 0
    assert type(model.prepare(graph)) is type(describe(model.descriptor, graph))


# -------------------------------------------------------------------------- as an operator of torch


def arguments(compression: str = "none") -> tuple[Any, ...]:
    case = Case({"n_max": 2, "l_max": 1, "compression": compression}, molecule(SPECIES))
    vectors, mixing = (t.detach() for t in case.inputs())
    fused = case.descriptor.fused
    return (vectors, *case.edges, *fused._tables[torch.float64], mixing, *fused.numbers)


@pytest.mark.parametrize("compression", ["none", "mu1nu1", "alchemical"])
def test_keeps_the_rules_of_torch_operators(compression: str) -> None:
    given = arguments(compression)
    tests = ("test_schema", "test_faketensor")
    results = torch.library.opcheck(torch.ops.mlip.soap.default, given, test_utils=tests)
    assert set(results.values()) == {"SUCCESS"}
    weights = torch.ops.mlip.soap(*given)
    operator = torch.ops.mlip.soap_gradients.default
    results = torch.library.opcheck(operator, (weights, *given), test_utils=tests)
    assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize(
    ("which", "value", "words"),
    [
        (0, torch.zeros(3, 2, dtype=torch.float64), "vectors"),
        (0, torch.zeros(3, 3, dtype=torch.int64), "vectors"),
        (1, torch.zeros(3, dtype=torch.int64), "centres"),
        (2, torch.zeros(3, dtype=torch.int64), "neighbours"),
        (3, torch.zeros(5, dtype=torch.int32), "species"),
        (3, torch.full((5,), 3), "species 3"),
        (4, torch.zeros(4, 2, 9, 8, dtype=torch.float64), "radial"),
        (4, torch.zeros(0, 2, 10, 8, dtype=torch.float64), "intervals"),
        (4, torch.zeros(4, 14, 10, 8, dtype=torch.float64), "l_max"),
        (5, torch.zeros(9, dtype=torch.float64), "own"),
        (6, torch.zeros(2, 2, dtype=torch.float64), "mixing"),
        (6, torch.zeros(2**15 + 1, 3, dtype=torch.float64), "channels"),
        (7, 0, "n_species"),
        (7, 2**32 + 1, "n_species"),
        (8, 17, "n_max"),
        (9, float("nan"), "cutoff"),
    ],
)
def test_tensors_that_do_not_fit_are_errors(which: int, value: Any, words: str) -> None:
    given = list(arguments())
    given[which] = value
    with pytest.raises(ValueError, match=words):
        torch.ops.mlip.soap(*given)


class Energy(torch.nn.Module):
    """A sum of squares of features."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptor = SOAP(SOAPConfig(n_max=2, l_max=1), SPECIES)

    def forward(self, vectors: Tensor, *edges: Tensor) -> Tensor:
        return self.descriptor.evaluate(vectors, *edges).square().sum()


def energy_arguments() -> tuple[Tensor, ...]:
    model = Energy()
    graph: AtomicGraph = connected(model.descriptor, molecule(SPECIES))
    species = model.descriptor.index_of(graph.numbers)
    return graph.edge_vectors(), graph.centres, graph.neighbours, species


COMPILED = """
import torch
from ase.build import molecule
from mlip.descriptors import SOAP, SOAPConfig
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours

torch.set_num_threads(1)
soap = SOAP(SOAPConfig(n_max=2, l_max=1), [1, 8])
graph = with_neighbours(AtomicGraph.from_atoms(molecule("H2O")), 5.0)
edges = (graph.centres, graph.neighbours, soap.index_of(graph.numbers))
energy = lambda vectors: soap.evaluate(vectors, *edges).square().sum()
whole = torch.compile(energy, backend="aot_eager", fullgraph=True)
vectors = graph.edge_vectors().requires_grad_()
found, expected = ((e, *torch.autograd.grad(e, vectors)) for e in (whole(vectors), energy(vectors)))
assert all(torch.allclose(f, e, rtol=1e-14, atol=0) for f, e in zip(found, expected))
"""


def test_compiles_with_derivatives() -> None:
    """In a process of its own, where no annotations are executed: torch.compile cannot."""
    done = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_exports() -> None:
    model, given = Energy(), energy_arguments()
    exported = torch.export.export(model, given)
    assert torch.equal(exported.module()(*given), model(*given))
