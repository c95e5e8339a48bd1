"""Tensor products at atoms whose weights belong to the elements: compiled where that can be.

The compiled core goes once through the coupled components of each atom, a few channels at a time,
where torch forms all products of components first. It knows first and second derivatives, which
are sums of products again; so training on forces uses it too. `mlip.ops.tensor_product` is its
judge, and does the work where the core is not.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from mlip import kernels
from mlip.ops.coupling import degree_of
from mlip.ops.tensor_product import (
    Path,
    coupling_matrix,
    product_paths,
    square_paths,
    tensor_product,
    tensor_square,
)


def node_product(
    a: Float[Tensor, "harmonics_a atoms channels"],
    b: Float[Tensor, "harmonics_b atoms channels"],
    weights: Float[Tensor, "paths elements channels"],
    elements: Int[Tensor, " atoms"],
    l_out: int,
) -> Float[Tensor, "harmonics_out atoms channels"]:
    """`tensor_product` with the weights of each atom's element."""
    if not _compiled(a):
        return tensor_product(a, b, weights.index_select(1, elements), l_out)
    paths = product_paths(degree_of(a), degree_of(b), l_out)
    product: Tensor = _Product.apply(a, b, weights, _call(paths, False, elements, a.dtype))
    return product


def node_square(
    a: Float[Tensor, "harmonics_a atoms channels"],
    weights: Float[Tensor, "paths elements channels"],
    elements: Int[Tensor, " atoms"],
    l_out: int,
) -> Float[Tensor, "harmonics_out atoms channels"]:
    """`tensor_square` with the weights of each atom's element."""
    if not _compiled(a):
        return tensor_square(a, weights.index_select(1, elements), l_out)
    paths = square_paths(degree_of(a), l_out)
    square: Tensor = _Product.apply(a, None, weights, _call(paths, True, elements, a.dtype))
    return square


def _compiled(features: Tensor) -> bool:
    known = features.dtype in (torch.float32, torch.float64)
    return known and kernels.runs_on(features.device)


#: What the operators need besides features and weights, none of it differentiated: elements, terms
#: [terms, (path, out, first, second)], their factors, components of the result. Terms and factors
#: stay on the CPU, wherever the features are.
_Call = tuple[Tensor, Tensor, Tensor, int]


def _call(paths: tuple[Path, ...], square: bool, elements: Tensor, dtype: torch.dtype) -> _Call:
    return (elements, *_terms(paths, square, dtype))


@cache
def _terms(paths: tuple[Path, ...], square: bool, dtype: torch.dtype) -> tuple[Tensor, Tensor, int]:
    """The non-zero entries of the coupling matrix, those of a row one after the other."""
    first, second, matrix = coupling_matrix(paths, square)
    outs = np.concatenate([np.arange(l3 * l3, (l3 + 1) ** 2) for _, _, l3 in paths])
    path_of_row = np.repeat(np.arange(len(paths)), [2 * l3 + 1 for _, _, l3 in paths])
    rows, pairs = np.nonzero(matrix)
    columns = (path_of_row[rows], outs[rows], first[pairs], second[pairs])
    terms = torch.from_numpy(np.stack(columns, axis=1).astype(np.int32))
    factors = torch.from_numpy(matrix[rows, pairs]).to(dtype)
    return terms, factors, (paths[-1][2] + 1) ** 2


class _Product(Function):
    """a times b, or the square of a if b is None."""

    # A setup_context of its own would make each call look up the signature of `forward`.
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor | None, weights: Tensor, call: _Call) -> Tensor:
        ctx.call = call
        ctx.save_for_backward(a, b, weights)
        return torch.ops.mlip.node_product(a, b, weights, *call)

    @staticmethod
    def backward(ctx: Any, by_out: Tensor) -> tuple[Tensor | None, ...]:
        wanted = ctx.needs_input_grad[2]
        return *_Gradients.apply(by_out, *ctx.saved_tensors, ctx.call, wanted), None


class _Gradients(Function):
    """From dE/d(product) to dE/da, dE/db (None for a square) and dE/d(weights) (if wanted)."""

    @staticmethod
    def forward(
        ctx: Any, by_out: Tensor, a: Tensor, b: Tensor | None, weights: Tensor, call: _Call,
        wanted: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:  # fmt: skip
        ctx.call = call
        ctx.save_for_backward(by_out, a, b, weights)
        ctx.set_materialize_grads(False)
        by_a, by_b, by_weights = torch.ops.mlip.node_product_gradients(
            by_out, a, b, weights, *call, wanted
        )
        return by_a, None if b is None else by_b, by_weights if wanted else None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along_a: Tensor | None, along_b: Tensor | None,
                 along_weights: Tensor | None) -> tuple[Tensor | None, ...]:  # fmt: skip
        by_out, a, b, weights = ctx.saved_tensors
        along_a = torch.zeros_like(a) if along_a is None else along_a
        along_b = torch.zeros_like(b) if along_b is None and b is not None else along_b
        by_by_out, by_a, by_b, by_weights = torch.ops.mlip.node_product_second(
            along_a, along_b, along_weights, by_out, a, b, weights, *ctx.call
        )
        return by_by_out, by_a, None if b is None else by_b, by_weights, None, None
