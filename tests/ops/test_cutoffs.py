"""Cutoff functions: published values, exact zero, smoothness, derivatives without NaN."""

import math
from typing import get_args

import numpy as np
import pytest
import torch

from mlip.ops.cutoffs import (
    CUTOFF_FUNCTIONS,
    LEVEL_AT_THEIR_START,
    CutoffName,
    cosine,
    envelope,
    exponential,
    from_inside,
    hard,
    polynomial,
    tanh3,
    tanh3_from_one,
)

CUTOFF = 4.2


def derivative(function, x: torch.Tensor, order: int) -> torch.Tensor:
    x = x.clone().requires_grad_()
    value = function(x, CUTOFF)
    for _ in range(order):
        if not value.requires_grad:  # constant, as `hard` is
            return torch.zeros_like(x)
        (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    return value.detach()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CUTOFF_FUNCTIONS)
def test_exactly_zero_from_the_cutoff_on(name: str, dtype: torch.dtype) -> None:
    r = torch.tensor([CUTOFF, CUTOFF + 1e-3, 5.0, 1e6, math.inf], dtype=dtype)
    for order in range(3):
        values = derivative(CUTOFF_FUNCTIONS[name], r[: 4 if order else 5], order)
        assert torch.equal(values, torch.zeros_like(values))


@pytest.mark.parametrize("name", CUTOFF_FUNCTIONS)
def test_falls_from_its_start_to_zero(name: str) -> None:
    r = torch.linspace(0, CUTOFF, 500, dtype=torch.float64)
    values = CUTOFF_FUNCTIONS[name](r, CUTOFF)
    assert (values.diff() <= 0).all()
    start = math.tanh(1.0) ** 3 if name == "tanh3" else 1.0
    assert values[0] == pytest.approx(start, rel=1e-15)


def test_all_names_can_be_configured() -> None:
    assert set(get_args(CutoffName)) == set(CUTOFF_FUNCTIONS)


def test_published_formulas() -> None:
    r = np.linspace(0.1, CUTOFF - 0.01, 50)
    x, t = r / CUTOFF, torch.from_numpy(r)
    # rounding only; the polynomials as n2p2 has them, types 5 to 8, lose digits near the cutoff
    np.testing.assert_allclose(cosine(t, CUTOFF), 0.5 * (np.cos(np.pi * x) + 1), atol=1e-15)
    np.testing.assert_allclose(tanh3(t, CUTOFF), np.tanh(1 - x) ** 3, atol=1e-15)
    np.testing.assert_allclose(
        tanh3_from_one(t, CUTOFF), (np.tanh(1 - x) / np.tanh(1)) ** 3, atol=1e-15
    )
    np.testing.assert_allclose(
        exponential(t, CUTOFF), np.e * np.exp(1 / (x**2 - 1)), atol=1e-15, rtol=1e-11
    )
    np.testing.assert_array_equal(hard(t, CUTOFF), np.ones(50))
    n2p2 = {
        1: (2 * x - 3) * x**2 + 1,
        2: ((15 - 6 * x) * x - 10) * x**3 + 1,
        3: (x * (x * (20 * x - 70) + 84) - 35) * x**4 + 1,
        4: (x * (x * ((315 - 70 * x) * x - 540) + 420) - 126) * x**5 + 1,
    }
    for smoothness, expected in n2p2.items():
        np.testing.assert_allclose(polynomial(t, CUTOFF, smoothness), expected, atol=1e-13)


@pytest.mark.parametrize("smoothness", [1, 2, 3, 4])
def test_polynomials_are_as_smooth_as_they_say(smoothness: int) -> None:
    just_inside = torch.tensor([CUTOFF * (1 - 1e-9)], dtype=torch.float64)
    for order in range(1, smoothness + 1):
        slope = derivative(lambda r, c: polynomial(r, c, smoothness), just_inside, order)
        assert abs(slope.item()) < 1e-4
    jump = derivative(lambda r, c: polynomial(r, c, smoothness), just_inside, smoothness + 1)
    assert abs(jump.item()) > 1e-3


SMOOTHNESS = {
    "cosine": 1,
    "tanh3": 2,
    "tanh3_from_one": 2,
    "exponential": 2,
    "polynomial1": 1,
    "polynomial": 2,
    "polynomial3": 2,
    "polynomial4": 2,
}


@pytest.mark.parametrize(("name", "smooth"), SMOOTHNESS.items())
def test_smoothness_by_name(name: str, smooth: int) -> None:
    just_inside = torch.tensor([CUTOFF * (1 - 1e-9)], dtype=torch.float64)
    for order in (1, 2):
        found = abs(derivative(CUTOFF_FUNCTIONS[name], just_inside, order).item())
        assert (found < 1e-6) == (order <= smooth)


@pytest.mark.parametrize("name", CUTOFF_FUNCTIONS)
def test_derivatives(name: str) -> None:
    r = torch.linspace(0.1, CUTOFF - 0.1, 7, dtype=torch.float64, requires_grad=True)
    function = CUTOFF_FUNCTIONS[name]
    if name == "hard":
        assert not function(r, CUTOFF).requires_grad
        return
    assert torch.autograd.gradcheck(lambda r: function(r, CUTOFF), r)
    assert torch.autograd.gradgradcheck(lambda r: function(r, CUTOFF), r)


@pytest.mark.parametrize("name", CUTOFF_FUNCTIONS)
def test_no_nan_at_the_ends(name: str) -> None:
    ends = torch.tensor([0.0, CUTOFF, 2 * CUTOFF], dtype=torch.float64)
    for order in range(4):
        assert torch.isfinite(derivative(CUTOFF_FUNCTIONS[name], ends, order)).all()


@pytest.mark.parametrize("name", sorted(LEVEL_AT_THEIR_START))
def test_from_inside(name: str) -> None:
    plain, start = CUTOFF_FUNCTIONS[name], 0.4
    squeezed = from_inside(plain, start)
    r = torch.linspace(0, CUTOFF, 20, dtype=torch.float64)
    before = r <= start * CUTOFF
    assert torch.equal(squeezed(r, CUTOFF)[before], torch.ones(int(before.sum())).double())
    expected = plain((r[~before] - start * CUTOFF) / (1 - start), CUTOFF)
    torch.testing.assert_close(squeezed(r, CUTOFF)[~before], expected, rtol=0, atol=1e-14)
    slope = derivative(squeezed, torch.tensor([start * CUTOFF + 1e-9]).double(), 1)
    assert abs(slope.item()) < 1e-6
    assert torch.autograd.gradgradcheck(lambda r: squeezed(r, CUTOFF), (r[1:-1].requires_grad_(),))


def test_from_inside_needs_a_fraction() -> None:
    assert from_inside(cosine, 0.0) is cosine
    for start in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="of the cutoff"):
            from_inside(cosine, start)


@pytest.mark.parametrize("p", [2, 5, 6])
def test_envelope(p: int) -> None:
    """As published, exactly zero from the cutoff on, with two continuous derivatives there."""
    x = torch.linspace(0, 1, 50, dtype=torch.float64)
    published = (
        1
        - (p + 1) * (p + 2) / 2 * x**p
        + p * (p + 2) * x ** (p + 1)
        - p * (p + 1) / 2 * x ** (p + 2)
    )
    torch.testing.assert_close(envelope(x * CUTOFF, CUTOFF, p), published, rtol=0, atol=1e-13)
    beyond = torch.tensor([CUTOFF, CUTOFF + 1.0], dtype=torch.float64)
    just_inside = torch.tensor([CUTOFF * (1 - 1e-9)], dtype=torch.float64)
    for order in range(3):
        function = lambda r, c: envelope(r, c, p)  # noqa: E731
        assert not derivative(function, beyond, order).any()
        assert abs(derivative(function, just_inside, order).item()) < 1e-6
