"""What ASE finds when it looks for plug-ins (entry-point group ``ase.plugins``).

ASE calls this interface experimental, so nothing here may fail when it changes: without it,
``from mlip import MLIPCalculator`` works all the same. Nothing heavy is imported.
"""

from importlib import metadata
from typing import Any

_DISTRIBUTION = "nearsight"

__ase_plugins__ = set()

try:
    from ase._4.plugins.plugin import CalculatorPlugin
except ImportError:  # an ASE before the experiment, or after it
    pass
else:

    class _Plugin(CalculatorPlugin):
        """ASE would look up the version of a distribution named like the package."""

        @property
        def package_data(self) -> Any:
            try:
                return metadata.metadata(_DISTRIBUTION)
            except metadata.PackageNotFoundError:  # a checkout that is not installed
                return None

    __ase_plugins__.add(
        _Plugin(name="mlip", implementation="mlip.calculators.ase_calculator.MLIPCalculator")
    )
