"""The exponential moving average of the weights, which validates and becomes the final model.

Averaging iterates takes out the noise of the last steps (Polyak and Juditsky, SIAM J. Control
Optim. 30, 838 (1992)): worth more for forces than most tuning of the learning rate.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """average <- decay * average + (1 - decay) * weights, after each step.

    Early in a run the decay is smaller, (1 + n) / (10 + n) after n steps, so that the random
    weights of the start are forgotten quickly. A decay of zero makes the average the weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = model
        self.decay = decay
        self.steps = 0
        self.weights = {
            name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad
        }

    @torch.no_grad()
    def update(self) -> None:
        """Take in the model's weights after a step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, p in self._parameters():
            self.weights[name].lerp_(p, 1.0 - decay)

    def restore(self, weights: Mapping[str, Tensor], steps: int) -> None:
        """Continue from a checkpoint."""
        self.steps = steps
        for name, value in self.weights.items():
            value.copy_(weights[name])

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The model has the averaged weights inside this block, its own again after it."""
        own = {name: p.detach().clone() for name, p in self._parameters()}
        load_weights(self.model, self.weights)
        try:
            yield
        finally:
            load_weights(self.model, own)

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self.model.named_parameters() if n in self.weights)


@torch.no_grad()
def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy named weights into the parameters of a model."""
    parameters = dict(model.named_parameters())
    for name, value in weights.items():
        parameters[name].copy_(value)
