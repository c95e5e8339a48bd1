"""Chebyshev polynomials, and smooth functions of the distance as series of them.

A series costs one matrix product whatever the functions are, keeps its digits in float32, and its
derivative is a series again.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.polynomial import chebyshev
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

_NODES = 512


def chebyshev_polynomials(x: Float[Tensor, " points"], count: int) -> Float[Tensor, "count points"]:
    """T_0(x) to T_(count-1)(x), for x in [-1, 1].

    Built by doubling, T_(n+k) = 2 T_n T_k - T_(n-k): a few large steps in place of many small ones.
    """
    known = torch.stack([torch.ones_like(x), x])[:count]
    while (n := known.shape[0] - 1) < count - 1:
        more = min(n, count - 1 - n)
        lower = known[n - more : n].flip(0)
        known = torch.cat([known, 2.0 * known[n] * known[1 : more + 1] - lower])
    return known


class ChebyshevSeries(nn.Module):
    """Several smooth functions on [0, end], each approximated to rounding by its series.

    L. N. Trefethen, Approximation Theory and Approximation Practice (SIAM 2013), ch. 3 and 8.

    Parameters
    ----------
    functions : distances [points] -> values [functions, points], in float64 numpy
    end : where the interval ends
    derivatives : how often the series will be differentiated

    Raises
    ------
    ValueError
        If the functions vary too fast to be resolved.
    """

    coefficients: Tensor

    def __init__(
        self, functions: Callable[[np.ndarray], np.ndarray], end: float, derivatives: int = 3
    ) -> None:
        super().__init__()
        self.end = end
        series = [_interpolate(functions, end)]
        for _ in range(derivatives):
            slope = chebyshev.chebder(series[-1], axis=1)
            series.append(np.pad(slope, ((0, 0), (0, 1))))
        self.register_buffer("coefficients", torch.from_numpy(np.stack(series)), persistent=False)

    def forward(self, distances: Float[Tensor, " points"]) -> Float[Tensor, "functions points"]:
        """Values, in the precision of the distances, which must lie in [0, end]."""
        x = distances * (2.0 / self.end) - 1.0
        values: Tensor = _Series.apply(x, self.coefficients.to(x.dtype), 0)
        return values


class _Series(Function):
    """The series with coefficients[order]; its derivative is the one with order + 1."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, coefficients: Tensor, order: int) -> Tensor:
        return coefficients[order] @ chebyshev_polynomials(x, coefficients.shape[2])

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple, output: Tensor) -> None:  # noqa: ARG004
        x, coefficients, ctx.order = inputs  # type: ignore[attr-defined]
        ctx.save_for_backward(x, coefficients)

    @staticmethod
    def backward(ctx, gradient: Tensor):  # type: ignore[no-untyped-def]
        x, coefficients = ctx.saved_tensors
        if ctx.order + 1 >= coefficients.shape[0]:
            raise RuntimeError(f"a series was differentiated more than {ctx.order} times")
        slopes = _Series.apply(x, coefficients, ctx.order + 1)
        return (gradient * slopes).sum(dim=0), None, None


def _interpolate(functions: Callable[[np.ndarray], np.ndarray], end: float) -> np.ndarray:
    """Coefficients [functions, terms] of the interpolants at Chebyshev points, cut where only the
    rounding of the functions themselves is left."""
    nodes = chebyshev.chebpts1(_NODES)
    values = functions(0.5 * end * (nodes + 1.0))
    coefficients = (2.0 / _NODES) * values @ chebyshev.chebvander(nodes, _NODES - 1)
    coefficients[:, 0] *= 0.5
    scale = max(np.abs(values).max(), np.finfo(float).tiny)
    noise = np.abs(coefficients[:, _NODES // 2 :]).max()
    if noise > 1e-9 * scale:
        raise ValueError(
            f"radial functions vary too fast to be resolved over {end} Å; widen their Gaussians"
        )
    relevant = (np.abs(coefficients) > max(1e-14 * scale, 2.0 * noise)).any(axis=0)
    return coefficients[:, : max(2, int(np.flatnonzero(relevant).max(initial=0)) + 1)]
