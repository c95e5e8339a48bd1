"""Activation functions of atomic networks, by their names in config files."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

ActivationName = Literal[
    "silu", "tanh", "linear", "relu", "logistic", "reversed_logistic", "softplus", "gaussian",
    "cosine", "exponential", "square",
]  # fmt: skip


class ReversedLogistic(nn.Module):
    """1 / (1 + exp(x))"""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(-x)


class Gaussian(nn.Module):
    """exp(-x^2 / 2)"""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-0.5 * x**2)


class Cosine(nn.Module):
    """cos(x)"""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cos(x)


class Exponential(nn.Module):
    """exp(-x)"""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-x)


class Square(nn.Module):
    """x^2"""

    def forward(self, x: Tensor) -> Tensor:
        return x**2


#: Each with the factor that gives its output a second moment of one for normal input.
ACTIVATIONS: Mapping[str, tuple[type[nn.Module], float]] = MappingProxyType(
    {
        "silu": (nn.SiLU, 1.6765),
        "tanh": (nn.Tanh, 1.5925),
        "linear": (nn.Identity, 1.0),
        "relu": (nn.ReLU, 1.4142),
        "logistic": (nn.Sigmoid, 1.8462),
        "reversed_logistic": (ReversedLogistic, 1.8462),
        "softplus": (nn.Softplus, 1.0419),
        "gaussian": (Gaussian, 1.3161),
        "cosine": (Cosine, 1.3273),
        "exponential": (Exponential, 0.3679),
        "square": (Square, 0.5774),
    }
)
