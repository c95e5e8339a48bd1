"""The range of each feature in the training data, and how many features of an atom are outside it.

Outside of the range a model extrapolates: what it says there is a guess. J. Behler, J. Phys.:
Condens. Matter 26, 183001 (2014), section 4.4; n2p2 and RuNNer count the same.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip import kernels
from mlip.models.exact import ExactModule

#: How far outside a value must be, in units of the rounding error of the larger bound.
_ROUNDING = 1000.0


class FeatureRange(ExactModule):
    """Smallest and largest value of every feature for each element, once they are known.

    Attributes
    ----------
    lower, upper : [species, features], float64; zero where the element has fewer features
    is_set : whether they are known
    """

    lower: Tensor
    upper: Tensor
    is_set: Tensor

    def __init__(self, n_species: int, n_features: int) -> None:
        super().__init__()
        self.register_buffer("lower", torch.zeros(n_species, n_features, dtype=torch.float64))
        self.register_buffer("upper", torch.zeros(n_species, n_features, dtype=torch.float64))
        self.register_buffer("is_set", torch.zeros((), dtype=torch.bool))

    @property
    def known(self) -> bool:
        return bool(self.is_set)

    def set(self, lower: Sequence[Tensor], upper: Sequence[Tensor]) -> None:
        """Fix the bounds, one row for each species; rows may be shorter than the features are.

        Raises
        ------
        ValueError
            If a lower bound is above its upper bound, or one is not a number.
        """
        for s, (low, high) in enumerate(zip(lower, upper, strict=True)):
            if not bool((low <= high).all()):
                raise ValueError(f"lower bounds of features {low} above upper bounds {high}")
            self.lower[s, : len(low)] = low
            self.upper[s, : len(high)] = high
        self.is_set.fill_(True)

    def outside(
        self, features: Float[Tensor, "atoms features"], species_index: Int[Tensor, " atoms"]
    ) -> Int[Tensor, " atoms"]:
        """How many features of each atom are outside the range; a value within rounding of a bound
        is inside, what is not a number is outside."""
        slack, features = _ROUNDING * torch.finfo(features.dtype).eps, features.detach()
        if features.device.type == "cpu" and kernels.available():
            count = torch.ops.mlip.count_outside
            return count(features, species_index, self.lower, self.upper, slack)
        return self.outside_in_torch(features, species_index, slack)

    def outside_in_torch(
        self,
        features: Float[Tensor, "atoms features"],
        species_index: Int[Tensor, " atoms"],
        slack: float,
    ) -> Int[Tensor, " atoms"]:
        """What `outside` does, without the compiled core: its judge. Values may be outside by
        `slack`, in units of the larger bound."""
        slacks = slack * torch.maximum(self.lower.abs(), self.upper.abs())
        lower, upper = self.lower - slacks, self.upper + slacks
        inside = (features >= lower[species_index]) & (features <= upper[species_index])
        return (~inside).sum(1)
