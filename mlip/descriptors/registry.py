"""Which descriptors there are, by name: those of this package and those that other packages add,
with entry points of the group ``mlip.descriptors`` (see `mlip.components`)."""

from collections.abc import Sequence
from typing import Any

from mlip.components import any_config, with_added
from mlip.descriptors.base import Descriptor
from mlip.descriptors.chebyshev import Chebyshev
from mlip.descriptors.soap import SOAP
from mlip.descriptors.symmetry_functions import SymmetryFunctions
from mlip.descriptors.symmetry_functions_by_element import SymmetryFunctionsByElement
from mlip.descriptors.weighted_symmetry_functions import WeightedSymmetryFunctions

#: The descriptors of this package. A new one is a file and a line here.
_OWN: dict[str, type[Descriptor]] = {
    "soap": SOAP,
    "symmetry_functions": SymmetryFunctions,
    "symmetry_functions_by_element": SymmetryFunctionsByElement,
    "weighted_symmetry_functions": WeightedSymmetryFunctions,
    "chebyshev": Chebyshev,
}

#: Every descriptor by its name in config files.
DESCRIPTORS: dict[str, type[Descriptor]] = with_added(_OWN, Descriptor, "mlip.descriptors")

#: The config of any descriptor.
DescriptorConfig = any_config(DESCRIPTORS.values())


def build_descriptor(config: Any, species: Sequence[int]) -> Descriptor:
    """A descriptor, in float64.

    Parameters
    ----------
    config : a `DescriptorConfig`
    species : atomic numbers it is to distinguish
    """
    return DESCRIPTORS[config.name].build(config, species)
