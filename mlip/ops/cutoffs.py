"""Cutoff functions: weights of neighbours that fall from one to exactly zero at the cutoff.

Smoothness at the cutoff decides that of energy, forces and of what is derived from forces:
`polynomial` and `tanh3` are twice continuously differentiable there, `cosine` only once.
"""

from collections.abc import Callable, Mapping
from math import comb, pi
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

CutoffName = Literal["polynomial", "cosine", "tanh3"]


def cosine(distances: Float[Tensor, "*shape"], cutoff: float) -> Float[Tensor, "*shape"]:
    """(1 + cos(pi r / r_c)) / 2; Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007).

    Its second derivative jumps at the cutoff.
    """
    x = distances / cutoff
    inside = x < 1.0
    return torch.where(inside, 0.5 * (1.0 + torch.cos(pi * torch.where(inside, x, 1.0))), 0.0)


def tanh3(distances: Float[Tensor, "*shape"], cutoff: float) -> Float[Tensor, "*shape"]:
    """tanh(1 - r / r_c)^3; Behler, J. Chem. Phys. 134, 074106 (2011).

    It starts at tanh(1)^3 = 0.44 with a finite slope, as published.
    """
    return torch.tanh(1.0 - (distances / cutoff).clamp(max=1.0)) ** 3


def polynomial(
    distances: Float[Tensor, "*shape"], cutoff: float, smoothness: int = 2
) -> Float[Tensor, "*shape"]:
    """The smooth step of lowest degree with `smoothness` derivatives that vanish at both ends:
    1 - 10 x^3 + 15 x^4 - 6 x^5 with x = r / r_c for two of them.

    For smoothness 1 to 4 these are the polynomials of Singraber, Behler and Dellago, J. Chem.
    Theory Comput. 15, 1827 (2019), written as (1 - x)^(p+1) sum_k C(p+k, k) x^k, which loses no
    digits where the step becomes small.
    """
    x = (distances / cutoff).clamp(max=1.0)
    series = torch.full_like(x, comb(2 * smoothness, smoothness))
    for k in reversed(range(smoothness)):
        series = series * x + comb(smoothness + k, k)
    return (1.0 - x) ** (smoothness + 1) * series


#: By their names in config files.
CUTOFF_FUNCTIONS: Mapping[str, Callable[[Tensor, float], Tensor]] = MappingProxyType(
    {"polynomial": polynomial, "cosine": cosine, "tanh3": tanh3}
)
