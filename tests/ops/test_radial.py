"""Radial functions: orthonormality, limits, and the projections of a Gaussian density."""

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import leggauss

from mlip.ops.lowdin import decimals, lowdin, many_digits
from mlip.ops.radial import (
    DENSITY_PROJECTIONS,
    bessel,
    gaussians,
    gto_projections,
    polynomial_projections,
)


def quadrature(end: float, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    x, weights = leggauss(points)
    return 0.5 * end * (x + 1), 0.5 * end * weights


def test_gaussians() -> None:
    r = torch.linspace(0, 3, 5, dtype=torch.float64)
    eta, centres = torch.tensor([0.5, 2.0]).double(), torch.tensor([0.0, 1.5]).double()
    found = gaussians(r, eta, centres)
    expected = np.exp(-np.array([[0.5], [2.0]]) * (r.numpy() - np.array([[0.0], [1.5]])) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_bessel_functions_are_orthonormal() -> None:
    r, weights = quadrature(4.0)
    values = bessel(torch.from_numpy(r), 4.0, 6).numpy()
    np.testing.assert_allclose((values * weights * r * r) @ values.T, np.eye(6), atol=1e-12)


def test_bessel_functions_at_zero_and_at_the_cutoff() -> None:
    r = torch.tensor([0.0, 1e-12, 4.0], dtype=torch.float64, requires_grad=True)
    values = bessel(r, 4.0, 3)
    limit = np.sqrt(2 / 4) * np.array([1, 2, 3]) * np.pi / 4
    np.testing.assert_allclose(values[:, 0].detach(), limit, rtol=1e-10)
    np.testing.assert_allclose(values[:, 2].detach(), 0, atol=1e-15)
    (slope,) = torch.autograd.grad(values.sum(), r, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), r)
    assert torch.isfinite(slope).all()
    assert torch.isfinite(curvature).all()
    assert slope[0] == 0


@pytest.mark.parametrize("n", [1, 4, 8, 12])
def test_lowdin_is_exact_where_float64_is_not(n: int) -> None:
    total = np.arange(1, n + 1)[:, None] + np.arange(1, n + 1)
    with many_digits():
        # the Hilbert matrix, of condition 1e16 for n = 12
        overlap = 1 / decimals(total - 1)
        root = lowdin(overlap)
        found = (root @ overlap @ root).astype(float)
    np.testing.assert_allclose(found, np.eye(n), rtol=0, atol=1e-15)
    np.testing.assert_array_equal(root.astype(float), root.T.astype(float))


def test_lowdin_says_when_functions_are_dependent() -> None:
    with many_digits(), pytest.raises(ValueError, match="linearly dependent"):
        lowdin(decimals(np.ones((2, 2))))


@pytest.mark.parametrize("l", [0, 3])
@pytest.mark.parametrize("basis", DENSITY_PROJECTIONS)
@pytest.mark.parametrize("n_max", [1, 4, 8])
def test_a_wide_basis_reproduces_the_density(basis: str, l: int, n_max: int) -> None:
    """By completeness: sum_n R_nl(r)^2 is bounded by the norm of the density's l component, and
    comes closer to it with more functions."""
    r = np.array([2.0])
    values = DENSITY_PROJECTIONS[basis](r, n_max, l, 0.7, 6.0)[l]
    x, weights = quadrature(12.0)
    component = _density_component(x, r, l, 0.7)
    norm = (component**2 * weights * x * x).sum()
    captured = (values**2).sum()
    assert captured <= norm * (1 + 1e-12)
    if n_max == 8:
        assert captured > 0.97 * norm


@pytest.mark.parametrize("basis", DENSITY_PROJECTIONS)
@pytest.mark.parametrize("l", [0, 1, 5])
def test_projections_against_quadrature(basis: str, l: int) -> None:
    """Both bases, orthonormalised here in float64 for few functions, integrated on a fine grid."""
    end, n_max, sigma = 5.0, 3, 0.6
    distances = np.array([0.0, 0.3, 1.7, 4.9, 6.5])
    x, weights = quadrature(end if basis == "polynomial" else 20.0)
    n = np.arange(1, n_max + 1)[:, None]
    if basis == "polynomial":
        primitive = (end - x) ** (n + 2)
    else:
        decay = np.linspace(1, end, n_max)[:, None]
        alpha = -np.log(1e-3 / decay**l) / decay**2
        primitive = x**l * np.exp(-alpha * x**2)
    overlap = (primitive * weights * x * x) @ primitive.T
    values, vectors = np.linalg.eigh(overlap)
    functions = (vectors / np.sqrt(values)) @ vectors.T @ primitive
    expected = (functions * weights * x * x) @ _density_component(x, distances, l, sigma)
    found = DENSITY_PROJECTIONS[basis](distances, n_max, l, sigma, end)[l]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def _density_component(x: np.ndarray, r: np.ndarray, l: int, sigma: float) -> np.ndarray:
    """The coefficient of Y_lm in exp(-|x - r|^2 / 2 sigma^2), by Gauss-Legendre over the angle."""
    cosines, weights = leggauss(200)
    distance2 = (
        x[:, None, None] ** 2 + r[:, None] ** 2 - 2 * x[:, None, None] * r[:, None] * cosines
    )
    legendre = np.polynomial.legendre.legval(cosines, np.eye(l + 1)[l])
    values = 2 * np.pi * np.exp(-0.5 * distance2 / sigma**2) @ (weights * legendre)
    return values if len(r) > 1 else values[:, 0]


def test_same_functions_whatever_the_linear_algebra() -> None:
    """Twelve functions, of which float64 would have lost all digits: golden values of this code,
    which other machines must find too."""
    found = polynomial_projections(np.array([1.0]), 12, 2, 0.5, 5.0)[2, [0, 4, 9], 0]
    expected = [-1.855489343629e-06, -1.229921850672e-03, 4.143702124695e-01]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    found = gto_projections(np.array([1.0]), 12, 2, 0.5, 5.0)[2, [0, 4, 9], 0]
    # this basis is orthonormalised exactly, but evaluated in float64
    np.testing.assert_allclose(
        found, [1.400148689e-03, 1.85416604996e-01, 2.1069833912e-01], rtol=1e-7
    )


def test_gto_needs_more_than_an_angstrom() -> None:
    with pytest.raises(ValueError, match="above 1 Å"):
        gto_projections(np.array([0.5]), 4, 2, 0.5, 1.0)
