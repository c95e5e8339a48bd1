"""Piecewise polynomials against the functions they stand for."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mlip.ops.piecewise import piecewise_polynomials


def waves(r: Tensor) -> Tensor:
    return torch.stack([torch.sin(3 * r), torch.exp(-r), torch.ones_like(r), r**3])


@pytest.mark.parametrize(("degree", "tolerance"), [(9, 1e-13), (5, 1e-7), (3, 1e-4)])
def test_values_and_slopes(degree: int, tolerance: float) -> None:
    coefficients = piecewise_polynomials(waves, 5.0, degree, tolerance)
    assert coefficients is not None
    assert coefficients.shape[1:] == (degree + 1, 4)
    r = torch.linspace(0.0, 5.0, 997, dtype=torch.float64)
    place = r.numpy() * len(coefficients) / 5.0
    interval = np.minimum(place.astype(int), len(coefficients) - 1)
    powers = np.vander(2.0 * (place - interval) - 1.0, degree + 1, increasing=True)
    found = np.einsum("rk,rkf->fr", powers, coefficients[interval])
    largest_slope = 75.0
    np.testing.assert_allclose(found, waves(r), rtol=0, atol=tolerance * largest_slope)
    rising = coefficients[interval, 1:] * np.arange(1, degree + 1)[:, None]
    slopes = np.einsum("rk,rkf->fr", powers[:, :-1], rising) * 2.0 * len(coefficients) / 5.0
    expected = torch.stack([3 * torch.cos(3 * r), -torch.exp(-r), 0 * r, 3 * r**2])
    np.testing.assert_allclose(slopes, expected, rtol=0, atol=2 * tolerance * largest_slope)


def test_constants() -> None:
    def ones(r: Tensor) -> Tensor:
        return torch.ones(2, len(r), dtype=r.dtype) + 0 * r

    found = piecewise_polynomials(ones, 1.0, 5, 0.0)
    assert found is not None
    np.testing.assert_array_equal(found[:, 0], 1.0)
    np.testing.assert_array_equal(found[:, 1:], 0.0)


def test_too_fast() -> None:
    assert piecewise_polynomials(lambda r: torch.sin(1e6 * r)[None], 5.0, 5, 1e-10) is None
