"""`mlip uncertainty`: from models to one that knows how wrong it may be, and says so."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from silicon import crystals, graphs, molecules, with_results
from typer.testing import CliRunner, Result

from mlip.calculators import MLIPCalculator
from mlip.cli.main import app
from mlip.data import fingerprint, read_frames
from mlip.models import (
    DatasetCard,
    Laplace,
    ModelCard,
    build_model,
    load_model,
    read_card,
    save_model,
)
from mlip.models.behler_parrinello import BehlerParrinello

pytestmark = pytest.mark.filterwarnings("ignore:the model extrapolates")  # rounding of the files


def mlip(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, the data they might have been trained on, and other data."""
    folder = tmp_path_factory.mktemp("uncertainty")
    frames = [*crystals(2), *molecules(2)]
    soap = {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 1}
    for seed in (0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = build_model(BehlerParrinello.Config(descriptor=soap, hidden=(4,)), [1, 14])
        model.adapt(graphs(frames))
        model.composition.set({1: -10.0, 14: -140.0}, 1.0)
        save_model(folder / f"{seed}.safetensors", model, ModelCard(citation="somebody"))
    write(folder / "train.extxyz", [with_results(f) for f in frames], format="extxyz")
    others = [*crystals(2, seed=1), *molecules(2, seed=1)]
    write(folder / "other.extxyz", [with_results(f) for f in others], format="extxyz")
    return folder


@pytest.fixture(scope="module", params=["committee", "laplace"])
def uncertain(folder: Path, request: pytest.FixtureRequest) -> Path:
    output = folder / f"{request.param}.safetensors"
    inputs = {
        "committee": [folder / "0.safetensors", folder / "1.safetensors"],
        "laplace": [folder / "0.safetensors", folder / "train.extxyz", "--passes", 3],
    }
    result = mlip("uncertainty", request.param, *inputs[request.param], "--output", output)
    assert result.exit_code == 0, result.output
    assert "not calibrated" in result.stderr
    return output


def test_it_is_made_and_says_that_it_is_not_calibrated(uncertain: Path) -> None:
    assert load_model(uncertain).knows_its_uncertainty
    shown = mlip("show", uncertain)
    assert "not calibrated" in " ".join(shown.stdout.split())
    assert read_card(uncertain).citation == "somebody"
    assert dict(MLIPCalculator(uncertain).calibration) == {}


def test_it_is_calibrated_into_another_file(uncertain: Path, folder: Path, tmp_path: Path) -> None:
    before, output = uncertain.read_bytes(), tmp_path / "calibrated.safetensors"
    result = mlip("uncertainty", "calibrate", uncertain, folder / "other.extxyz", "-o", output)
    assert result.exit_code == 0, result.output
    assert "Uncertainty (not calibrated)" in result.stdout
    assert uncertain.read_bytes() == before
    cards = read_card(output).calibration
    assert {card.source for card in cards.values()} == {"other.extxyz"}
    assert {card.n_structures for card in cards.values()} == {4}
    atoms = read(folder / "train.extxyz", 3)
    raw, calibrated = MLIPCalculator(uncertain), MLIPCalculator(output)
    for name, card in calibrated.calibration.items():
        old, new = (c.get_property(f"{name}_uncertainty", atoms) for c in (raw, calibrated))
        np.testing.assert_allclose(new, card.factor * old, rtol=1e-10)
    shown = " ".join(mlip("show", output).stdout.split())
    assert "energy and forces calibrated on other.extxyz" in shown
    assert "Calibration of uncertainties" in shown


def test_once_calibrated_the_factor_is_one(uncertain: Path, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "calibrated.safetensors"
    mlip("uncertainty", "calibrate", uncertain, folder / "other.extxyz", "--output", output)
    found = json.loads(mlip("evaluate", output, folder / "other.extxyz", "--json").stdout)
    for one in found["uncertainty"].values():
        assert one["factor"] == pytest.approx(1.0, rel=1e-9)
        assert one["calibrated_on"] == "other.extxyz"


def test_the_report_draws_it(uncertain: Path, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = mlip("evaluate", uncertain, folder / "other.extxyz", "--report", page)
    assert result.exit_code == 0, result.output
    text = page.read_text()
    assert text.count("<img") == 3
    assert "errors against uncertainties" in text
    assert "not calibrated" in text
    assert f"{uncertain.name} on other.extxyz" in text
    single = mlip("evaluate", folder / "0.safetensors", folder / "other.extxyz", "--report", page)
    assert single.exit_code == 0, single.output
    assert page.read_text().count("<img") == 2


def test_passes_are_kept(folder: Path) -> None:
    output = folder / "exact.safetensors"
    mlip("uncertainty", "laplace", folder / "1.safetensors", folder / "train.extxyz", "-o", output,
         "--passes", 10)  # fmt: skip
    model = load_model(output)
    assert isinstance(model, Laplace)
    assert model.posterior.mixing.shape == (10, 10)


@pytest.fixture
def trained(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model whose card tells its data, and a file that has an isolated atom beside them."""
    frames = read_frames([folder / "train.extxyz"])
    model, card = (
        load_model(folder / "0.safetensors"),
        DatasetCard(fingerprint=fingerprint(frames), n_structures=4, n_atoms=30),
    )
    save_model(tmp_path / "model.safetensors", model, ModelCard(dataset=card))
    alone = Atoms("Si", cell=[20, 20, 20], pbc=True)
    alone.calc = SinglePointCalculator(alone, energy=-100.0, forces=np.zeros((1, 3)))
    write(tmp_path / "data.extxyz", [alone, *read(folder / "train.extxyz", ":")], format="extxyz")
    return tmp_path / "model.safetensors", tmp_path / "data.extxyz"


def test_of_isolated_atoms_nothing_was_learned(trained: tuple[Path, Path], folder: Path) -> None:
    model, data = trained
    paths = {}
    for file in (data, folder / "train.extxyz", folder / "other.extxyz"):
        paths[file.name] = data.with_name(f"from-{file.stem}.safetensors")
        told = mlip("uncertainty", "laplace", model, file, "--output", paths[file.name])
        assert told.exit_code == 0, told.exception
        assert "from 4 structures" in told.stderr
        assert ("not exactly the 4 structures" in told.stderr) == (file.name == "other.extxyz")
    assert paths["data.extxyz"].read_bytes() == paths["train.extxyz"].read_bytes()


def test_calibration_wants_other_data_than_those_trained_on(trained: tuple[Path, Path]) -> None:
    model, data = trained
    uncertain, output = data.with_name("uncertain"), data.with_name("calibrated")
    mlip("uncertainty", "laplace", model, data, "--output", uncertain)
    told = mlip("uncertainty", "calibrate", uncertain, data, "--output", output)
    assert isinstance(told.exception, ValueError)
    assert "data.extxyz: these are the structures that the model was trained on" in str(
        told.exception
    )
    assert not output.exists()


def test_what_cannot_be_calibrated_says_why(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "none.safetensors"
    result = CliRunner().invoke(app, ["uncertainty", "calibrate", str(folder / "0.safetensors"),
                                      str(folder / "other.extxyz"), "-o", str(output)])  # fmt: skip
    assert isinstance(result.exception, ValueError)
    assert "does not know its uncertainty" in str(result.exception)
    assert not output.exists()


def test_a_committee_is_of_two_models_that_differ(folder: Path, tmp_path: Path) -> None:
    output, member = tmp_path / "none.safetensors", folder / "0.safetensors"
    alone = mlip("uncertainty", "committee", member, "-o", output)
    assert "from two models on" in str(alone.exception)
    twice = mlip("uncertainty", "committee", member, folder / "1.safetensors", member, "-o", output)
    assert f"{member} and {member} are the same model" in str(twice.exception)
    assert not output.exists()


def test_a_committee_is_of_one_level_of_theory(folder: Path, tmp_path: Path) -> None:
    paths = []
    for number, theory in enumerate(("PBE", "HF")):
        data = DatasetCard(fingerprint="", n_structures=4, n_atoms=20, level_of_theory=theory)
        paths.append(tmp_path / f"{theory}.safetensors")
        model = load_model(folder / f"{number}.safetensors")
        save_model(paths[-1], model, ModelCard(dataset=data))
    result = mlip("uncertainty", "committee", *paths, "-o", tmp_path / "none.safetensors")
    assert "different levels of theory" in str(result.exception)


def test_no_model_is_replaced_unless_told(folder: Path, uncertain: Path, tmp_path: Path) -> None:
    members = [folder / "0.safetensors", folder / "1.safetensors"]
    before = members[0].read_bytes()
    for verb in (["committee", *members], ["laplace", members[0], folder / "train.extxyz"]):
        for option in ([], ["--overwrite"]):
            lost = mlip("uncertainty", *verb, "-o", members[0], *option)
            assert "is read and would be lost" in str(lost.exception)
    assert members[0].read_bytes() == before
    output = tmp_path / "model.safetensors"
    output.write_bytes(before)
    calibrate = ["uncertainty", "calibrate", uncertain, folder / "other.extxyz", "-o"]
    assert "exists already; --overwrite" in str(mlip(*calibrate, output).exception)
    assert mlip(*calibrate, output, "--overwrite").exit_code == 0
    missing = mlip(*calibrate, tmp_path / "absent" / "model.safetensors")
    assert "there is no folder" in str(missing.exception)
