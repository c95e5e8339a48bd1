"""Cutoff functions: weights of neighbours that fall from one to exactly zero at the cutoff.

Smoothness at the cutoff decides that of energy, forces and of what is derived from forces: the
polynomials, named by their number of derivatives that vanish there (`polynomial` has two), and
`exponential`, which has all, are safe from two on, and so are `tanh3` and `tanh3_from_one`;
`cosine` and `polynomial1` have a second derivative that jumps, and `hard` is not even continuous.

n2p2 numbers them: 0 `hard`, 1 `cosine`, 2 `tanh3`, 3 `tanh3_from_one`, 4 `exponential`, 5 to 8
`polynomial1`, `polynomial`, `polynomial3`, `polynomial4`; its inner cutoff, `cutoff_alpha`, is
`from_inside` here. Singraber, Behler and Dellago, J. Chem. Theory Comput. 15, 1827 (2019).
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import comb, pi, tanh
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

CutoffName = Literal[
    "polynomial",
    "cosine",
    "tanh3",
    "tanh3_from_one",
    "exponential",
    "polynomial1",
    "polynomial3",
    "polynomial4",
    "hard",
]

CutoffFunction = Callable[[Tensor, float], Tensor]

#: 1 - x^2 below which exp(1 - 1 / (1 - x^2)) is zero: there it would be 1e-304, and powers of the
#: inverse in its derivatives would overflow.
_VANISHED = 1.0 / 700.0


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


def tanh3_from_one(distances: Float[Tensor, "*shape"], cutoff: float) -> Float[Tensor, "*shape"]:
    """(tanh(1 - r / r_c) / tanh(1))^3: `tanh3`, scaled to start at one."""
    return tanh3(distances, cutoff) / tanh(1.0) ** 3


def exponential(distances: Float[Tensor, "*shape"], cutoff: float) -> Float[Tensor, "*shape"]:
    """exp(1 - 1 / (1 - (r / r_c)^2)), all of whose derivatives vanish at the cutoff."""
    falling = 1.0 - (distances / cutoff) ** 2
    inside = falling > _VANISHED
    return torch.where(inside, torch.exp(1.0 - 1.0 / torch.where(inside, falling, 1.0)), 0.0)


def hard(distances: Float[Tensor, "*shape"], cutoff: float) -> Float[Tensor, "*shape"]:
    """One inside, zero outside: energies jump whenever a neighbour crosses the cutoff."""
    return (distances < cutoff).to(distances.dtype)


def polynomial(
    distances: Float[Tensor, "*shape"], cutoff: float, smoothness: int = 2
) -> Float[Tensor, "*shape"]:
    """The smooth step of lowest degree with `smoothness` derivatives that vanish at both ends:
    1 - 10 x^3 + 15 x^4 - 6 x^5 with x = r / r_c for two of them.

    For smoothness 1 to 4 these are the polynomials of Singraber, Behler and Dellago, J. Chem.
    Theory Comput. 15, 1827 (2019), written as (1 - x)^(p+1) sum_k C(p+k, k) x^k, which loses no
    digits where the step becomes small.
    """
    x = distances / cutoff
    x = torch.where(x < 1.0, x, 1.0)
    series = torch.full_like(x, comb(2 * smoothness, smoothness))
    for k in reversed(range(smoothness)):
        series = series * x + comb(smoothness + k, k)
    return (1.0 - x) ** (smoothness + 1) * series


def from_inside(function: CutoffFunction, start: float) -> CutoffFunction:
    """The cutoff function squeezed into the last part of the way: one up to `start` times the
    cutoff, from where it falls as it otherwise does from zero on.

    Raises
    ------
    ValueError
        If `start` is not in [0, 1).
    """
    if not 0.0 <= start < 1.0:
        raise ValueError(f"a cutoff function starts to fall at 0 to 1 of the cutoff, not {start}")
    if start == 0.0:
        return function

    def squeezed(distances: Tensor, cutoff: float) -> Tensor:
        return function((distances - start * cutoff).clamp(min=0.0), (1.0 - start) * cutoff)

    return squeezed


def envelope(
    distances: Float[Tensor, "*shape"], cutoff: float, flatness: int = 5
) -> Float[Tensor, "*shape"]:
    """Nearly one over most of the range, as 1 - O(x^flatness), then falling to zero with two
    continuous derivatives: J. Gasteiger, J. Groß, S. Günnemann, ICLR 2020 (DimeNet), eq. 8.

    Their 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) with p = `flatness` is written as
    (1 - x)^3 sum_(k<p) C(k+2, 2) x^k, which loses no digits where it becomes small.
    """
    x = (distances / cutoff).clamp(max=1.0)
    series = torch.full_like(x, comb(flatness + 1, 2))
    for k in reversed(range(flatness - 1)):
        series = series * x + comb(k + 2, 2)
    return (1.0 - x) ** 3 * series


#: By their names in config files.
CUTOFF_FUNCTIONS: Mapping[str, CutoffFunction] = MappingProxyType(
    {
        "polynomial": polynomial,
        "cosine": cosine,
        "tanh3": tanh3,
        "tanh3_from_one": tanh3_from_one,
        "exponential": exponential,
        "polynomial1": partial(polynomial, smoothness=1),
        "polynomial3": partial(polynomial, smoothness=3),
        "polynomial4": partial(polynomial, smoothness=4),
        "hard": hard,
    }
)

#: In the order of `CutoffKind` in cpp_ext/include/mlip/cutoffs.h.
IN_THE_CORE: tuple[CutoffName, ...] = (
    "hard",
    "cosine",
    "tanh3",
    "tanh3_from_one",
    "exponential",
    "polynomial1",
    "polynomial",
    "polynomial3",
    "polynomial4",
)

#: Those that can begin to fall anywhere: tanh3 has a slope at its start.
LEVEL_AT_THEIR_START = frozenset(CUTOFF_FUNCTIONS) - {"tanh3", "tanh3_from_one", "hard"}
