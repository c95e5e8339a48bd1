"""Sums over neighbours of what they send, times radial weights and harmonics.

For centre i, harmonic lm and channel c, over the edges e that lead from i to a neighbour j:

    sums_(lm) i c     = sum_e w_(e l c) x_(0 j c) Y_(lm e)      l up to l_max
    sums_(H + lm) i c = sum_e w_(e l_max+1+l c) x_(lm j c)      l up to l_sent, only if it is not 0

with the H = (l_max + 1)^2 harmonics Y, and x the (l_sent + 1)^2 harmonics that neighbours send.

The compiled core goes once through the edges of each centre and keeps the sums in its registers; it
knows first and second derivatives, so that training on forces uses it too; higher ones are those of
torch. There, edges are laid out in rectangles for matrix products.
"""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd import Function

from mlip import kernels
from mlip.ops.compiled_function import differentiable_second
from mlip.ops.coupling import degree_of
from mlip.ops.padding import Rectangle, rectangles
from mlip.ops.scatter import sum_by_index

#: Highest degree of harmonics that the core knows.
_MOST_DEGREES = 6


def neighbour_sums(
    weights: Float[Tensor, "edges rows channels"],
    harmonics: Float[Tensor, "harmonics edges"],
    sent: Float[Tensor, "sent senders channels"],
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    n_centres: int,
) -> Float[Tensor, "sums centres channels"]:
    """The sums above, differentiable as often as one likes.

    Parameters
    ----------
    weights : w, for each degree of the first line, then of the second
    centres : i of each edge, non-decreasing
    neighbours : j of each edge

    Raises
    ------
    ValueError
        By the compiled core, if an index is out of range or centres decrease.
    """
    edges = (centres, neighbours, n_centres)
    if compiled_for(sent, degree_of(harmonics)):
        sums: Tensor = _Sums.apply(weights, harmonics, sent, edges)
        return sums
    return neighbour_sums_in_torch(weights, harmonics, sent, *edges)


def compiled_for(sent: Float[Tensor, "sent senders channels"], l_max: int) -> bool:
    """Whether the core is here and can work on this device in this precision."""
    known = sent.dtype in (torch.float32, torch.float64) and l_max <= _MOST_DEGREES
    return known and kernels.runs_on(sent.device)


def neighbour_sums_in_torch(
    weights: Float[Tensor, "edges rows channels"],
    harmonics: Float[Tensor, "harmonics edges"],
    sent: Float[Tensor, "sent senders channels"],
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    n_centres: int,
) -> Float[Tensor, "sums centres channels"]:
    """`neighbour_sums` in plain torch: what the compiled core is judged by."""
    by_edge = sent.index_select(1, neighbours)
    l_max, l_sent = degree_of(harmonics), degree_of(sent)
    products = weights[:, : l_max + 1] * by_edge[0, :, None]
    sums = products.new_zeros(n_centres, harmonics.shape[0], products.shape[2])
    for part in rectangles(centres, n_centres, max(1, len(centres))):
        sums = sums.index_add(0, part.rows, _sum_in(part, products, harmonics))
    if l_sent == 0:
        return sums.transpose(0, 1)
    tensors = [
        weights[:, l_max + 1 + l] * by_edge[lm]
        for l in range(l_sent + 1)
        for lm in range(l * l, (l + 1) ** 2)
    ]
    others = sum_by_index(torch.stack(tensors, dim=1), centres, n_centres)
    return torch.cat([sums, others], dim=1).transpose(0, 1)


def _sum_in(
    part: Rectangle,
    products: Float[Tensor, "edges degrees channels"],
    harmonics: Float[Tensor, "harmonics edges"],
) -> Float[Tensor, "rows harmonics channels"]:
    """sum_e products_(e l c) Y_(lm e) for the centres of a rectangle."""
    placed = part.filled(products, products.new_zeros(products.shape[1:]))
    placed = placed.unflatten(0, part.shape)
    directions = part.filled(harmonics.T, harmonics.new_zeros(len(harmonics)))
    directions = directions.unflatten(0, part.shape).transpose(1, 2)
    degrees = range(products.shape[1])
    sums = [directions[:, l * l : (l + 1) ** 2] @ placed[:, :, l] for l in degrees]
    return torch.cat(sums, dim=1)


class _Sums(Function):
    # A setup_context of its own would make each call look up the signature of `forward`.
    @staticmethod
    def forward(ctx: Any, weights: Tensor, harmonics: Tensor, sent: Tensor, edges: tuple) -> Tensor:
        ctx.edges = edges
        ctx.save_for_backward(weights, harmonics, sent)
        return torch.ops.mlip.neighbour_sums(weights, harmonics, sent, *edges)

    @staticmethod
    def backward(ctx: Any, by_sums: Tensor) -> tuple[Tensor | None, ...]:
        return *_Gradients.apply(by_sums, *ctx.saved_tensors, ctx.edges), None


class _Gradients(Function):
    """From dE/d(sums) to dE/d(weights), dE/d(harmonics) and dE/d(sent)."""

    @staticmethod
    def forward(
        ctx: Any, by_sums: Tensor, weights: Tensor, harmonics: Tensor, sent: Tensor, edges: tuple
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.edges = edges
        ctx.save_for_backward(by_sums, weights, harmonics, sent)
        return torch.ops.mlip.neighbour_sum_gradients(by_sums, weights, harmonics, sent, *edges)

    @staticmethod
    def backward(ctx: Any, *along: Tensor) -> tuple[Tensor | None, ...]:
        edges, (by_sums, *inputs) = ctx.edges, ctx.saved_tensors
        if torch.is_grad_enabled():
            reference = partial(_on_edges, edges)
            return *differentiable_second(reference, tuple(inputs), by_sums, along), None
        return *torch.ops.mlip.neighbour_sum_second(*along, by_sums, *inputs, *edges), None


def _on_edges(edges: tuple, weights: Tensor, harmonics: Tensor, sent: Tensor) -> Tensor:
    return neighbour_sums_in_torch(weights, harmonics, sent, *edges)
