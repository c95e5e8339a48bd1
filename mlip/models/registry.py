"""Which models there are, by name: those of this package and those that other packages add.

Another package adds a model with an entry point of the group ``mlip.models``, whose name is the
name of the model and whose object is the class, a `mlip.models.base.Potential` with a `Config` that
has ``name: Literal["its_name"] = "its_name"`` as first field.
"""

import functools
import operator
import warnings
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

from pydantic import Field

from mlip.models.base import Potential
from mlip.models.behler_parrinello import BehlerParrinello
from mlip.settings import Settings

#: The models of this package. A new one is a file and a line here.
_OWN: dict[str, type[Potential]] = {
    "behler_parrinello": BehlerParrinello,
}


def _added(points: Iterable[EntryPoint]) -> dict[str, type[Potential]]:
    """Models of other packages. One that cannot be used is left out with a warning: a broken
    package must not take this one with it."""
    models = {}
    for point in points:
        try:
            models[point.name] = _checked(point.name, point.load())
        except Exception as problem:  # anything can happen in foreign code
            warnings.warn(
                f"the model {point.name!r} of {point.value} cannot be used: {problem}", stacklevel=2
            )
    return models


def _checked(name: str, kind: Any) -> type[Potential]:
    if not (isinstance(kind, type) and issubclass(kind, Potential)):
        raise TypeError(f"{kind!r} is not a Potential")
    if name in _OWN:
        raise ValueError("the name is taken by a model of mlip itself")
    field = kind.Config.model_fields.get("name")
    if field is None or field.default != name:
        raise ValueError(f"the first field of its Config must be name: Literal[{name!r}]")
    return kind


def _one_of(configs: Sequence[type[Settings]]) -> Any:
    """The union of configs, told apart by their name."""
    if len(configs) == 1:
        return configs[0]
    return Annotated[functools.reduce(operator.or_, configs), Field(discriminator="name")]  # type: ignore[arg-type]


#: Every model by its name in config files.
MODELS: dict[str, type[Potential]] = _OWN | _added(entry_points(group="mlip.models"))

#: The config of any model.
ModelConfig = _one_of([kind.Config for kind in MODELS.values()])


def build_model(config: Any, species: Sequence[int]) -> Potential:
    """A new model, in float64, with random weights from torch's generator.

    Parameters
    ----------
    config : a `ModelConfig`
    species : atomic numbers the model is to know
    """
    return MODELS[config.name].build(config, species)
