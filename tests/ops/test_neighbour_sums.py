"""Sums over neighbours: against the sum written out, the compiled core against torch."""

import pytest
import torch
from torch import Tensor

from mlip import kernels
from mlip.ops import neighbour_sums as module
from mlip.ops.neighbour_sums import compiled_for, neighbour_sums, neighbour_sums_in_torch

needs_core = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
CENTRES, SENDERS = 6, 4


def inputs(
    l_max: int, l_sent: int, channels: int, edges: int = 40, dtype: torch.dtype = torch.double
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, int]]:
    """Weights, harmonics and what is sent; centres, the last of which has no edges, neighbours and
    the number of centres."""
    generator = torch.Generator().manual_seed(l_max + 10 * l_sent + 100 * channels)
    rows = l_max + 1 + (l_sent + 1 if l_sent else 0)
    shapes = [(edges, rows, channels), ((l_max + 1) ** 2, edges)]
    shapes += [((l_sent + 1) ** 2, SENDERS, channels)]
    tensors = [torch.randn(*s, generator=generator, dtype=torch.double) for s in shapes]
    weights, harmonics, sent = (t.to(dtype).requires_grad_() for t in tensors)
    centres = torch.randint(0, CENTRES - 1, (edges,), generator=generator).sort()[0]
    neighbours = torch.randint(0, SENDERS, (edges,), generator=generator)
    return (weights, harmonics, sent), (centres, neighbours, CENTRES)


def written_out(free: tuple[Tensor, Tensor, Tensor], edges: tuple[Tensor, Tensor, int]) -> Tensor:
    (weights, harmonics, sent), (centres, neighbours, n) = free, edges
    l_max, l_sent = round(len(harmonics) ** 0.5) - 1, round(len(sent) ** 0.5) - 1
    n_sums = len(harmonics) + (len(sent) if l_sent else 0)
    out = torch.zeros(n_sums, n, weights.shape[2], dtype=weights.dtype)
    for e, (i, j) in enumerate(zip(centres.tolist(), neighbours.tolist())):
        for l in range(l_max + 1):
            for lm in range(l * l, (l + 1) ** 2):
                out[lm, i] += weights[e, l] * sent[0, j] * harmonics[lm, e]
        for l in range(l_sent + 1 if l_sent else 0):
            for lm in range(l * l, (l + 1) ** 2):
                out[len(harmonics) + lm, i] += weights[e, l_max + 1 + l] * sent[lm, j]
    return out


def derivatives(out: Tensor, free: tuple[Tensor, ...]) -> list[Tensor]:
    """The output, first derivatives, and those of a function of them."""
    generator = torch.Generator().manual_seed(0)

    def random_like(x: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=generator, dtype=torch.double).to(x.dtype)

    given = random_like(out).requires_grad_()
    first = torch.autograd.grad(out, free, given, create_graph=True)
    loss = sum((g * random_like(g)).sum() for g in first)
    return [out, *first, *torch.autograd.grad(loss, [given, *free])]


def assert_alike(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = max(1e-300, float(other.detach().abs().max())) if other.numel() else 1.0
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("function", [neighbour_sums, neighbour_sums_in_torch])
@pytest.mark.parametrize(("l_max", "l_sent"), [(0, 0), (1, 0), (3, 0), (3, 1), (2, 2)])
def test_against_the_sum_written_out(function, l_max: int, l_sent: int) -> None:
    free, edges = inputs(l_max, l_sent, 3)
    found = function(*free, *edges)
    torch.testing.assert_close(found, written_out(free, edges), rtol=0, atol=1e-13)
    assert not found[:, -1].any()


@needs_core
@pytest.mark.parametrize("channels", [1, 7, 16, 17, 64])
@pytest.mark.parametrize(("l_max", "l_sent"), [(1, 0), (3, 1), (4, 2), (6, 0)])
def test_two_derivatives(l_max: int, l_sent: int, channels: int) -> None:
    free, edges = inputs(l_max, l_sent, channels)
    found = derivatives(neighbour_sums(*free, *edges), free)
    assert_alike(found, derivatives(neighbour_sums_in_torch(*free, *edges), free), 1e-12)


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
@pytest.mark.parametrize("l_sent", [0, 1])
def test_third_derivatives_against_differences(
    l_sent: int, core: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.kernels, "available", lambda: core)
    free, edges = inputs(1, l_sent, 1, edges=4)

    def slopes(*free: Tensor) -> tuple[Tensor, ...]:
        sums = neighbour_sums(*free, *edges)
        return torch.autograd.grad(sums.pow(3).sum(), free, create_graph=True)

    assert torch.autograd.gradgradcheck(slopes, free)


@needs_core
def test_single_precision() -> None:
    free, edges = inputs(3, 1, 64, dtype=torch.float32)
    found = derivatives(neighbour_sums(*free, *edges), free)
    assert all(t.dtype == torch.float32 for t in found)
    assert_alike(found, derivatives(neighbour_sums_in_torch(*free, *edges), free), 2e-6)


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
@pytest.mark.parametrize("l_sent", [0, 1])
def test_against_differences(l_sent: int, core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.kernels, "available", lambda: core)
    free, edges = inputs(1, l_sent, 2, edges=7)
    assert torch.autograd.gradcheck(lambda *x: neighbour_sums(*x, *edges), free)
    assert torch.autograd.gradgradcheck(lambda *x: neighbour_sums(*x, *edges), free)


@pytest.mark.parametrize("there", [True, False])
def test_compiled_on_the_devices_where_the_core_runs(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(module.kernels, "runs_on", lambda device: asked.append(device) or there)
    sent = torch.empty(1, 2, 3, device="meta")
    assert compiled_for(sent, 6) is there
    assert asked == [sent.device]
    assert not compiled_for(sent, 7)
    assert not compiled_for(sent.half(), 3)


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
@pytest.mark.parametrize("n", [0, 3])
def test_no_edges(n: int, core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.kernels, "available", lambda: core)
    free, (centres, neighbours, _) = inputs(2, 1, 3, edges=0)
    sums = neighbour_sums(*free, centres, neighbours, n)
    assert sums.shape == (9 + 4, n, 3)
    gradients = torch.autograd.grad(sums.sum(), free, allow_unused=True, materialize_grads=True)
    assert not sums.any()
    assert not any(bool(g.any()) for g in gradients)


@needs_core
def test_more_than_the_core_knows_is_done_in_torch() -> None:
    free, edges = inputs(7, 0, 2)
    expected = neighbour_sums_in_torch(*free, *edges)
    assert torch.equal(neighbour_sums(*free, *edges), expected)


@needs_core
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i, j: (i.flip(0), j), "not sorted by centre"),
        (lambda i, j: (i, j + SENDERS), "neighbour"),
        (lambda i, j: (i + CENTRES, j), "joins centre"),
        (lambda i, j: (i[:-1], j), "centres has the wrong shape"),
    ],
)
def test_edges_that_do_not_fit_are_errors(change, words: str) -> None:
    free, (centres, neighbours, n) = inputs(1, 0, 2)
    with pytest.raises(ValueError, match=words):
        torch.ops.mlip.neighbour_sums(*free, *change(centres, neighbours), n)


@needs_core
def test_rules_of_torch_operators() -> None:
    free, edges = inputs(2, 1, 3)
    call = (*(t.detach() for t in free), *edges)
    by_sums = torch.randn(9 + 4, CENTRES, 3, dtype=torch.double)
    ops = torch.ops.mlip
    for operator, arguments in (
        (ops.neighbour_sums, call),
        (ops.neighbour_sum_gradients, (by_sums, *call)),
        (ops.neighbour_sum_second, (*call[:3], by_sums, *call)),
    ):
        results = torch.library.opcheck(
            operator.default, arguments, test_utils=("test_schema", "test_faketensor")
        )
        assert set(results.values()) == {"SUCCESS"}
