"""Which descriptors there are, by name: those of this package and those that other packages add.

Another package adds a descriptor with an entry point of the group ``mlip.descriptors``, whose name
is the name of the descriptor and whose object is the class, a `mlip.descriptors.base.Descriptor`
with a `Config` that has ``name: Literal["its_name"] = "its_name"`` as first field.
"""

import functools
import operator
import warnings
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

from pydantic import Field

from mlip.descriptors.base import Descriptor
from mlip.descriptors.soap import SOAP
from mlip.settings import Settings

#: The descriptors of this package. A new one is a file and a line here.
_OWN: dict[str, type[Descriptor]] = {
    "soap": SOAP,
}


def _added(points: Iterable[EntryPoint]) -> dict[str, type[Descriptor]]:
    """Descriptors of other packages. One that cannot be used is left out with a warning: a broken
    package must not take this one with it."""
    descriptors = {}
    for point in points:
        try:
            descriptors[point.name] = _checked(point.name, point.load())
        except Exception as problem:  # anything can happen in foreign code
            warnings.warn(
                f"the descriptor {point.name!r} of {point.value} cannot be used: {problem}",
                stacklevel=2,
            )
    return descriptors


def _checked(name: str, kind: Any) -> type[Descriptor]:
    if not (isinstance(kind, type) and issubclass(kind, Descriptor)):
        raise TypeError(f"{kind!r} is not a Descriptor")
    if name in _OWN:
        raise ValueError("the name is taken by a descriptor of mlip itself")
    field = kind.Config.model_fields.get("name")
    if field is None or field.default != name:
        raise ValueError(f"the first field of its Config must be name: Literal[{name!r}]")
    return kind


def _one_of(configs: Sequence[type[Settings]]) -> Any:
    """The union of configs, told apart by their name."""
    if len(configs) == 1:
        return configs[0]
    return Annotated[functools.reduce(operator.or_, configs), Field(discriminator="name")]  # type: ignore[arg-type]


#: Every descriptor by its name in config files.
DESCRIPTORS: dict[str, type[Descriptor]] = _OWN | _added(entry_points(group="mlip.descriptors"))

#: The config of any descriptor.
DescriptorConfig = _one_of([kind.Config for kind in DESCRIPTORS.values()])


def build_descriptor(config: Any, species: Sequence[int]) -> Descriptor:
    """A descriptor, in float64.

    Parameters
    ----------
    config : a `DescriptorConfig`
    species : atomic numbers it is to distinguish
    """
    return DESCRIPTORS[config.name].build(config, species)
