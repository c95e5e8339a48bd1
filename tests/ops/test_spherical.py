"""Harmonics: against scipy, the addition theorem, orthonormality, and derivatives everywhere."""

import numpy as np
import pytest
import torch
from scipy.special import eval_legendre, sph_harm_y

from mlip.ops.spherical import L_MAX, solid_harmonics

POLES = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -2.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]).double()


def vectors(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, n, dtype=torch.float64, generator=generator)


def unit(n: int, seed: int = 0) -> torch.Tensor:
    v = vectors(n, seed)
    return v / v.norm(dim=0)


def test_order_and_signs_of_the_first_ones() -> None:
    x, y, z = v = vectors(20)
    r2 = (v * v).sum(dim=0)
    c0, c1, c2 = (np.sqrt(k / (4 * np.pi)) for k in (1, 3, 15))
    expected = [
        torch.full_like(x, c0), c1 * y, c1 * z, c1 * x,
        c2 * x * y, c2 * y * z, c2 / np.sqrt(12) * (3 * z * z - r2), c2 * x * z,
        c2 / 2 * (x * x - y * y),
    ]  # fmt: skip
    np.testing.assert_allclose(solid_harmonics(v, 2), torch.stack(expected), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("l", range(L_MAX + 1))
def test_against_scipy(l: int) -> None:
    x, y, z = u = unit(50)
    theta, phi = np.arccos(z.numpy()), np.arctan2(y.numpy(), x.numpy())
    found = solid_harmonics(u, l)[l * l :].numpy()
    for m in range(-l, l + 1):
        complex_one = (-1.0) ** m * sph_harm_y(l, abs(m), theta, phi)
        real = complex_one.imag if m < 0 else complex_one.real
        expected = real * (np.sqrt(2) if m else 1.0)
        # arccos loses digits next to the poles
        np.testing.assert_allclose(found[l + m], expected, rtol=0, atol=1e-13)


def test_against_sphericart() -> None:
    sphericart = pytest.importorskip("sphericart", reason="sphericart is not installed")
    u = unit(50)
    theirs = sphericart.SphericalHarmonics(L_MAX).compute(u.T.contiguous().numpy())
    np.testing.assert_allclose(solid_harmonics(u, L_MAX), theirs.T, rtol=0, atol=1e-13)


def test_addition_theorem() -> None:
    a, b = unit(30, 1), unit(30, 2)
    cosines = (a * b).sum(dim=0).numpy()
    products = solid_harmonics(a, L_MAX) * solid_harmonics(b, L_MAX)
    for l in range(L_MAX + 1):
        found = 4 * np.pi / (2 * l + 1) * products[l * l : (l + 1) ** 2].sum(dim=0)
        np.testing.assert_allclose(found, eval_legendre(l, cosines), rtol=0, atol=1e-13)


def test_orthonormal_on_the_sphere() -> None:
    z, weights = np.polynomial.legendre.leggauss(L_MAX + 1)
    phi = 2 * np.pi * np.arange(2 * L_MAX + 1) / (2 * L_MAX + 1)
    z, phi = (g.ravel() for g in np.meshgrid(z, phi, indexing="ij"))
    rho = np.sqrt(1 - z * z)
    points = torch.from_numpy(np.stack([rho * np.cos(phi), rho * np.sin(phi), z]))
    weights = np.repeat(weights, 2 * L_MAX + 1) * 2 * np.pi / (2 * L_MAX + 1)
    harmonics = solid_harmonics(points, L_MAX).numpy()
    overlap = (harmonics * weights) @ harmonics.T
    np.testing.assert_allclose(overlap, np.eye((L_MAX + 1) ** 2), rtol=0, atol=1e-13)


def test_homogeneous() -> None:
    v = vectors(10)
    degree = torch.cat([torch.full((2 * l + 1,), l) for l in range(7)])
    scaled = solid_harmonics(2.0 * v, 6)
    torch.testing.assert_close(scaled, 2.0 ** degree[:, None] * solid_harmonics(v, 6))


@pytest.mark.parametrize("l_max", [0, 1, 2, 5, L_MAX])
def test_derivatives(l_max: int) -> None:
    # the poles and the origin among them
    v = torch.cat([unit(2), POLES.T], dim=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: solid_harmonics(v, l_max), v)
    if l_max < 6:  # enough: the identity is the same for every degree
        assert torch.autograd.gradgradcheck(lambda v: solid_harmonics(v, l_max), v)


def test_third_derivatives_are_finite_at_the_poles() -> None:
    v = POLES.T.clone().requires_grad_()
    value = solid_harmonics(v, 6).sum()
    for _ in range(3):
        (slope,) = torch.autograd.grad(value, v, create_graph=True)
        assert torch.isfinite(slope).all()
        value = slope.square().sum()


def test_single_precision() -> None:
    u = unit(100)
    single, double = solid_harmonics(u.float(), L_MAX), solid_harmonics(u, L_MAX)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, double, rtol=0, atol=3e-6)


def test_no_points() -> None:
    assert solid_harmonics(torch.zeros(3, 0), 4).shape == (25, 0)


@pytest.mark.parametrize("l_max", [-1, L_MAX + 1])
def test_degrees_out_of_range(l_max: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 12"):
        solid_harmonics(torch.zeros(3, 1), l_max)


def test_gradients_in_batches() -> None:
    v = unit(3).requires_grad_()
    values = solid_harmonics(v, 2).sum(dim=1)
    (batched,) = torch.autograd.grad(
        values, v, torch.eye(9, dtype=v.dtype), retain_graph=True, is_grads_batched=True
    )
    for row, value in zip(batched, values):
        torch.testing.assert_close(row, torch.autograd.grad(value, v, retain_graph=True)[0])
