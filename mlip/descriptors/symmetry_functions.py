"""Behler's atom-centred symmetry functions: G2 for each species of neighbours, G4 and G5 for each
pair of species.

J. Behler, J. Chem. Phys. 134, 074106 (2011). With the cosine cutoff, values equal those of
DScribe's ``ACSF`` for the same parameters, and of n2p2's types 2, 3 and 9.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Literal

from ase.data import chemical_symbols

from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.descriptors.behler_functions import BehlerSettings, function_name
from mlip.descriptors.term_sums import Term


class SymmetryFunctionsConfig(BehlerSettings):
    """Settings of Behler's symmetry functions."""

    name: Literal["symmetry_functions"] = "symmetry_functions"


class SymmetryFunctions(BehlerDescriptor):
    """Radial functions for each species, then angular functions for each pair of species, the same
    for all centres."""

    Config = SymmetryFunctionsConfig

    def __init__(self, config: SymmetryFunctionsConfig, species: Sequence[int]) -> None:
        known = range(len(set(species)))
        sees = [(s,) for s in known]
        terms = [
            Term(f, f.cutoff or config.cutoff, s) for s in sees for f in config.radial_functions()
        ]
        terms += [
            Term(f, f.cutoff or config.cutoff, pair)
            for pair in combinations_with_replacement(known, 2)
            for f in config.angular_functions()
        ]
        super().__init__(config, species, [terms])

    def feature_names(self) -> list[str]:
        symbols = [chemical_symbols[z] for z in self.species]
        return [
            f"{'-'.join(symbols[s] for s in term.sees or ())} {function_name(term.function)}"
            for term in self.lists[0]
        ]
