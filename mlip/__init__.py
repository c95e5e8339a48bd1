"""Machine-learned interatomic potentials from DFT data: train them, trust them, run them.

The names below are the public interface. Each is imported the first time it is used, so that
``import mlip`` costs next to nothing and has no side effect.
"""

import importlib
from importlib import metadata
from typing import Any

_HOME = {
    "AtomicGraph": "mlip.graph",
    "Chebyshev": "mlip.descriptors",
    "Committee": "mlip.models",
    "DESCRIPTORS": "mlip.descriptors",
    "LabelKeys": "mlip.data",
    "MDSettings": "mlip.calculators.dynamics",
    "MLIPCalculator": "mlip.calculators",
    "MODELS": "mlip.models",
    "ModelCard": "mlip.models",
    "SOAP": "mlip.descriptors",
    "SymmetryFunctions": "mlip.descriptors",
    "TrainingConfig": "mlip.training",
    "WeightedSymmetryFunctions": "mlip.descriptors",
    "check_frames": "mlip.data",
    "evaluate": "mlip.models",
    "examine": "mlip.validation.doctor",
    "frames_from_atoms": "mlip.data",
    "load_model": "mlip.models",
    "load_settings": "mlip.settings",
    "neighbour_list": "mlip.neighbours",
    "parse_settings": "mlip.settings",
    "predict": "mlip.models",
    "read_card": "mlip.models",
    "read_frames": "mlip.data",
    "run_md": "mlip.calculators.dynamics",
    "save_model": "mlip.models",
    "split_frames": "mlip.data",
    "train": "mlip.training",
    "with_neighbours": "mlip.neighbours",
    "write_frames": "mlip.data.write",
}
__all__ = sorted(_HOME)  # noqa: PLE0605 - the lazy names, computed from the one table above


def _refuse_foreign_package() -> None:
    """Two distributions that both install a package ``mlip`` overwrite each other's files."""
    try:
        foreign = metadata.distribution("mlip")
    except metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"The distribution 'mlip' {foreign.version} and 'nearsight' both install a package named "
        "'mlip', and one has overwritten files of the other.\n"
        "Use one environment for each. Here: pip uninstall mlip nearsight, "
        "then pip install nearsight."
    )


_refuse_foreign_package()

try:
    __version__ = metadata.version("nearsight")
except metadata.PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0.0.0+uninstalled"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mlip' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
