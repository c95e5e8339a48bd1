"""Sums over neighbours with weights that are functions of the distance alone.

Where these functions do not change, as in a trained model, they come from a table of polynomials;
the sums go from vectors to neighbours to values, and back to derivatives by the vectors, without
anything being kept for each edge. The derivatives are those of the tabulated functions.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.coupling import degree_of
from mlip.ops.piecewise import piecewise_polynomials

#: For each precision the degree that the core is compiled for, and the largest error of slopes,
#: relative to the largest slope: below what rounding does to a sum over neighbours.
_DEGREE_AND_ERROR = {torch.float64: (9, 1e-12), torch.float32: (5, 3e-7)}

#: The core reads rows of channels whose length is a multiple of this.
_PADDING = 16


class RadialTable:
    """Radial functions as a table, made when it is first asked for, and again when the parameters
    behind them have changed in whatever way."""

    def __init__(self) -> None:
        self._made_of: list[Tensor] = []
        self._coefficients: Tensor | None = None

    def find(
        self,
        functions: Callable[[Tensor], Tensor],
        parameters: Sequence[Tensor],
        cutoff: float,
    ) -> Float[Tensor, "intervals rows terms channels"] | None:
        """Coefficients of polynomials along equal intervals from zero to the cutoff (Å), channels
        padded with zeros, in the precision and on the device of the parameters; None if the
        functions vary too fast for a table.

        Parameters
        ----------
        functions : distances [points] -> weights [points, rows, channels], differentiable torch in
            the precision and on the device of the distances
        """
        if not self._made_of or not all(map(_same, parameters, self._made_of)):
            with torch.inference_mode(False):
                self._coefficients = _table(functions, cutoff, parameters[0])
                self._made_of = [parameter.detach().clone() for parameter in parameters]
        return self._coefficients


def _same(a: Tensor, b: Tensor) -> bool:
    return a.device == b.device and a.dtype == b.dtype and torch.equal(a, b)


def _table(functions: Callable[[Tensor], Tensor], cutoff: float, like: Tensor) -> Tensor | None:
    def flat(distances: Tensor) -> Tensor:
        """On the device of the parameters, while polynomials are found on the CPU."""
        return functions(distances.to(like.device)).flatten(1).T.cpu()

    rows, channels = functions(like.new_zeros(1, dtype=torch.float64)).shape[1:]
    coefficients = piecewise_polynomials(flat, cutoff, *_DEGREE_AND_ERROR[like.dtype])
    if coefficients is None:
        return None
    intervals, terms, _ = coefficients.shape
    table = np.zeros((intervals, rows, terms, -(-channels // _PADDING) * _PADDING))
    by_row = coefficients.reshape(intervals, terms, rows, channels)
    table[..., :channels] = by_row.transpose(0, 2, 1, 3)
    return torch.from_numpy(table).to(like.device, like.dtype)


def radial_sums(
    vectors: Float[Tensor, "edges 3"],
    sent: Float[Tensor, "sent senders channels"],
    table: Float[Tensor, "intervals rows terms padded"],
    cutoff: float,
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    n_centres: int,
    reference: Callable[[Tensor, Tensor], Tensor],
) -> Float[Tensor, "sums centres channels"]:
    """`neighbour_sums` with weights from a table of `RadialTable` and harmonics, of unit variance
    over the sphere, of the directions of `vectors`; for what `compiled_for` says.

    Parameters
    ----------
    reference : (vectors, sent) -> the same in torch, for higher derivatives

    Raises
    ------
    ValueError
        If an index is out of range, centres decrease, or a vector is zero or not finite.
    """
    rows_of_tensors = degree_of(sent) + 1 if len(sent) > 1 else 0
    l_max = table.shape[1] - rows_of_tensors - 1
    fixed = (table, centres, neighbours, n_centres, l_max, cutoff)
    function = CompiledFunction(
        lambda v, s: torch.ops.mlip.radial_sums(v, s, *fixed),
        lambda by, v, s: torch.ops.mlip.radial_sum_gradients(by, v, s, *fixed, s.requires_grad),
        reference,
    )
    return function(vectors, sent)
