"""Machine-learned interatomic potentials from DFT data: train them, trust them, run them.

The names below are the public interface. Each is imported the first time it is used, so that
``import mlip`` costs next to nothing and has no side effect.
"""

import importlib
from importlib import metadata
from typing import Any

_HOME = {
    "AtomicGraph": "mlip.graph",
    "DESCRIPTORS": "mlip.descriptors",
    "MODELS": "mlip.models",
    "MLIPCalculator": "mlip.calculators",
    "SOAP": "mlip.descriptors",
    "SymmetryFunctions": "mlip.descriptors",
    "Chebyshev": "mlip.descriptors",
    "load_model": "mlip.models",
    "neighbour_list": "mlip.neighbours",
    "predict": "mlip.models",
    "read_frames": "mlip.data",
    "save_model": "mlip.models",
    "with_neighbours": "mlip.neighbours",
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
