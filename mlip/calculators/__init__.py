"""Use: an ASE calculator and molecular dynamics with trained potentials.

Nothing is imported before it is used: ASE reads this package when it looks for plug-ins.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlip.calculators.ase_calculator import ExtrapolationWarning, MLIPCalculator, NoStressError

__all__ = ["ExtrapolationWarning", "MLIPCalculator", "NoStressError"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mlip.calculators' has no attribute {name!r}")
    return getattr(importlib.import_module("mlip.calculators.ase_calculator"), name)
