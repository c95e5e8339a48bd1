"""Radial functions of the distance: Gaussians, Bessel functions, and the basis sets of SOAP."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import gamma, ive
from torch import Tensor

from mlip.ops.lowdin import decimals, lowdin, many_digits


def gaussians(
    distances: Float[Tensor, " points"],
    eta: Float[Tensor, " functions"],
    centres: Float[Tensor, " functions"],
) -> Float[Tensor, "functions points"]:
    """exp(-eta (r - centre)^2) for each pair of eta (Å^-2) and centre (Å)."""
    return torch.exp(-eta[:, None] * (distances - centres[:, None]) ** 2)


def bessel(
    distances: Float[Tensor, " points"], cutoff: float, count: int
) -> Float[Tensor, "count points"]:
    """sqrt(2 / r_c) sin(n pi r / r_c) / r for n = 1..count, orthonormal on [0, r_c] with r^2 dr;
    Gasteiger, Gross and Günnemann, ICLR 2020 (DimeNet), eq. 7. Finite at r = 0."""
    r = distances.clamp(min=1e-6 * cutoff)
    orders = torch.arange(1, count + 1, dtype=r.dtype, device=r.device)
    return (2.0 / cutoff) ** 0.5 * torch.sin(orders[:, None] * (torch.pi / cutoff) * r) / r


# --------------------------------------------------------------------- the density of SOAP, numpy
#
# A neighbour at r is a Gaussian exp(-|x - r|^2 / 2 sigma^2). Its projection on g_n(|x|) Y_lm(x/|x|)
# is R_nl(|r|) Y_lm(r/|r|); these functions compute R_nl, once, on a grid of distances.


def gto_projections(
    distances: Float[np.ndarray, " points"], n_max: int, l_max: int, sigma: float, end: float
) -> Float[np.ndarray, "degrees functions points"]:
    """R_nl for the basis r^l exp(-alpha_nl r^2), Löwdin-orthonormal for each l; the alphas let the
    functions decay to 1e-3 at distances evenly spaced from 1 Å to `end`.

    The basis of Himanen et al., Comput. Phys. Commun. 247, 106949 (2020); the integral
    with a Gaussian density is analytic:
    pi^(3/2) eta^l / (alpha + eta)^(l + 3/2) r^l exp(-r^2 alpha eta / (alpha + eta)).

    Raises
    ------
    ValueError
        If `end` is not above 1 Å.
    """
    if end <= 1.0:
        raise ValueError(f"the gto basis needs a cutoff above 1 Å, got {end}")
    eta = 0.5 / sigma**2
    projections = []
    for l in range(l_max + 1):
        alpha, orthonormalise = _gto_basis(n_max, l, end)
        weight = np.pi**1.5 * eta**l / (alpha + eta) ** (l + 1.5)
        exponent = (alpha * eta / (alpha + eta))[:, None] * distances**2
        projections.append(orthonormalise @ (weight[:, None] * distances**l * np.exp(-exponent)))
    return np.stack(projections)


def polynomial_projections(
    distances: Float[np.ndarray, " points"], n_max: int, l_max: int, sigma: float, end: float
) -> Float[np.ndarray, "degrees functions points"]:
    """R_nl for the basis (end - r)^(n + 2), n = 1..n_max, zero beyond `end`, Löwdin-orthonormal;
    Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013).

    The integral over the density, 4 pi int x^2 g_n(x) exp(-eta (x^2 + r^2)) i_l(2 eta x r) dx with
    the modified spherical Bessel function i_l, is done by Gauss-Legendre quadrature.
    """
    eta = 0.5 / sigma**2
    x, weights = np.polynomial.legendre.leggauss(_quadrature_points(sigma, end))
    x, weights = 0.5 * end * (x + 1.0), 0.5 * end * weights
    basis = polynomial_basis(x, n_max, end)
    argument = np.maximum(2.0 * eta * x[:, None] * distances, 1e-30)
    damped = np.exp(-eta * (x[:, None] - distances) ** 2) * np.sqrt(0.5 * np.pi / argument)
    integrand = 4.0 * np.pi * basis * weights * x**2
    return np.stack([integrand @ (damped * ive(l + 0.5, argument)) for l in range(l_max + 1)])


def _quadrature_points(sigma: float, end: float) -> int:
    """Enough for Gaussians of this width to be integrated to rounding; where that would be
    thousands, no series could follow their projections anyway."""
    return min(1000, max(100, int(12 * end / sigma)))


@cache
def _gto_basis(n_max: int, l: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Exponents [n] and the orthonormalising matrix [n, n]; the overlap of two functions is
    Gamma(l + 3/2) / 2 (alpha + alpha')^(-l - 3/2)."""
    decay = np.linspace(1.0, end, n_max)
    alpha = (l * np.log(decay) - np.log(1e-3)) / decay**2
    with many_digits():
        exact = decimals(alpha)
        overlap = (exact[:, None] + exact) ** (-l - Decimal("1.5"))
        matrix = lowdin(overlap * Decimal(0.5 * gamma(l + 1.5)))
    return alpha, matrix.astype(np.float64)


def polynomial_basis(
    x: Float[np.ndarray, " points"], n_max: int, end: float
) -> Float[np.ndarray, "functions points"]:
    """The orthonormal functions of `polynomial_projections` themselves, at distances x.

    The overlap of (end - r)^(n+2) and (end - r)^(k+2) is
    2 end^(7+n+k) / ((5+n+k) (6+n+k) (7+n+k)).
    """
    n = np.arange(1, n_max + 1)
    with many_digits():
        exact_end, total = Decimal(end), decimals(n[:, None] + n)
        overlap = 2 * exact_end ** (7 + total) / ((5 + total) * (6 + total) * (7 + total))
        primitives = (exact_end - decimals(x)) ** decimals(n[:, None] + 2)
        return (lowdin(overlap) @ primitives).astype(np.float64)


#: By their names in config files.
DENSITY_PROJECTIONS: Mapping[str, Callable[..., np.ndarray]] = MappingProxyType(
    {"gto": gto_projections, "polynomial": polynomial_projections}
)
