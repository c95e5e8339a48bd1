"""Behler's symmetry functions with a list of their own for each element at the centre, as published
potentials of RuNNer and n2p2 have them.

J. Behler, J. Chem. Phys. 134, 074106 (2011); A. Singraber, J. Behler, C. Dellago, J. Chem. Theory
Comput. 15, 1827 (2019).
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from ase.data import atomic_numbers, chemical_symbols
from pydantic import AfterValidator, Field, model_validator

from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.descriptors.behler_functions import (
    AngularFunction,
    CutoffSettings,
    RadialFunction,
    function_name,
)
from mlip.descriptors.term_sums import Term


def _known(symbol: str) -> str:
    if atomic_numbers.get(symbol, 0) < 1:
        raise ValueError(f"{symbol!r} is not an element")
    return symbol


Element = Annotated[str, AfterValidator(_known)]


class ListedRadialFunction(RadialFunction):
    """A radial function of one element's list."""

    type: Literal["G2"] = "G2"
    """As in the paper; n2p2's type 2, or 12 when weighted."""
    neighbour: Element | None = None
    """Which neighbours it sees; null for all, weighted by their atomic number."""


class ListedAngularFunction(AngularFunction):
    """An angular function of one element's list."""

    neighbours: tuple[Element, Element] | None = None
    """Which pairs of neighbours it sees; null for all, weighted by both atomic numbers."""


ListedFunction = Annotated[
    ListedRadialFunction | ListedAngularFunction, Field(discriminator="type")
]


class SymmetryFunctionsByElementConfig(CutoffSettings):
    """Settings of symmetry functions that are listed for each element."""

    name: Literal["symmetry_functions_by_element"] = "symmetry_functions_by_element"
    elements: dict[Element, tuple[ListedFunction, ...]] = Field(min_length=1)
    """For each element at the centre its functions, in the order of the features: {type: G2, eta,
    shift, cutoff, neighbour} or {type: G4, eta, shift, zeta, sign, cutoff, neighbours}."""

    @model_validator(mode="after")
    def _check_functions(self) -> "SymmetryFunctionsByElementConfig":
        functions = [f for functions in self.elements.values() for f in functions]
        if not functions:
            raise ValueError("there must be a radial or an angular function")
        self.check_cutoffs(functions)
        for function in functions:
            unknown = sorted(set(_neighbours(function) or ()) - set(self.elements))
            if unknown:
                raise ValueError(f"{', '.join(unknown)}: a neighbour, but not in `elements`")
        return self


class SymmetryFunctionsByElement(BehlerDescriptor):
    """The functions listed for an atom's element, in their order, then zeros up to the length of
    the longest list."""

    Config = SymmetryFunctionsByElementConfig

    def __init__(self, config: SymmetryFunctionsByElementConfig, species: Sequence[int]) -> None:
        symbols = [chemical_symbols[z] for z in sorted(set(species))]
        if set(symbols) != set(config.elements):
            raise ValueError(
                f"symmetry functions are listed for {', '.join(config.elements)}, "
                f"but the species are {', '.join(symbols)}"
            )
        self.listed = [config.elements[symbol] for symbol in symbols]
        lists = [[_term(f, config.cutoff, symbols) for f in listed] for listed in self.listed]
        super().__init__(config, species, lists)

    def feature_names(self) -> list[str]:
        """What each feature is for each element that has it."""
        centres = [chemical_symbols[z] for z in self.species]
        return [
            "; ".join(
                f"{centre}: {_name(listed[c])}"
                for centre, listed in zip(centres, self.listed)
                if c < len(listed)
            )
            for c in range(self.n_features)
        ]


def _neighbours(function: ListedRadialFunction | ListedAngularFunction) -> tuple[str, ...] | None:
    if isinstance(function, ListedAngularFunction):
        return function.neighbours
    return None if function.neighbour is None else (function.neighbour,)


def _term(
    function: ListedRadialFunction | ListedAngularFunction, cutoff: float, symbols: list[str]
) -> Term:
    seen = _neighbours(function)
    sees = None if seen is None else tuple(sorted(symbols.index(s) for s in seen))
    return Term(function, function.cutoff or cutoff, sees)


def _name(function: ListedRadialFunction | ListedAngularFunction) -> str:
    return f"{'-'.join(_neighbours(function) or ('weighted',))} {function_name(function)}"
