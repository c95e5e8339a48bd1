"""Weighted symmetry functions: Behler's, summed over neighbours of all species with their atomic
number as weight, so that there are as many for twenty species as for one.

M. Gastegger, L. Schwiedrzik, M. Bittermann, F. Berzsenyi, P. Marquetand, J. Chem. Phys. 148, 241709
(2018), with g(Z) = Z and h(Z, Z') = Z Z'; types 12 and 13 of n2p2.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.descriptors.behler_functions import BehlerSettings, angular_name, radial_name
from mlip.descriptors.symmetry_sums import AngularSums, Neighbourhoods, RadialSums
from mlip.ops.cutoffs import CUTOFF_FUNCTIONS
from mlip.ops.padding import pair_rectangles

#: Pairs of neighbours treated at once; bounds memory and keeps results in a core's cache.
_PAIRS = 65536


class WeightedSymmetryFunctionsConfig(BehlerSettings):
    """Settings of weighted symmetry functions."""

    name: Literal["weighted_symmetry_functions"] = "weighted_symmetry_functions"


class WeightedSymmetryFunctions(Descriptor):
    """Radial, then angular functions over neighbours of all species."""

    Config = WeightedSymmetryFunctionsConfig
    atomic_numbers: Tensor

    def __init__(self, config: WeightedSymmetryFunctionsConfig, species: Sequence[int]) -> None:
        self.radial_functions = config.radial_functions()
        self.angular_functions = config.angular_functions()
        n_features = len(self.radial_functions) + len(self.angular_functions)
        super().__init__(species, config.cutoff, n_features)
        self.config: WeightedSymmetryFunctionsConfig = config
        self.radial = RadialSums(self.radial_functions)
        self.angular = AngularSums(self.angular_functions, config.cutoff, config.cutoff_function)
        numbers = torch.tensor(self.species, dtype=torch.float64)
        self.register_buffer("atomic_numbers", numbers, persistent=False)

    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        n_atoms = len(species_index)
        distances = torch.linalg.vector_norm(vectors, dim=1)
        numbers = self.atomic_numbers.to(vectors.dtype)[species_index[neighbours]]
        cutoff_function = CUTOFF_FUNCTIONS[self.config.cutoff_function]
        weights = numbers * cutoff_function(distances, self.cutoff)
        radial = self.radial(distances, weights, centres, n_atoms)
        angular = vectors.new_zeros(n_atoms, len(self.angular_functions))
        together = torch.zeros_like(centres)
        for (rectangle,) in pair_rectangles(centres, together, n_atoms, 1, _PAIRS):
            around = Neighbourhoods.of(rectangle, vectors, distances, weights)
            angular = angular.index_add(0, rectangle.rows, self.angular(around))
        return torch.cat([radial, angular], dim=1)

    def feature_names(self) -> list[str]:
        radial = [f"weighted {radial_name(f)}" for f in self.radial_functions]
        return radial + [f"weighted {angular_name(f)}" for f in self.angular_functions]
