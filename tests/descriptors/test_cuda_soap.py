"""SOAP on a GPU against SOAP on the CPU.

Where there is no GPU, cpp_ext/tests/test_soap_gpu.cpp runs the same code on the processor.
"""

import copy
from typing import Any

import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.streams import on_a_busy_stream
from conformance.structures import crystal, molecule
from test_fused_soap import (
    CONFIGS,
    SPECIES,
    STRUCTURES,
    Case,
    arguments,
    described,
    far_apart,
    random_like,
)
from torch import Tensor

from mlip import kernels
from mlip.descriptors import SOAPConfig
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello, predict

pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"SOAP (CUDA): {kernels.status()['SOAP (CUDA)']}"
)

#: Rounding, relative to the largest value: of features, and of gradients.
TOLERANCES = {torch.float64: (1e-13, 1e-12), torch.float32: (3e-6, 2e-5)}


def on_gpu(given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.cuda() if isinstance(x, Tensor) else x for x in given)


def operands(config: dict[str, Any], atoms: Atoms, dtype: torch.dtype) -> tuple[Any, ...]:
    """Arguments of the operator on the CPU."""
    case = Case(config, atoms)
    vectors, mixing = (t.detach().to(dtype) for t in case.inputs())
    fused = case.descriptor.fused
    return (vectors, *case.edges, *fused._tables[dtype], mixing, *fused.numbers)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("atoms", STRUCTURES.values(), ids=STRUCTURES.keys())
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_equal_to_the_processor(config: dict, atoms: Atoms, dtype: torch.dtype) -> None:
    here = operands(config, atoms, dtype)
    there = on_gpu(here)
    features = torch.ops.mlip.soap(*here)
    found = torch.ops.mlip.soap(*there)
    assert found.device.type == "cuda"
    of_features, of_gradients = TOLERANCES[dtype]
    assert far_apart(found.cpu(), features) < of_features
    weights = random_like(features)
    expected = torch.ops.mlip.soap_gradients(weights, *here)
    gradients = torch.ops.mlip.soap_gradients(weights.cuda(), *there)
    for by_gpu, by_cpu in zip(gradients, expected):
        assert far_apart(by_gpu.cpu(), by_cpu) < of_gradients
    again = torch.ops.mlip.soap_gradients(weights.cuda(), *there)
    assert torch.equal(torch.ops.mlip.soap(*there), found)
    assert torch.equal(again[0], gradients[0])


@pytest.mark.parametrize("name", ["default", "mu1nu1", "channels"])
def test_forces_and_their_derivatives(name: str) -> None:
    """Through the descriptor and torch's tape, as training on forces asks."""
    results = []
    for device in ("cpu", "cuda"):
        descriptor = copy.deepcopy(described(SOAPConfig(**CONFIGS[name]))).to(device)
        graph = connected(descriptor, crystal(SPECIES)).to(device)
        assert descriptor.fused.can_do(graph.edge_vectors())
        positions = graph.positions.clone().requires_grad_()
        features = descriptor(graph.replace(positions=positions))
        weights = random_like(features.cpu()).to(device)
        (forces,) = torch.autograd.grad(features, positions, weights, create_graph=True)
        (second,) = torch.autograd.grad(forces.square().sum(), positions)
        results.append([t.detach().cpu() for t in (features, forces, second)])
    for by_cpu, by_gpu in zip(*results):
        assert far_apart(by_gpu, by_cpu) < 1e-11


def test_a_model_on_a_gpu() -> None:
    torch.manual_seed(0)
    config = BehlerParrinello.Config(descriptor={"name": "soap", "n_max": 4}, hidden=(8,))
    model = BehlerParrinello(config, SPECIES)
    graphs = [connected(model.descriptor, atoms) for atoms in (crystal(SPECIES), molecule(SPECIES))]
    batch = AtomicGraph.batch(graphs)
    expected = predict(model, batch, ("energy", "forces"))
    found = predict(model.to("cuda"), batch.to("cuda"), ("energy", "forces"))
    for name in ("energy", "forces"):
        assert far_apart(found[name].cpu(), expected[name]) < 1e-11


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_a_batch_is_its_structures(dtype: torch.dtype) -> None:
    descriptor = copy.deepcopy(described(SOAPConfig())).to(dtype).to("cuda")
    graphs = [connected(descriptor, atoms) for atoms in STRUCTURES.values()]
    alone = torch.cat([descriptor(graph.to("cuda")) for graph in graphs])
    together = descriptor(AtomicGraph.batch(graphs).to("cuda"))
    assert far_apart(together, alone) < TOLERANCES[dtype][0]


def test_many_atoms() -> None:
    """More than there are rooms to work in."""
    here = operands({}, crystal(SPECIES).repeat((8, 8, 8)), torch.float32)
    assert len(here[3]) > 4000
    found = torch.ops.mlip.soap(*on_gpu(here))
    assert far_apart(found.cpu(), torch.ops.mlip.soap(*here)) < TOLERANCES[torch.float32][0]


def test_memory_is_bounded() -> None:
    """By the edges and a gigabyte, however many species and functions."""
    here = list(operands({"n_max": 16, "l_max": 12}, molecule(SPECIES), torch.float64))
    here[7] = 60
    here[6] = torch.ones(2, 60, dtype=torch.float64)
    here[3] = torch.arange(4000) % 60
    there = on_gpu(tuple(here))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    features = torch.ops.mlip.soap(*there)
    peak = torch.cuda.max_memory_allocated() - before - features.nbytes
    assert peak < 1.1 * 2**30


def test_edges_must_be_sorted_by_centre() -> None:
    here = operands({}, crystal(SPECIES), torch.float64)
    backwards = (*(t.flip(0) for t in here[:3]), *here[3:])
    with pytest.raises(ValueError, match=r"mlip::soap: centres .* never decreases"):
        torch.ops.mlip.soap(*on_gpu(backwards))
    weights = torch.ops.mlip.soap(*on_gpu(here))
    with pytest.raises(ValueError, match=r"mlip::soap_gradients: centres .* never decreases"):
        torch.ops.mlip.soap_gradients(weights, *on_gpu(backwards))


def test_nothing_at_all() -> None:
    vectors, centres, neighbours, species, *rest = operands({}, molecule(SPECIES), torch.float64)
    for atoms in (species, species[:0]):
        none = (vectors[:0], centres[:0], neighbours[:0], atoms, *rest)
        found = torch.ops.mlip.soap(*on_gpu(none))
        assert far_apart(found.cpu(), torch.ops.mlip.soap(*none)) < 1e-13
        by_vectors, by_mixing = torch.ops.mlip.soap_gradients(found, *on_gpu(none))
        assert by_vectors.shape == (0, 3)
        assert by_mixing.shape == (len(atoms), 0, len(SPECIES))


def test_on_the_stream_of_the_caller() -> None:
    vectors, *rest = on_gpu(operands({}, crystal(SPECIES), torch.float64))
    expected = torch.ops.mlip.soap(vectors, *rest)
    found = on_a_busy_stream(lambda late: torch.ops.mlip.soap(late, *rest), vectors)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("place", range(7))
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    given = list(on_gpu(arguments()))
    given[place] = given[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        torch.ops.mlip.soap(*given)


@pytest.mark.parametrize(
    ("which", "row", "value"),
    [
        (0, 5, [0.0, 0.0, 0.0]),
        (0, 5, [float("nan"), 0.0, 1.0]),
        (0, 5, [float("inf"), 0.0, 1.0]),
        (1, 0, -1),
        (2, 4, 99),
        (3, 2, 3),
    ],
)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_errors_in_the_words_of_the_processor(
    dtype: torch.dtype, which: int, row: int, value: Any
) -> None:
    given = list(operands({}, molecule(SPECIES), dtype))
    given[which] = given[which].clone()
    given[which][row] = torch.as_tensor(value, dtype=given[which].dtype)
    with pytest.raises(ValueError, match=str(row)) as on_cpu:
        torch.ops.mlip.soap(*given)
    with pytest.raises(ValueError, match=str(row)) as there:
        torch.ops.mlip.soap(*on_gpu(tuple(given)))
    assert str(there.value) == str(on_cpu.value)
