"""The equivariant model on a GPU against the same on the CPU."""

import copy

import pytest
import torch
from conformance.predictions import EVERYTHING, graph_of
from conformance.structures import crystal, molecule
from test_equivariant import SPECIES, build

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.models import Equivariant, predict

_STATUS = "equivariant messages (CUDA)"
pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"{_STATUS}: {kernels.status()[_STATUS]}"
)

CASES = [
    (config, dtype, tolerance)
    for config in [
        {"senders": "vector", "l_max": 1},
        *({"senders": senders} for senders in ("scalar", "vector", "octupole")),
        {"senders": "tensor", "coupling": "edges"},
    ]
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 3e-5))
]


def batch(model: Equivariant) -> AtomicGraph:
    return AtomicGraph.batch([graph_of(model, shape(SPECIES)) for shape in (molecule, crystal)])


def assert_alike(found: list[torch.Tensor], expected: list[torch.Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = max(1e-3, float(other.abs().max()))
        torch.testing.assert_close(one.cpu(), other, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(("config", "dtype", "tolerance"), CASES)
def test_predictions(config: dict, dtype: torch.dtype, tolerance: float) -> None:
    """With radial functions from tables; the same to the last bit every time."""
    model = build(**config).to(dtype).requires_grad_(False)
    graph = batch(model)
    expected = predict(model, graph, EVERYTHING)
    model, graph = model.to("cuda"), graph.to("cuda")
    assert all(table.device.type == "cuda" for layer in model.layers for table in layer.tables())
    found, again = (predict(model, graph, EVERYTHING) for _ in range(2))
    names = list(EVERYTHING)
    assert_alike([found[n] for n in names], [expected[n] for n in names], tolerance)
    assert torch.equal(found["energies"], again["energies"])


@pytest.mark.parametrize(("config", "dtype", "tolerance"), CASES)
def test_a_training_step(config: dict, dtype: torch.dtype, tolerance: float) -> None:
    model = build(**config).to(dtype)
    graph, steps = batch(model), []
    for device in ("cpu", "cuda"):
        own = copy.deepcopy(model).to(device)
        found = predict(own, graph.to(device), EVERYTHING, training=True)
        loss = found["forces"].square().sum() + found["energies"].square().mean()
        steps.append([g.cpu() for g in torch.autograd.grad(loss, list(own.parameters()))])
    assert_alike(steps[1], steps[0], 10 * tolerance)
