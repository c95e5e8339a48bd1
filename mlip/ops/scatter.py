"""Sums over the edges of an atom and over the atoms of a structure."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def sum_by_index(
    values: Float[Tensor, " rows *rest"], index: Int[Tensor, " rows"], size: int
) -> Float[Tensor, " size *rest"]:
    """Add the rows that share an index: ``out[index[r]] += values[r]``; rows of `out` that are
    never named are zero."""
    out = torch.zeros((size, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return out.index_add(0, index, values)
