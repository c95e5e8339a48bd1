"""Sums over neighbours with tabulated weights: against the functions themselves."""

from math import pi, sqrt

import pytest
import torch
from torch import Tensor

from mlip import kernels
from mlip.ops.neighbour_sums import neighbour_sums
from mlip.ops.radial_sums import RadialTable, radial_sums
from mlip.ops.spherical import solid_harmonics

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
CUTOFF, CENTRES, SENDERS = 4.0, 5, 3


class Functions:
    """Some smooth functions that vanish at the cutoff, for each degree and channel."""

    def __init__(self, rows: int, channels: int, dtype: torch.dtype = torch.double) -> None:
        generator = torch.Generator().manual_seed(rows + 10 * channels)
        self.steepness = torch.rand(rows, channels, generator=generator, dtype=torch.double)
        self.steepness = self.steepness.to(dtype)

    def __call__(self, distances: Tensor) -> Tensor:
        r = distances[:, None, None]
        steepness = self.steepness.to(r.dtype)
        return torch.cos(3.0 * steepness * r) * (1.0 - (r / CUTOFF).clamp(max=1.0)) ** 3

    def table(self) -> Tensor:
        table = RadialTable().find(self, [self.steepness], CUTOFF)
        assert table is not None
        return table


class Case:
    def __init__(self, l_max: int, l_sent: int, channels: int, dtype: torch.dtype = torch.double):
        generator = torch.Generator().manual_seed(l_max + 10 * l_sent + 100 * channels)
        vectors = torch.randn(60, 3, generator=generator, dtype=torch.double)
        sent = torch.randn((l_sent + 1) ** 2, SENDERS, channels, generator=generator).double()
        self.vectors, self.sent = (t.to(dtype).requires_grad_() for t in (vectors, sent))
        centres = torch.randint(0, CENTRES - 1, (60,), generator=generator).sort()[0]
        neighbours = torch.randint(0, SENDERS, (60,), generator=generator)
        self.edges = (centres, neighbours, CENTRES)
        self.l_max = l_max
        self.functions = Functions(l_max + 1 + (l_sent + 1 if l_sent else 0), channels, dtype)
        self.coefficients = self.functions.table()

    def by_functions(self, vectors: Tensor, sent: Tensor) -> Tensor:
        distances = torch.linalg.norm(vectors, dim=1)
        harmonics = solid_harmonics((vectors / distances[:, None]).T, self.l_max)
        harmonics = sqrt(4.0 * pi) * harmonics
        return neighbour_sums(self.functions(distances), harmonics, sent, *self.edges)

    def by_table(self, vectors: Tensor, sent: Tensor) -> Tensor:
        return radial_sums(vectors, sent, self.coefficients, CUTOFF, *self.edges, self.by_functions)


def far_apart(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((found - expected).detach().abs().max() / expected.detach().abs().max())


@pytest.mark.parametrize("channels", [1, 16, 37])
@pytest.mark.parametrize(("l_max", "l_sent"), [(1, 0), (3, 0), (3, 1), (4, 2), (6, 0)])
def test_values_and_first_derivatives(l_max: int, l_sent: int, channels: int) -> None:
    case = Case(l_max, l_sent, channels)
    free = (case.vectors, case.sent)
    found, expected = case.by_table(*free), case.by_functions(*free)
    assert far_apart(found, expected) < 1e-12
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(0)).double()
    gradients = (torch.autograd.grad(out, free, weights) for out in (found, expected))
    for by_table, by_functions in zip(*gradients):
        assert far_apart(by_table, by_functions) < 1e-11  # slopes are found to 1e-12


def test_single_precision() -> None:
    case, exact = (Case(3, 1, 16, dtype) for dtype in (torch.float32, torch.double))
    free = (case.vectors, case.sent)
    found = case.by_table(*free)
    expected = exact.by_functions(*(t.double() for t in free))
    assert found.dtype == torch.float32
    assert far_apart(found.double(), expected) < 2e-6
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    for one, other in zip(
        torch.autograd.grad(found, free, weights),
        torch.autograd.grad(expected, free, weights.double()),
    ):
        assert far_apart(one, other) < 5e-6


def test_derivatives_are_those_of_the_table() -> None:
    """Of polynomials that approximate nothing well, so that energies are conserved."""
    case = Case(2, 1, 2)
    case.coefficients = case.coefficients[::20].contiguous()
    assert torch.autograd.gradcheck(case.by_table, (case.vectors, case.sent))


@pytest.mark.parametrize("l_sent", [0, 1])
def test_second_derivatives_are_those_of_the_functions(l_sent: int) -> None:
    case = Case(2, l_sent, 3)
    free = (case.vectors, case.sent)
    seconds = []
    for function in (case.by_table, case.by_functions):
        out = function(*free)
        given = torch.ones_like(out).requires_grad_()
        first = torch.autograd.grad(out.square(), free, given, create_graph=True)
        loss = sum(g.square().sum() for g in first)
        seconds.append(torch.autograd.grad(loss, [*free, given]))
    for one, other in zip(*seconds):
        assert far_apart(one, other) < 1e-10


def test_vectors_alone() -> None:
    case = Case(2, 0, 3)
    fixed = case.sent.detach()
    (alone,) = torch.autograd.grad(case.by_table(case.vectors, fixed).sum(), case.vectors)
    (both,) = torch.autograd.grad(case.by_table(case.vectors, case.sent).sum(), case.vectors)
    assert torch.equal(alone, both)


def test_edges_beyond_the_cutoff_count_for_nothing() -> None:
    case = Case(2, 0, 3)
    case.vectors.data[7] *= 10 * CUTOFF / case.vectors.data[7].norm()
    found = case.by_table(case.vectors, case.sent)
    (gradient,) = torch.autograd.grad(found.sum(), case.vectors)
    assert far_apart(found, case.by_functions(case.vectors, case.sent)) < 1e-12
    assert not gradient[7].any()


@pytest.mark.parametrize(
    ("vector", "words"), [(0.0, "in the same place"), (torch.inf, "finite"), (torch.nan, "finite")]
)
def test_vectors_without_direction_are_errors(vector: float, words: str) -> None:
    case = Case(1, 0, 2)
    case.vectors.data[3] = vector
    with pytest.raises(ValueError, match=words):
        case.by_table(case.vectors, case.sent)


def test_no_edges() -> None:
    case = Case(2, 1, 3)
    none = torch.zeros(0, dtype=torch.int64)
    sums = radial_sums(
        case.vectors[:0], case.sent, case.coefficients, CUTOFF, none, none, 2, case.by_functions
    )
    assert sums.shape == (9 + 4, 2, 3)
    assert not sums.any()


def test_a_table_is_made_once_and_again_for_other_parameters() -> None:
    functions, table = Functions(2, 3), RadialTable()
    first = table.find(functions, [functions.steepness], CUTOFF)
    assert first is table.find(functions, [functions.steepness], CUTOFF)
    functions.steepness.mul_(0.5)
    assert first is not table.find(functions, [functions.steepness], CUTOFF)


def test_changes_that_autograd_does_not_count_are_seen() -> None:
    """Such as those of fused optimisers."""
    functions, table = Functions(2, 3), RadialTable()
    first = table.find(functions, [functions.steepness], CUTOFF)
    functions.steepness.numpy()[:] *= 0.5
    second = table.find(functions, [functions.steepness], CUTOFF)
    assert second is not None
    assert torch.equal(second, functions.table())
    assert not torch.equal(second, first)


def test_no_table_of_functions_that_vary_too_fast() -> None:
    functions = Functions(2, 3)
    functions.steepness.mul_(1e5)
    assert RadialTable().find(functions, [functions.steepness], CUTOFF) is None


def test_rules_of_torch_operators() -> None:
    case = Case(2, 1, 3)
    call = (case.vectors.detach(), case.sent.detach(), case.coefficients, *case.edges, 2, CUTOFF)
    by_sums = torch.randn(9 + 4, CENTRES, 3, dtype=torch.double)
    ops = torch.ops.mlip
    for operator, arguments in (
        (ops.radial_sums, call),
        (ops.radial_sum_gradients, (by_sums, *call, True)),
        (ops.radial_sum_gradients, (by_sums, *call, False)),
    ):
        results = torch.library.opcheck(
            operator.default, arguments, test_utils=("test_schema", "test_faketensor")
        )
        assert set(results.values()) == {"SUCCESS"}
