"""From model files of older format versions to that of today, one step a version.

Version 2: models on a descriptor know the range of their features in the training data.
Version 3: the card tells the calibration of uncertainties.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor

Card = dict[str, Any]
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Upgrade:
    """What becomes of a card, as plain data, and of weights in the next version.

    Attributes
    ----------
    card : from the card to that of the next version
    weights : from the weights, and those of a newly built model, to the weights of the next version
    """

    card: Callable[[Card], Card] = lambda card: card
    weights: Callable[[Weights, Weights], Weights] = lambda weights, _: weights


def _with_unknown_range(weights: Weights, fresh: Weights) -> Weights:
    """A model that was saved without the range of its features does not know it."""
    return {n: w for n, w in fresh.items() if "feature_range." in n} | weights


#: By the version from which they lead to the next.
UPGRADES: Mapping[int, Upgrade] = MappingProxyType(
    {1: Upgrade(weights=_with_unknown_range), 2: Upgrade()}
)
