"""The network of one element: standardised features in, one energy out."""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mlip.models.activations import ACTIVATIONS


class AtomicNetwork(nn.Module):
    """A fully connected network on the features of one element's environments.

    Weights are drawn from torch's generator so that every layer keeps the second moment of its
    input (K. He et al., ICCV 2015, eq. 10, with the moment of the activation used here); biases
    start at zero. Energies of a new network are of order one.

    Parameters
    ----------
    n_features : how many of the features it sees, from the first on
    hidden : widths of the hidden layers
    activation : of every hidden layer, or one name for each
    output : activation of the energy

    Attributes
    ----------
    mean, scale : [features] of the training data, set by `standardise`; zero and one before
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int],
        activation: str | Sequence[str],
        output: str = "linear",
    ) -> None:
        super().__init__()
        names = [activation] * len(hidden) if isinstance(activation, str) else list(activation)
        self.n_features = n_features
        self.activations = (*names, output)
        self.register_buffer("mean", torch.zeros(n_features, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_features, dtype=torch.float64))
        widths = [n_features, *hidden, 1]
        layers: list[nn.Module] = []
        gain = 1.0
        for (n_in, n_out), name in zip(itertools.pairwise(widths), self.activations, strict=True):
            linear = nn.Linear(n_in, n_out, dtype=torch.float64)
            nn.init.normal_(linear.weight, std=gain / math.sqrt(n_in))
            nn.init.zeros_(linear.bias)
            kind, gain = ACTIVATIONS[name]
            layers += [linear, kind()]
        self.layers = nn.Sequential(*(layers[:-1] if output == "linear" else layers))

    @property
    def linears(self) -> list[nn.Linear]:
        """The layers with weights, from the features to the energy."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    @torch.no_grad()
    def begin_at(self, energy: float) -> None:
        """Add a constant to what a new network gives, in units of the scale of the model."""
        self.linears[-1].bias.fill_(energy)

    def forward(self, features: Float[Tensor, "atoms features"]) -> Float[Tensor, " atoms"]:
        """Energies of atoms in units of the scale of the model."""
        first = self.linears[0]
        # the scale goes into the weights, which are fewer numbers than the features of many atoms
        values = nn.functional.linear(
            features[:, : self.n_features] - self.mean, first.weight / self.scale, first.bias
        )
        for layer in itertools.islice(self.layers, 1, None):
            values = layer(values)
        return values.squeeze(1)

    def last_weights(self) -> Float[Tensor, " weights"]:
        """Weights and bias of the last layer.

        Raises
        ------
        ValueError
            If the energy is not linear in them.
        """
        if self.activations[-1] != "linear":
            raise ValueError(
                f"the energy is the {self.activations[-1]} of the last layer, not linear in its "
                "weights"
            )
        last = self.linears[-1]
        return torch.cat([last.weight.flatten(), last.bias])

    def last_features(
        self, features: Float[Tensor, "atoms features"]
    ) -> Float[Tensor, "atoms weights"]:
        """What `last_weights` are multiplied with."""
        hidden = self.layers[:-1](self._standardised(features))
        return torch.cat([hidden, torch.ones_like(hidden[:, :1])], dim=1)

    def _standardised(self, features: Tensor) -> Tensor:
        return (features[:, : self.n_features] - self.mean) / self.scale

    def standardise(
        self, mean: Float[Tensor, " features"], deviation: Float[Tensor, " features"]
    ) -> None:
        """Fix mean and scale of the features, from training data.

        The scale of a feature is its standard deviation, but no less than the root mean square of
        all of them. So a feature that hardly changed in the training data stays small beside the
        others: it is not blown up at the first new environment, nor lost, and its noise is not
        learned. If no feature changed (one perfect crystal), the magnitude of the means takes the
        place of the deviations.
        """
        mean, deviation = mean[: self.n_features], deviation[: self.n_features]
        typical = float((deviation**2).mean().sqrt())
        if typical <= 1e-12 * float(mean.abs().max()):
            typical = float((mean**2).mean().sqrt()) or 1.0
        self.mean.copy_(mean)
        self.scale.copy_(torch.clamp(deviation, min=typical))
