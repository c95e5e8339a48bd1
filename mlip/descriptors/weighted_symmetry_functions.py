"""Weighted symmetry functions: Behler's, summed over neighbours of all species with their atomic
number as weight, so that there are as many for twenty species as for one.

M. Gastegger, L. Schwiedrzik, M. Bittermann, F. Berzsenyi, P. Marquetand, J. Chem. Phys. 148, 241709
(2018), with g(Z) = Z and h(Z, Z') = Z Z'; types 12 and 13 of n2p2.
"""

from collections.abc import Sequence
from typing import Literal

from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.descriptors.behler_functions import BehlerSettings, function_name
from mlip.descriptors.term_sums import Term


class WeightedSymmetryFunctionsConfig(BehlerSettings):
    """Settings of weighted symmetry functions."""

    name: Literal["weighted_symmetry_functions"] = "weighted_symmetry_functions"


class WeightedSymmetryFunctions(BehlerDescriptor):
    """Radial, then angular functions over neighbours of all species."""

    Config = WeightedSymmetryFunctionsConfig

    def __init__(self, config: WeightedSymmetryFunctionsConfig, species: Sequence[int]) -> None:
        terms = [Term(f, f.cutoff or config.cutoff, None) for f in config.functions()]
        super().__init__(config, species, [terms])

    def feature_names(self) -> list[str]:
        return [f"weighted {function_name(term.function)}" for term in self.lists[0]]
