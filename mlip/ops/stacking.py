"""Tensors one below the other, and apart again, in training on forces.

Derivatives of `torch.stack` are slices, whose own derivatives are arrays of the whole size for each
slice, zero but there. Here the derivative of one is the other, to any order.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function


def stacked(parts: Sequence[Float[Tensor, " *shape"]]) -> Float[Tensor, " parts *shape"]:
    """What `torch.stack` gives."""
    whole: Tensor = _Stack.apply(*parts)
    return whole


class _Stack(Function):
    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Tensor:  # noqa: ARG004
        return torch.stack(parts)

    @staticmethod
    def backward(ctx: Any, by_whole: Tensor) -> tuple[Tensor, ...]:  # noqa: ARG004
        parts: tuple[Tensor, ...] = _Apart.apply(by_whole)
        return parts


class _Apart(Function):
    @staticmethod
    def forward(ctx: Any, whole: Tensor) -> tuple[Tensor, ...]:  # noqa: ARG004
        return tuple(part.clone() for part in whole)

    @staticmethod
    def backward(ctx: Any, *by_parts: Tensor) -> Tensor:  # noqa: ARG004
        return stacked(by_parts)
