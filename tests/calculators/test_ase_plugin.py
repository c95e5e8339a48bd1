"""What ASE's search for plug-ins finds."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mlip.calculators import MLIPCalculator, ase_plugin

plugins = pytest.importorskip("ase._4.plugins")


def test_the_calculator_is_found() -> None:
    (plugin,) = plugins.PluginCollection(ase_plugin.__ase_plugins__).calculators
    assert plugin.name == "mlip"
    assert plugin.implementation is MLIPCalculator


def test_it_can_be_listed() -> None:
    collection = plugins.PluginCollection(ase_plugin.__ase_plugins__)
    for plugin in collection:
        plugin.module = ase_plugin
    assert "mlip.calculators.ase_plugin" in collection.display()


def test_the_project_registers_it() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["ase.plugins"] == {"mlip": ase_plugin.__name__}


def test_being_looked_at_costs_nothing() -> None:
    """ASE imports every plug-in to list them; torch must not come along."""
    code = "import sys, mlip.calculators.ase_plugin; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
