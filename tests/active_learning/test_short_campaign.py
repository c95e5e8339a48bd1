"""The short example, as a person runs it: from the command line, to a better potential."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mlip import AtomicGraph, load_model, read_frames
from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.status import campaign_status
from mlip.cli.main import app
from mlip.models import Potential, evaluate
from mlip.settings import load_settings

ROOT = Path(__file__).parents[2]


def mlip(*words: str) -> str:
    result = CliRunner().invoke(app, ["active", *words], env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tblite", reason="makes the labels")
    folder = tmp_path_factory.mktemp("examples") / "active_learning"
    shutil.copytree(ROOT / "examples" / "active_learning", folder)
    assert "finished: 2 iterations are done" in mlip("run", str(folder / "quick"))
    return folder / "quick"


def test_what_init_writes_can_be_filled_in_and_run(tmp_path: Path) -> None:
    mlip("init", str(tmp_path))
    config = load_settings(CampaignConfig, tmp_path / "campaign.yaml")
    assert (config.calculator.preset, config.structures) == ("pyscf", ("start.extxyz",))
    with pytest.raises((ValueError, OSError), match=r"start\.extxyz"):
        mlip("run", str(tmp_path))


def test_all_labels_are_made_and_learned(finished: Path) -> None:
    iterations = campaign_status(finished).iterations
    assert [(one.counts.done, one.counts.failed) for one in iterations] == [(12, 0), (8, 0), (8, 0)]
    shown = mlip("status", str(finished))
    assert "tblite" in shown
    assert "not DFT" in shown


def test_errors_of_new_labels_fall_as_they_are_learned(finished: Path) -> None:
    for one in campaign_status(finished).iterations[1:]:
        assert one.before is not None
        assert one.after is not None
        assert one.after["force_rms"] < one.before["force_rms"]


def test_the_final_potential_is_better_than_the_first_on_structures_it_never_saw(
    finished: Path,
) -> None:
    first = force_error(load_model(finished / "iterations/000/model.safetensors"))
    last = force_error(load_model(finished / "model.safetensors"))
    assert last < 0.5 * first


def force_error(model: Potential) -> float:
    """eV/Å, on dimers from dynamics of other beginnings, by the labeller of the campaign."""
    from tblite.ase import TBLite

    frames = read_frames(ROOT / "datasets" / "water_clusters" / "test.extxyz")
    dimers = [frame.atoms for frame in frames if frame.config_type == "dimer"]
    differences = []
    for atoms, found in zip(dimers, evaluate(model, map(AtomicGraph.from_atoms, dimers))):
        atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
        differences.append(found["forces"] - atoms.get_forces())
    return float(np.sqrt(np.mean(np.concatenate(differences) ** 2)))
