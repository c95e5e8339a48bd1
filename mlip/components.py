"""Components chosen by name in config files, and those that other packages add to a table of them.

A component is a class with a `Config`, whose first field is ``name: Literal["its_name"] =
"its_name"``. Another package adds one with an entry point: the group is the table's, the name the
component's, the object the class.
"""

import functools
import operator
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, TypeVar

from pydantic import Field

Kind = TypeVar("Kind", bound=type)


def with_added(own: Mapping[str, Kind], base: type, group: str) -> dict[str, Kind]:
    """A table of components of one `base`: our own, and those of the entry points of a group.

    One that cannot be used is left out with a warning: a broken package must not take this one
    with it.
    """
    return {**own, **_added(entry_points(group=group), own, base)}


def any_config(kinds: Iterable[Any]) -> Any:
    """The type of the config of any of the components: a union, told apart by their names."""
    configs = [kind.Config for kind in kinds]
    if len(configs) == 1:
        return configs[0]
    return Annotated[functools.reduce(operator.or_, configs), Field(discriminator="name")]


def _added(points: Iterable[EntryPoint], own: Mapping[str, Kind], base: type) -> dict[str, Kind]:
    added = {}
    for point in points:
        try:
            added[point.name] = _checked(point.name, point.load(), own, base)
        except Exception as problem:  # anything can happen in foreign code
            warnings.warn(
                f"{point.name!r} of {point.value} cannot be used: {problem}", stacklevel=3
            )
    return added


def _checked(name: str, kind: Any, own: Mapping[str, Kind], base: type) -> Kind:
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise TypeError(f"{kind!r} is not a {base.__name__}")
    if name in own:
        raise ValueError("the name is taken by a component of mlip itself")
    field = kind.Config.model_fields.get("name")  # type: ignore[attr-defined]
    if field is None or field.default != name:
        raise ValueError(f"the first field of its Config must be name: Literal[{name!r}]")
    return kind  # type: ignore[return-value]
