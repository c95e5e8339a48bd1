"""The range of each feature in the training data, and how many features of an atom are outside it.

Outside of the range a model extrapolates: what it says there is a guess. J. Behler, J. Phys.:
Condens. Matter 26, 183001 (2014), section 4.4; n2p2 and RuNNer count the same.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

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

    @torch.no_grad()
    def outside(
        self, features: Float[Tensor, "atoms features"], species_index: Int[Tensor, " atoms"]
    ) -> Int[Tensor, " atoms"]:
        """How many features of each atom are outside the range; a value within rounding of a bound
        is inside."""
        counts = torch.zeros_like(species_index)
        if len(self.lower) == 1:
            self._count(features, 0, counts)
            return counts
        for s in range(len(self.lower)):  # bounds for every atom would cost more than the rest
            own = torch.nonzero(species_index == s).flatten()
            counts_of_own = counts.new_zeros(len(own))
            if self._count(features.index_select(0, own), s, counts_of_own):
                counts[own] = counts_of_own
        return counts

    def _count(
        self, values: Float[Tensor, "own features"], s: int, counts: Int[Tensor, " own"]
    ) -> bool:
        """Writes the counts of atoms of one species; says whether there may be any to write."""
        if len(values) == 0:
            return False
        smallest, largest = torch.aminmax(values, dim=0)
        beyond = (smallest < self.lower[s]) | (largest > self.upper[s])
        some = torch.nonzero(beyond).flatten()  # few: a trained model knows what it meets
        if len(some) == 0:
            return False
        lower, upper = self.lower[s, some], self.upper[s, some]
        eps = torch.finfo(values.dtype).eps
        slack = _ROUNDING * eps * torch.maximum(lower.abs(), upper.abs())
        lower, upper = ((lower - slack).to(values.dtype), (upper + slack).to(values.dtype))
        values = values.index_select(1, some)
        counts.copy_(((values < lower) | (values > upper)).sum(1))
        return True
