"""Sums over neighbours on a GPU against those on the CPU, and against torch on the GPU.

Where there is no GPU, cpp_ext/tests/test_neighbour_sums_gpu.cpp runs the same code on the CPU.
"""

from typing import Any

import pytest
import torch
from conformance.streams import on_a_busy_stream
from test_neighbour_sums import CENTRES, SENDERS, inputs
from test_radial_sums import CUTOFF, Case
from torch import Tensor

from mlip import kernels
from mlip.ops.neighbour_sums import compiled_for, neighbour_sums, neighbour_sums_in_torch

_STATUS = "equivariant messages (CUDA)"
pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"{_STATUS}: {kernels.status()[_STATUS]}"
)

#: Rounding, relative to the largest value.
TOLERANCES = {torch.float64: 1e-12, torch.float32: 2e-5}
SHAPES = [(0, 0, 1), (1, 0, 33), (3, 0, 64), (3, 1, 64), (4, 2, 31), (6, 6, 5)]


def on_gpu(given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.detach().cuda() if isinstance(x, Tensor) else x for x in given)


def results(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (found,) if isinstance(found, Tensor) else found


def far_apart(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    if not expected.numel():
        return float(found.shape != expected.shape)
    return float((found.cpu() - expected).abs().max() / expected.abs().max().clamp(min=1e-30))


def random_like(x: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(x.shape, generator=generator, dtype=torch.double).to(x.dtype)


def given_calls(
    l_max: int, l_sent: int, channels: int, edges: int, dtype: torch.dtype
) -> dict[str, tuple[Any, ...]]:
    """Arguments of the operators for weights that are given, on the CPU."""
    free, at = inputs(l_max, l_sent, channels, edges, dtype)
    free = tuple(t.detach() for t in free)
    by_sums = random_like(torch.ops.mlip.neighbour_sums(*free, *at))
    along = tuple(random_like(t) for t in free)
    return {
        "neighbour_sums": (*free, *at),
        "neighbour_sum_gradients": (by_sums, *free, *at),
        "neighbour_sum_second": (*along, by_sums, *free, *at),
    }


def radial_calls(
    l_max: int, l_sent: int, channels: int, dtype: torch.dtype
) -> dict[str, tuple[Any, ...]]:
    """Arguments of the operators for tabulated weights, on the CPU."""
    case = Case(l_max, l_sent, channels, dtype)
    vectors = case.vectors.detach().clone()
    vectors[7] *= 10 * CUTOFF / vectors[7].norm()
    call = (vectors, case.sent.detach(), case.coefficients, *case.edges, l_max, CUTOFF)
    by_sums = random_like(torch.ops.mlip.radial_sums(*call))
    return {"radial_sums": call, "radial_sum_gradients": (by_sums, *call, True)}


def assert_equal_to_the_processor(name: str, here: tuple[Any, ...], tolerance: float) -> None:
    operator = getattr(torch.ops.mlip, name)
    there = on_gpu(here)
    expected, found, again = (results(operator(*given)) for given in (here, there, there))
    for by_cpu, by_gpu, once_more in zip(expected, found, again, strict=True):
        assert by_gpu.device.type == "cuda"
        assert far_apart(by_gpu, by_cpu) < tolerance
        assert torch.equal(by_gpu, once_more)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("edges", [0, 1, 40, 5000])
@pytest.mark.parametrize(("l_max", "l_sent", "channels"), SHAPES)
def test_given_weights_equal_to_the_processor(
    l_max: int, l_sent: int, channels: int, edges: int, dtype: torch.dtype
) -> None:
    for name, here in given_calls(l_max, l_sent, channels, edges, dtype).items():
        assert_equal_to_the_processor(name, here, TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("l_max", "l_sent", "channels"), SHAPES)
def test_tabulated_weights_equal_to_the_processor(
    l_max: int, l_sent: int, channels: int, dtype: torch.dtype
) -> None:
    for name, here in radial_calls(l_max, l_sent, channels, dtype).items():
        assert_equal_to_the_processor(name, here, TOLERANCES[dtype])


def test_many_edges() -> None:
    """More chunks than rooms, more threads than run at once."""
    (weights, harmonics, sent), _ = inputs(2, 1, 32, 40_000, torch.float32)
    generator = torch.Generator().manual_seed(1)
    centres = torch.randint(0, 700, (40_000,), generator=generator).sort()[0]
    neighbours = torch.randint(0, SENDERS, (40_000,), generator=generator)
    here = (weights.detach(), harmonics.detach(), sent.detach(), centres, neighbours, 700)
    by_sums = random_like(torch.ops.mlip.neighbour_sums(*here))
    assert_equal_to_the_processor("neighbour_sums", here, 1e-4)
    assert_equal_to_the_processor("neighbour_sum_gradients", (by_sums, *here), 1e-4)


def test_two_derivatives_against_torch() -> None:
    """Through torch's tape, as training on forces asks."""
    found = []
    free, edges = inputs(3, 1, 64)
    edges = on_gpu(edges)
    assert compiled_for(free[2].cuda(), 3)
    for function in (neighbour_sums, neighbour_sums_in_torch):
        moved = [t.detach().cuda().requires_grad_() for t in free]
        out = function(*moved, *edges)
        given = random_like(out.cpu()).cuda().requires_grad_()
        first = torch.autograd.grad(out, moved, given, create_graph=True)
        loss = sum(g.square().sum() for g in first)
        second = torch.autograd.grad(loss, [given, *moved])
        found.append([t.detach().cpu() for t in (out, *first, *second)])
    for compiled, in_torch in zip(*found, strict=True):
        assert far_apart(compiled, in_torch) < 1e-11


def test_vectors_alone() -> None:
    by_sums, *call, _ = on_gpu(radial_calls(3, 0, 64, torch.float32)["radial_sum_gradients"])
    both = torch.ops.mlip.radial_sum_gradients(by_sums, *call, True)
    alone = torch.ops.mlip.radial_sum_gradients(by_sums, *call, False)
    assert torch.equal(both[0], alone[0])
    assert alone[1].numel() == 0


@pytest.mark.parametrize(
    ("which", "row", "value"),
    [
        (0, 5, [0.0, 0.0, 0.0]),
        (0, 5, [float("nan"), 0.0, 1.0]),
        (0, 5, [float("inf"), 0.0, 1.0]),
        (3, 59, CENTRES),
        (3, 59, 0),
        (4, 4, SENDERS),
        (4, 4, -1),
    ],
)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_errors_in_the_words_of_the_processor(
    dtype: torch.dtype, which: int, row: int, value: Any
) -> None:
    here = list(radial_calls(2, 0, 5, dtype)["radial_sums"])
    here[which] = here[which].clone()
    here[which][row] = torch.as_tensor(value, dtype=here[which].dtype)
    with pytest.raises(ValueError) as on_cpu:  # noqa: PT011
        torch.ops.mlip.radial_sums(*here)
    with pytest.raises(ValueError) as there:  # noqa: PT011
        torch.ops.mlip.radial_sums(*on_gpu(tuple(here)))
    assert str(there.value) == str(on_cpu.value)


@pytest.mark.parametrize("place", range(5))
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    for name, here in (
        ("radial_sums", radial_calls(2, 1, 5, torch.double)["radial_sums"]),
        ("neighbour_sums", given_calls(2, 1, 5, 40, torch.double)["neighbour_sums"]),
    ):
        given = list(on_gpu(here))
        given[place] = given[place].cpu()
        with pytest.raises(ValueError, match="not on the"):
            getattr(torch.ops.mlip, name)(*given)


def test_on_the_stream_of_the_caller() -> None:
    by_sums, *call, _ = on_gpu(radial_calls(3, 1, 64, torch.double)["radial_sum_gradients"])
    gradients = torch.ops.mlip.radial_sum_gradients
    found = on_a_busy_stream(lambda late: gradients(late, *call, True), by_sums)
    expected = gradients(by_sums, *call, True)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
