"""How real harmonics couple: Clebsch-Gordan coefficients in the basis of `mlip.ops.spherical`.

For l1 + l2 + l3 even the coefficients are integrals of three harmonics (J. A. Gaunt, Phil. Trans.
R. Soc. A 228, 151 (1929)), up to a factor that depends on the three degrees only. These are the
only couplings that keep natural parity, (-1)^l, which sums of harmonics have and all that is
coupled from them this way. Quadrature makes the tables exact to rounding, and consistent with the
harmonics by construction.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mlip.ops.spherical import solid_harmonics


def couples(l1: int, l2: int, l3: int) -> bool:
    """Whether degrees l1 and l2 couple to l3 with natural parity."""
    return abs(l1 - l2) <= l3 <= l1 + l2 and (l1 + l2 + l3) % 2 == 0


def degree_of(features: Float[Tensor, " harmonics *rest"]) -> int:
    """Up to which degree features have harmonics."""
    return round(features.shape[0] ** 0.5) - 1


@cache
def coupling_table(l1: int, l2: int, l3: int) -> Float[np.ndarray, "m1 m2 m3"]:
    """C[m1, m2, m3] such that sum_(m1 m2) C a_m1 b_m2 turns like Y_(l3 m3) when a turns like Y_l1
    and b like Y_l2.

    The sum of squares over m1 and m2 is one for each m3: independent a and b of unit variance give
    a result of unit variance. The sign is that of the integral of the three harmonics.

    Raises
    ------
    ValueError
        If the degrees do not couple with natural parity.
    """
    if not couples(l1, l2, l3):
        raise ValueError(f"degrees {l1} and {l2} do not couple to {l3} with natural parity")
    points, weights = _quadrature(l1 + l2 + l3)
    harmonics = solid_harmonics(torch.from_numpy(points), max(l1, l2, l3)).numpy()
    first, second, third = (harmonics[l * l : (l + 1) ** 2] for l in (l1, l2, l3))
    gaunt = np.einsum("ap,bp,cp,p->abc", first, second, third, weights)
    gaunt[np.abs(gaunt) < 1e-13] = 0.0
    table = gaunt * np.sqrt((2 * l3 + 1) / (gaunt**2).sum())
    table.setflags(write=False)
    return table


def _quadrature(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [3, n] and weights [n] that integrate polynomials up to `degree` over the unit sphere:
    Gauss and Legendre along z, evenly spaced around it."""
    z, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    angles = 2.0 * np.pi * np.arange(degree + 1) / (degree + 1)
    z, angle = (grid.ravel() for grid in np.meshgrid(z, angles, indexing="ij"))
    rho = np.sqrt(1.0 - z * z)
    points = np.stack([rho * np.cos(angle), rho * np.sin(angle), z])
    return points, np.repeat(weights, degree + 1) * 2.0 * np.pi / (degree + 1)
