"""Tensor products at atoms whose weights belong to the elements: compiled where that can be.

The compiled core goes once through the coupled components of each atom, a few channels at a time,
where torch forms all products of components first. It knows first and second derivatives, which
are sums of products again; so training on forces uses it too. `mlip.ops.tensor_product` is its
judge, gives higher derivatives, and does the work where the core is not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd import Function

from mlip import kernels
from mlip.ops.compiled_function import differentiable_second
from mlip.ops.constants import made_once
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
    product: Tensor = _Product.apply(a, b, weights, _Call(elements, paths, False))
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
    square: Tensor = _Product.apply(a, None, weights, _Call(elements, paths, True))
    return square


def _compiled(features: Tensor) -> bool:
    known = features.dtype in (torch.float32, torch.float64)
    return known and kernels.runs_on(features.device)


@dataclass(frozen=True)
class _Call:
    """What a product is besides features and weights, none of it differentiated."""

    elements: Int[Tensor, " atoms"]
    paths: tuple[Path, ...]
    square: bool

    def operands(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, int]:
        """As the operators take it: elements, terms [terms, (path, out, first, second)], their
        factors, components of the result. Terms and factors stay on the CPU, wherever the features
        are."""
        return self.elements, *_terms(self.paths, self.square, dtype)

    def in_torch(self, a: Tensor, *others: Tensor) -> Tensor:
        """The product of a, of b unless it is a square, and of the weights."""
        of_atoms, l_out = others[-1].index_select(1, self.elements), self.paths[-1][2]
        if self.square:
            return tensor_square(a, of_atoms, l_out)
        return tensor_product(a, others[0], of_atoms, l_out)


@made_once
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
        return torch.ops.mlip.node_product(a, b, weights, *call.operands(a.dtype))

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
            by_out, a, b, weights, *call.operands(a.dtype), wanted
        )
        return by_a, None if b is None else by_b, by_weights if wanted else None

    @staticmethod
    def backward(ctx: Any, along_a: Tensor | None, along_b: Tensor | None,
                 along_weights: Tensor | None) -> tuple[Tensor | None, ...]:  # fmt: skip
        (by_out, a, b, weights), call = ctx.saved_tensors, ctx.call
        if torch.is_grad_enabled():
            inputs = (a, weights) if b is None else (a, b, weights)
            along = (along_a, along_weights) if b is None else (along_a, along_b, along_weights)
            found = differentiable_second(call.in_torch, inputs, by_out, along)
            of_a_square = [None] if b is None else []
            return *found[:2], *of_a_square, *found[2:], None, None
        along_a = torch.zeros_like(a) if along_a is None else along_a
        along_b = torch.zeros_like(b) if along_b is None and b is not None else along_b
        by_by_out, by_a, by_b, by_weights = torch.ops.mlip.node_product_second(
            along_a, along_b, along_weights, by_out, a, b, weights, *call.operands(a.dtype)
        )
        return by_by_out, by_a, None if b is None else by_b, by_weights, None, None
