"""`mlip convert`: a potential of n2p2 there and back, as a user does it."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from n2p2_by_hand import water_potential
from typer.testing import CliRunner, Result

from mlip.calculators import MLIPCalculator
from mlip.cli.main import app
from mlip.models import load_model, save_model


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", "n2p2", *map(str, arguments)])


def forces(path: Path) -> np.ndarray:
    atoms: Atoms = molecule("H2O")
    return MLIPCalculator(path).get_property("forces", atoms)


@pytest.mark.filterwarnings("ignore:the model extrapolates")
def test_there_and_back(tmp_path: Path) -> None:
    folder = water_potential(mode="sigma", atom_energy={"O": -75.0}).write(tmp_path / "n2p2")
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    result = convert(folder, first)
    assert result.exit_code == 0, result.output
    assert "BehlerParrinello(H O" in result.output.replace("\n", " ")
    assert "atom_energy of H is not given" in " ".join(result.output.split())
    again = convert(folder, first)
    assert "exists already; --overwrite replaces it" in str(again.exception)
    assert convert(folder, first, "--overwrite").exit_code == 0
    missed = convert(first, tmp_path / "other.safetensors")
    assert "from a model file, add --to n2p2" in str(missed.exception)
    model = load_model(first)
    save_model(first, model, model.card.model_copy(update={"licence": "CC0"}))
    result = convert(first, tmp_path / "written", "--to", "n2p2")
    assert "left out, since n2p2 has no place for it: licence" in " ".join(result.stderr.split())
    assert result.exit_code == 0, result.output
    assert {p.name for p in (tmp_path / "written").iterdir()} == {
        "input.nn", "scaling.data", "weights.001.data", "weights.008.data",
    }  # fmt: skip
    assert convert(tmp_path / "written", second).exit_code == 0
    np.testing.assert_allclose(forces(second), forces(first), rtol=1e-11, atol=1e-12)


def test_what_is_shown_of_it_is_what_it_computes(tmp_path: Path) -> None:
    first = tmp_path / "first.safetensors"
    assert convert(water_potential().write(tmp_path / "n2p2"), first).exit_code == 0
    shown = CliRunner().invoke(app, ["show", str(first)], env={"COLUMNS": "150"}).stdout
    keys = [line.split()[0] for line in shown.splitlines() if line.strip()]
    assert "networks.H.hidden" in keys
    assert "hidden" not in keys  # of elements without networks of their own: there are none
    assert "activation" not in keys
    assert re.search(r"^descriptor\.elements\.H +\{type: G\d, ", shown, re.M)
    assert "{type: G2, eta: " in shown
    assert '"eta"' not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "model.safetensors"], "nowhere/input.nn is not there"),
        (["nowhere", "folder", "--to", "lammps"], "--to is n2p2 or left out"),
    ],
)
def test_what_cannot_be(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = convert(*arguments)
    assert result.exit_code == 1
    assert words in str(result.exception)
