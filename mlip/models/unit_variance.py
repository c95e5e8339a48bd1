"""Linear layers and networks whose weights all have unit variance when they are new, and are scaled
where they are used: one learning rate suits all of them."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mlip.models.activations import ACTIVATIONS

#: Brings the second moment of silu back to one.
GAIN = ACTIVATIONS["silu"][1]


class Network(nn.Module):
    """Fully connected layers without biases, which give zero for zero, in the precision of what
    they are applied to.

    Parameters
    ----------
    widths : of the input, the hidden layers and the output
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(normal(i, o) for i, o in pairwise(widths))

    def forward(self, x: Float[Tensor, "points n_in"]) -> Float[Tensor, "points n_out"]:
        first, *others = self.weights
        x = x @ scaled(first).to(x.dtype)
        for weights in others:
            x = nn.functional.silu(x) @ scaled(weights, GAIN).to(x.dtype)
        return x

    def before_last(self, x: Float[Tensor, "points n_in"]) -> Float[Tensor, "points n_last"]:
        """What the weights of the last layer are multiplied with."""
        gain = 1.0
        for weights in list(self.weights)[:-1]:
            x, gain = nn.functional.silu(x @ scaled(weights, gain)), GAIN
        return x * (gain / sqrt(x.shape[-1]))


class Mixing(nn.Module):
    """Linear combinations of channels, the same for all harmonics of a degree l <= l_max. Features
    may end at a lower degree."""

    degree: Tensor

    def __init__(self, channels: int, l_max: int) -> None:
        super().__init__()
        self.n_harmonics = (l_max + 1) ** 2
        self.weights = normal(l_max + 1, channels, channels)
        degree = torch.arange(l_max + 1).repeat_interleave(2 * torch.arange(l_max + 1) + 1)
        self.register_buffer("degree", degree, persistent=False)

    def forward(
        self, x: Float[Tensor, "harmonics atoms channels"]
    ) -> Float[Tensor, "harmonics atoms channels"]:
        return x.bmm(scaled(self.weights).index_select(0, self.degree[: len(x)]))


def normal(*shape: int) -> nn.Parameter:
    """Random weights of unit variance."""
    return nn.Parameter(torch.randn(*shape, dtype=torch.float64))


def scaled(weights: Float[Tensor, "*heads n_in n_out"], gain: float = 1.0) -> Tensor:
    """Weights that keep the second moment of their input, which lacks a factor of `gain`."""
    return weights * (gain / sqrt(weights.shape[-2]))
