"""Chebyshev polynomials and series: against numpy, scipy's functions, and their own derivatives."""

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev

from mlip.ops.chebyshev import ChebyshevSeries, chebyshev_polynomials

X = torch.linspace(-1, 1, 101, dtype=torch.float64)


def waves(r: np.ndarray) -> np.ndarray:
    return np.stack([np.sin(3 * r), np.exp(-((r - 2.0) ** 2)), np.ones_like(r)])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 33, 60])
def test_polynomials(count: int) -> None:
    found = chebyshev_polynomials(X, count)
    assert found.shape == (count, len(X))
    # rounding grows with the square of the degree, as the slope at the ends does
    np.testing.assert_allclose(found.T, chebyshev.chebvander(X.numpy(), count - 1), atol=1e-12)


def test_polynomials_can_be_differentiated_twice() -> None:
    x = X[::10].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: chebyshev_polynomials(x, 6), x[1:-1])
    assert torch.autograd.gradgradcheck(lambda x: chebyshev_polynomials(x, 6), x[1:-1])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 3e-6)])
def test_series_are_their_functions(dtype: torch.dtype, tolerance: float) -> None:
    r = torch.linspace(0, 5, 333, dtype=dtype)
    found = ChebyshevSeries(waves, 5.0)(r)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, waves(r.double().numpy()), rtol=0, atol=tolerance)


def test_series_have_the_functions_derivatives() -> None:
    series = ChebyshevSeries(waves, 5.0)
    r = torch.linspace(0, 5, 40, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(series(r)[0].sum(), r, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), r)
    np.testing.assert_allclose(slope.detach(), 3 * np.cos(3 * r.detach().numpy()), atol=1e-11)
    # each derivative costs digits at the ends, by the square of the degree
    np.testing.assert_allclose(curvature, -9 * np.sin(3 * r.detach().numpy()), atol=1e-8)
    assert torch.autograd.gradcheck(series, r)
    assert torch.autograd.gradgradcheck(series, r)


def test_series_end_where_the_functions_are_resolved() -> None:
    assert ChebyshevSeries(lambda r: np.stack([r**3]), 2.0).coefficients.shape[2] == 4
    assert ChebyshevSeries(lambda r: np.zeros((1, len(r))), 2.0).coefficients.shape[2] == 2


def test_series_say_when_they_were_differentiated_too_often() -> None:
    series = ChebyshevSeries(waves, 5.0, derivatives=1)
    r = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(series(r).sum(), r, create_graph=True)
    with pytest.raises(RuntimeError, match="more than 1 times"):
        torch.autograd.grad(slope.sum(), r)


@pytest.mark.parametrize("function", [lambda r: np.abs(np.sin(9 * r)), lambda r: np.sin(900 * r)])
def test_what_cannot_be_resolved_is_an_error(function) -> None:
    with pytest.raises(ValueError, match="vary too fast"):
        ChebyshevSeries(lambda r: function(r)[None], 5.0)


def test_gradients_in_batches() -> None:
    series = ChebyshevSeries(waves, 5.0)
    r = torch.tensor([0.3, 2.0], dtype=torch.float64, requires_grad=True)
    values = series(r).sum(dim=1)
    (batched,) = torch.autograd.grad(
        values, r, torch.eye(3, dtype=r.dtype), retain_graph=True, is_grads_batched=True
    )
    for row, value in zip(batched, values):
        torch.testing.assert_close(row, torch.autograd.grad(value, r, retain_graph=True)[0])
