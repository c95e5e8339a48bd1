"""Models: potentials that give energies of atoms, and everything derived from them.

What needs the table of all models is imported when it is first used: a package that adds a model
can then import `Potential` from here before the table, which imports that package, is made.
"""

import importlib
from typing import TYPE_CHECKING, Any

from mlip.models.base import Potential
from mlip.models.card import CalibrationCard, DatasetCard, ErrorCard, ModelCard
from mlip.models.derivatives import PREDICTABLE, UNCERTAINTIES, predict
from mlip.models.evaluation import evaluate

if TYPE_CHECKING:
    from mlip.models.behler_parrinello import BehlerParrinello
    from mlip.models.committee import Committee
    from mlip.models.equivariant import Equivariant
    from mlip.models.files import ModelFileError, card_of, load_model, read_card, save_model
    from mlip.models.laplace import Laplace
    from mlip.models.registry import MODELS, ModelConfig, build_model

__all__ = [
    "MODELS",
    "PREDICTABLE",
    "UNCERTAINTIES",
    "BehlerParrinello",
    "CalibrationCard",
    "Committee",
    "DatasetCard",
    "Equivariant",
    "ErrorCard",
    "Laplace",
    "ModelCard",
    "ModelConfig",
    "ModelFileError",
    "Potential",
    "build_model",
    "card_of",
    "evaluate",
    "load_model",
    "predict",
    "read_card",
    "save_model",
]

_LATER = {
    "MODELS": "registry",
    "ModelConfig": "registry",
    "build_model": "registry",
    "BehlerParrinello": "behler_parrinello",
    "Committee": "committee",
    "Equivariant": "equivariant",
    "Laplace": "laplace",
    "ModelFileError": "files",
    "card_of": "files",
    "load_model": "files",
    "read_card": "files",
    "save_model": "files",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'mlip.models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mlip.models.{_LATER[name]}"), name)
