"""Real solid and spherical harmonics by recursion in x, y, z: no angles, no poles.

Y_lm is orthonormal on the unit sphere and real; index l^2 + l + m, so m = -l..l within each l.
For m > 0 it is proportional to cos(m phi), for m < 0 to sin(|m| phi), without the Condon-Shortley
sign: l = 1 is sqrt(3 / 4 pi) (y, z, x) / r. The solid harmonic r^l Y_lm is a polynomial in x, y, z.
"""

from math import factorial, pi, sqrt

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from mlip.ops.constants import made_once

#: Highest degree offered: beyond it the smallest intermediate value, 1 / (2 l)!, costs float32
#: digits.
L_MAX = 12


def solid_harmonics(
    vectors: Float[Tensor, "3 points"], l_max: int
) -> Float[Tensor, "harmonics points"]:
    """r^l Y_lm of each vector, for all l up to `l_max`: (l_max + 1)^2 rows in the order above.

    On unit vectors these are the spherical harmonics. Components come first, so that each step of
    the recursion runs through contiguous memory. Differentiable any number of times, everywhere.

    Raises
    ------
    ValueError
        If l_max is negative or above 12.
    """
    if not 0 <= l_max <= L_MAX:
        raise ValueError(f"l_max must lie between 0 and {L_MAX}, got {l_max}")
    harmonics: Tensor = _SolidHarmonics.apply(vectors, l_max)
    return harmonics


class _SolidHarmonics(Function):
    """Gradients of solid harmonics are solid harmonics one degree lower, so that the backward pass
    needs no recursion, and can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(vectors: Tensor, l_max: int) -> Tensor:
        return _recursion(vectors, l_max)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple, output: Tensor) -> None:
        ctx.l_max = inputs[1]  # type: ignore[attr-defined]
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[no-untyped-def]
        (harmonics,) = ctx.saved_tensors
        total = gradient.new_zeros(3, gradient.shape[1])
        for l in range(1, ctx.l_max + 1):
            lowering = _lowering(l, gradient.dtype, gradient.device)
            lowered = lowering @ gradient[l * l : (l + 1) ** 2]
            lowered = lowered.reshape(3, 2 * l - 1, gradient.shape[1])
            total = total + (lowered * harmonics[(l - 1) ** 2 : l * l]).sum(dim=1)
        return total, None


def _recursion(vectors: Tensor, l_max: int) -> Tensor:
    """r^l P_l^m(cos theta) (cos, sin)(m phi) / (l + m)!, then normalised; the recursions are those
    of the fast multipole method, White and Head-Gordon, J. Chem. Phys. 101, 6593 (1994)."""
    x, y, z = vectors
    r2 = x * x + y * y + z * z
    out = vectors.new_empty((l_max + 1) ** 2, vectors.shape[1])
    out[0] = 1.0
    for l in range(1, l_max + 1):
        middle, before = l * l + l, (l - 1) * (l - 1) + (l - 1)
        for sign in (1, -1):
            for m in range(0 if sign > 0 else 1, l):
                value = (2 * l - 1) * z * out[before + sign * m]
                if m <= l - 2:
                    value -= r2 * out[(l - 2) * (l - 2) + (l - 2) + sign * m]
                torch.div(value, (l + m) * (l - m), out=out[middle + sign * m])
        cosine = out[before + l - 1]
        sine = out[before - (l - 1)] if l > 1 else torch.zeros_like(cosine)
        out[middle + l] = (x * cosine - y * sine) / (2 * l)
        out[middle - l] = (y * cosine + x * sine) / (2 * l)
    return out.mul_(_norms(l_max, out.dtype, out.device)[:, None])


@made_once
def _norms(l_max: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Factors that make the harmonics of the recursion orthonormal."""
    norms = [_norm(l, abs(m)) for l in range(l_max + 1) for m in range(-l, l + 1)]
    return torch.tensor(norms, dtype=dtype, device=device)


def _norm(l: int, m: int) -> float:
    multiplicity = 1 if m == 0 else 2
    return sqrt(multiplicity * (2 * l + 1) / (4 * pi) * factorial(l - m) * factorial(l + m))


@made_once
def _lowering(l: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrix [3 (2l - 1), 2l + 1] with dY_lm / dx_a = sum_m' matrix[(a, m'), m] Y_(l-1)m'.

    For C, S = r^l P_l^m (cos, sin)(m phi) / (l + m)!: d/dz lowers l and keeps m;
    2 d/dx C_m = C_(m-1) - C_(m+1), 2 d/dy C_m = -S_(m-1) - S_(m+1),
    2 d/dx S_m = S_(m-1) - S_(m+1), 2 d/dy S_m = C_(m-1) + C_(m+1).
    """
    matrix = torch.zeros(3, 2 * l - 1, 2 * l + 1, dtype=torch.float64)

    def add(axis: int, lower: int, m: int, factor: float) -> None:
        if abs(lower) <= l - 1:
            ratio = _norm(l, abs(m)) / _norm(l - 1, abs(lower))
            matrix[axis, l - 1 + lower, l + m] += factor * ratio

    add(2, 0, 0, 1.0)
    add(0, 1, 0, -1.0)
    add(1, -1, 0, -1.0)
    for m in range(1, l + 1):
        for sign in (1, -1):
            add(2, sign * m, sign * m, 1.0)
            add(0, sign * (m + 1), sign * m, -0.5)
            add(1, -sign * (m + 1), sign * m, -0.5 * sign)
            if sign > 0 or m > 1:  # there is no S_0
                add(0, sign * (m - 1), sign * m, 0.5)
            if sign < 0 or m > 1:
                add(1, -sign * (m - 1), sign * m, -0.5 * sign)
    return matrix.reshape(3 * (2 * l - 1), 2 * l + 1).to(device, dtype)
