"""Behler's atom-centred symmetry functions: G2 for each species of neighbours, G4 and G5 for each
pair of species.

J. Behler, J. Chem. Phys. 134, 074106 (2011). With the cosine cutoff, values equal those of
DScribe's ``ACSF`` for the same parameters, and of n2p2's types 2, 3 and 9.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Literal

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.descriptors.behler_functions import BehlerSettings, angular_name, radial_name
from mlip.descriptors.symmetry_sums import AngularSums, Neighbourhoods, RadialSums
from mlip.ops.cutoffs import CUTOFF_FUNCTIONS
from mlip.ops.padding import pair_rectangles

#: Pairs of neighbours treated at once; bounds memory and keeps results in a core's cache.
_PAIRS = 65536


class SymmetryFunctionsConfig(BehlerSettings):
    """Settings of Behler's symmetry functions."""

    name: Literal["symmetry_functions"] = "symmetry_functions"


class SymmetryFunctions(Descriptor):
    """Radial functions for each species, then angular functions for each pair of species, the same
    for all centres."""

    Config = SymmetryFunctionsConfig

    def __init__(self, config: SymmetryFunctionsConfig, species: Sequence[int]) -> None:
        self.radial_functions = config.radial_functions()
        self.angular_functions = config.angular_functions()
        n = len(set(species))
        n_radial, n_angular = len(self.radial_functions), len(self.angular_functions)
        super().__init__(species, config.cutoff, n * n_radial + n * (n + 1) // 2 * n_angular)
        self.config: SymmetryFunctionsConfig = config
        self.species_pairs = list(combinations_with_replacement(range(n), 2))
        self.radial = RadialSums(self.radial_functions)
        self.angular = AngularSums(self.angular_functions, config.cutoff, config.cutoff_function)

    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        n_atoms, n_species = len(species_index), len(self.species)
        species = species_index[neighbours]
        distances = torch.linalg.vector_norm(vectors, dim=1)
        weights = CUTOFF_FUNCTIONS[self.config.cutoff_function](distances, self.cutoff)
        row = centres * n_species + species
        radial = self.radial(distances, weights, row, n_atoms * n_species)
        angular = vectors.new_zeros(n_atoms, len(self.species_pairs) * len(self.angular_functions))
        for group in pair_rectangles(centres, species, n_atoms, n_species, _PAIRS):
            around = [Neighbourhoods.of(r, vectors, distances, weights) for r in group]
            sums = [
                self.angular(around[a], None if a == b else around[b])
                for a, b in self.species_pairs
            ]
            angular = angular.index_add(0, group[0].rows, torch.cat(sums, dim=1))
        radial = radial.reshape(n_atoms, n_species * len(self.radial_functions))
        return torch.cat([radial, angular], dim=1)

    def feature_names(self) -> list[str]:
        symbols = [chemical_symbols[z] for z in self.species]
        radial = [f"{s} {radial_name(f)}" for s in symbols for f in self.radial_functions]
        angular = [
            f"{symbols[a]}-{symbols[b]} {angular_name(f)}"
            for a, b in self.species_pairs
            for f in self.angular_functions
        ]
        return radial + angular
