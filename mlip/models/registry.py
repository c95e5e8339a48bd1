"""Which models there are, by name: those of this package and those that other packages add, with
entry points of the group ``mlip.models`` (see `mlip.components`)."""

from collections.abc import Sequence
from typing import Any

from mlip.components import any_config, with_added
from mlip.models.base import Potential
from mlip.models.behler_parrinello import BehlerParrinello
from mlip.models.equivariant import Equivariant

#: The models of this package. A new one is a file and a line here.
_OWN: dict[str, type[Potential]] = {
    "behler_parrinello": BehlerParrinello,
    "equivariant": Equivariant,
}

#: Every model by its name in config files.
MODELS: dict[str, type[Potential]] = with_added(_OWN, Potential, "mlip.models")

#: The config of any model.
ModelConfig = any_config(MODELS.values())


def build_model(config: Any, species: Sequence[int]) -> Potential:
    """A new model, in float64, with random weights from torch's generator.

    Parameters
    ----------
    config : a `ModelConfig`
    species : atomic numbers the model is to know
    """
    return MODELS[config.name].build(config, species)
