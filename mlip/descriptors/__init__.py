"""Descriptors: fixed, invariant features of atomic environments.

What needs the table of all descriptors is imported when it is first used: a package that adds a
descriptor can then import `Descriptor` from here before the table, which imports that package, is
made.
"""

import importlib
from typing import TYPE_CHECKING, Any

from mlip.descriptors.base import Descriptor
from mlip.descriptors.behler_functions import (
    AngularFunction,
    AngularGrid,
    RadialFunction,
    RadialGrid,
)
from mlip.descriptors.chebyshev import Chebyshev, ChebyshevConfig
from mlip.descriptors.soap import SOAP, SOAPConfig
from mlip.descriptors.symmetry_functions import SymmetryFunctions, SymmetryFunctionsConfig
from mlip.descriptors.symmetry_functions_by_element import (
    ListedAngularFunction,
    ListedRadialFunction,
    SymmetryFunctionsByElement,
    SymmetryFunctionsByElementConfig,
)
from mlip.descriptors.weighted_symmetry_functions import (
    WeightedSymmetryFunctions,
    WeightedSymmetryFunctionsConfig,
)

if TYPE_CHECKING:
    from mlip.descriptors.registry import DESCRIPTORS, DescriptorConfig, build_descriptor

__all__ = [
    "DESCRIPTORS",
    "SOAP",
    "AngularFunction",
    "AngularGrid",
    "Chebyshev",
    "ChebyshevConfig",
    "Descriptor",
    "DescriptorConfig",
    "ListedAngularFunction",
    "ListedRadialFunction",
    "RadialFunction",
    "RadialGrid",
    "SOAPConfig",
    "SymmetryFunctions",
    "SymmetryFunctionsByElement",
    "SymmetryFunctionsByElementConfig",
    "SymmetryFunctionsConfig",
    "WeightedSymmetryFunctions",
    "WeightedSymmetryFunctionsConfig",
    "build_descriptor",
]

_LATER = ("DESCRIPTORS", "DescriptorConfig", "build_descriptor")


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'mlip.descriptors' has no attribute {name!r}")
    return getattr(importlib.import_module("mlip.descriptors.registry"), name)
