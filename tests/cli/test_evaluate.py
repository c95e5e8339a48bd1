"""`mlip evaluate` and `mlip show`, on a model that nobody trained."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.io import read, write
from silicon import crystals, graphs, molecules, with_results
from typer.testing import CliRunner, Result

from mlip.calculators import MLIPCalculator
from mlip.cli.main import app
from mlip.models import (
    Committee,
    DatasetCard,
    ErrorCard,
    ModelCard,
    build_model,
    load_model,
    save_model,
)
from mlip.models.behler_parrinello import BehlerParrinello


def mlip(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    frames = [*crystals(4), *molecules(3)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        descriptor = {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 2}
        model = build_model(BehlerParrinello.Config(descriptor=descriptor, hidden=(4,)), [1, 14])
    model.adapt(graphs(frames))
    model.composition.set({1: -10.0, 14: -140.0}, 1.0)
    card = ModelCard(
        dataset=DatasetCard(fingerprint="abc", n_structures=7, n_atoms=50, level_of_theory="PBE"),
        errors={"test": {"energy": ErrorCard(mae=1.234, rmse=2.0, unit="meV/atom")}},
        reference_energies_source="given",
    )
    save_model(folder / "model.safetensors", model, card)
    atoms = [with_results(f) for f in frames]
    write(folder / "data.extxyz", atoms, format="extxyz")
    write(folder / "molecules.extxyz", atoms[4:], format="extxyz")
    write(folder / "bare.extxyz", [f.atoms for f in frames], format="extxyz")
    return folder


def by_calculator(folder: Path) -> tuple[list[Atoms], list[Atoms]]:
    """Labelled structures, and the same with the model as calculator."""
    labelled = read(folder / "data.extxyz", ":")
    predicted = [a.copy() for a in labelled]
    calculator = MLIPCalculator(folder / "model.safetensors")
    for atoms in predicted:
        atoms.calc = calculator
    return labelled, predicted


@pytest.mark.filterwarnings("ignore:the model extrapolates")
def test_json_is_all_there_is_and_agrees_with_the_calculator(folder: Path) -> None:
    result = mlip("evaluate", folder / "model.safetensors", folder / "data.extxyz", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    labelled, predicted = by_calculator(folder)
    energy = [
        1000 * (p.get_potential_energy() - a.get_potential_energy()) / len(a)
        for a, p in zip(labelled, predicted)
    ]
    forces = np.concatenate(
        [1000 * (p.get_forces() - a.get_forces()).ravel() for a, p in zip(labelled, predicted)]
    )
    stress = np.concatenate(
        [
            1000 * (p.get_stress() - a.get_stress())
            for a, p in zip(labelled, predicted)
            if a.pbc.all()
        ]
    )
    for name, unit, r in (
        ("energy", "meV/atom", np.array(energy)),
        ("forces", "meV/Å", forces),
        ("stress", "meV/Å^3", stress),
    ):
        # extended XYZ keeps eight decimals of forces
        assert found[name]["mae"] == pytest.approx(np.abs(r).mean(), rel=1e-5)
        assert found[name]["rmse"] == pytest.approx(np.sqrt((r**2).mean()), rel=1e-5)
        assert found[name]["unit"] == unit
    assert (found["n_structures"], found["n_atoms"]) == (7, sum(map(len, labelled)))
    assert set(found["by_config_type"]) == {"crystal", "molecule"}
    assert set(found["by_element"]) == {"H", "Si"}


def test_what_has_no_label_is_left_out_and_said(folder: Path) -> None:
    result = mlip("evaluate", folder / "model.safetensors", folder / "molecules.extxyz", "--json")
    assert "stress" not in json.loads(result.stdout)
    assert "no structure has a label for stress" in result.stderr
    result = mlip("evaluate", folder / "model.safetensors", folder / "bare.extxyz", "--json")
    assert result.exit_code == 0, result.output
    assert not {"energy", "forces", "stress"} & set(json.loads(result.stdout))


def test_structures_without_labels_are_still_predicted(folder: Path, tmp_path: Path) -> None:
    command = ["evaluate", folder / "model.safetensors", folder / "bare.extxyz"]
    alone = mlip(*command)
    assert (alone.exit_code, alone.stdout) == (0, "")
    assert "none of 7 structures has a label" in " ".join(alone.stderr.split())
    assert "--output FILE writes the predictions" in " ".join(alone.stderr.split())
    written = mlip(*command, "--output", tmp_path / "predicted.extxyz")
    assert "--output FILE" not in written.stderr
    assert len(read(tmp_path / "predicted.extxyz", ":")) == 7


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_on_a_full_disk_errors_are_shown_and_the_old_file_is_left(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "target"
    target.write_text("old")
    monkeypatch.setattr("os.fsync", full)
    told = mlip("evaluate", folder / "model.safetensors", folder / "data.extxyz", option, target)
    assert isinstance(told.exception, OSError)
    assert told.exception.filename == str(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    assert "meV/atom" in told.stdout


@pytest.fixture(scope="module")
def committee(folder: Path) -> Path:
    """Two members that differ in their last layer."""
    members = [load_model(folder / "model.safetensors") for _ in range(2)]
    with torch.no_grad():
        for parameter in members[1].parameters():
            parameter.mul_(1.1)
    save_model(folder / "committee.safetensors", Committee(members))
    return folder / "committee.safetensors"


def test_a_committee_is_held_against_its_errors(folder: Path, committee: Path) -> None:
    command = ["evaluate", committee, folder / "data.extxyz"]
    found = json.loads(mlip(*command, "--json").stdout)
    for name, one in found["uncertainty"].items():
        assert one["found"] == pytest.approx(found[name]["rmse"], rel=1e-9)
        expected = {"energy": 0.6827, "forces": 0.6084}[name]
        assert one["expected_within"][0] == pytest.approx(expected, abs=1e-4)
        assert 0.0 <= one["within"][0] <= one["within"][1] <= 1.0
        assert one["calibrated_on"] is None
        assert one["unit"] == found[name]["unit"]
    assert set(found["uncertainty"]) == {"energy", "forces"}
    shown = mlip(*command)
    assert "Uncertainty (not calibrated)" in shown.stdout
    assert f"{found['uncertainty']['forces']['factor']:.2f}" in shown.stdout
    single = mlip("evaluate", folder / "model.safetensors", folder / "data.extxyz", "--json")
    assert "uncertainty" not in json.loads(single.stdout)


@pytest.mark.filterwarnings("ignore:the model extrapolates")  # by the rounding of the file
def test_uncertainties_are_written(folder: Path, committee: Path, tmp_path: Path) -> None:
    output = tmp_path / "predicted.extxyz"
    assert mlip("evaluate", committee, folder / "data.extxyz", "--output", output).exit_code == 0
    calculator = MLIPCalculator(committee)
    for atoms in read(output, ":"):
        spread = calculator.get_property("energy_uncertainty", atoms)
        assert atoms.info["energy_uncertainty"] == pytest.approx(spread, rel=1e-6)
        spreads = calculator.get_property("forces_uncertainty", atoms)
        np.testing.assert_allclose(atoms.arrays["forces_uncertainty"], spreads, atol=2e-8)


def test_the_card_of_a_committee_is_read_by_people(committee: Path) -> None:
    shown = mlip("show", committee).stdout
    for fact in ("members", "descriptor.cutoff", "PBE", "7 structures", "test, mean of 2 members"):
        assert fact in shown
    assert "{" not in shown
    assert shown.count("descriptor.n_max") == 1


def test_files_are_taken_together(folder: Path) -> None:
    files = [folder / "molecules.extxyz", folder / "data.extxyz"]
    found = json.loads(mlip("evaluate", folder / "model.safetensors", *files, "--json").stdout)
    assert found["n_structures"] == 10


@pytest.mark.filterwarnings("ignore:the model extrapolates")
def test_output_holds_predictions_and_labels(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "predicted.extxyz"
    result = mlip(
        "evaluate", folder / "model.safetensors", folder / "data.extxyz", "--output", output
    )
    assert result.exit_code == 0, result.output
    labelled, predicted = by_calculator(folder)
    for reference, expected, found in zip(labelled, predicted, read(output, ":"), strict=True):
        # eight decimals in the file
        assert found.get_potential_energy() == pytest.approx(expected.get_potential_energy())
        np.testing.assert_allclose(found.get_forces(), expected.get_forces(), atol=2e-8)
        assert found.info["REF_energy"] == pytest.approx(reference.get_potential_energy())
        np.testing.assert_allclose(found.arrays["REF_forces"], reference.get_forces(), atol=2e-8)
        if reference.pbc.all():
            np.testing.assert_allclose(found.get_stress(), expected.get_stress(), atol=2e-8)
            np.testing.assert_allclose(found.info["REF_stress"], reference.get_stress(), atol=2e-8)
        else:
            assert "stress" not in found.calc.results


@pytest.mark.parametrize("option", ["--output", "--report"])
@pytest.mark.parametrize("source", ["model.safetensors", "data.extxyz"])
def test_what_is_read_is_not_written_over(folder: Path, option: str, source: str) -> None:
    before = (folder / source).read_bytes()
    files = (folder / "model.safetensors", folder / "data.extxyz")
    result = mlip("evaluate", *files, option, folder / source)
    assert "is read and would be lost" in str(result.exception)
    assert (folder / source).read_bytes() == before


def test_where_nothing_can_be_written_is_told_before_the_work(folder: Path, tmp_path: Path) -> None:
    files = (folder / "model.safetensors", folder / "data.extxyz")
    result = mlip("evaluate", *files, "--output", tmp_path / "no" / "out.extxyz")
    assert "there is no folder" in str(result.exception)
    assert not result.stdout


def test_the_table_has_units_and_groups(folder: Path) -> None:
    result = mlip("evaluate", folder / "model.safetensors", folder / "data.extxyz")
    for word in (
        "meV/atom",
        "meV/Å",
        "meV/Å^3",
        "crystal",
        "molecule",
        "By element",
        "7 structures",
    ):
        assert word in result.stdout


def test_unusual_keys_are_named(folder: Path, tmp_path: Path) -> None:
    atoms = [f.atoms.copy() for f in crystals(2)]
    for a in atoms:
        a.info["my_energy"] = -1100.0
    write(tmp_path / "own.extxyz", atoms, format="extxyz")
    command = ["evaluate", folder / "model.safetensors", tmp_path / "own.extxyz", "--json"]
    assert "energy" not in json.loads(mlip(*command).stdout)
    assert "energy" in json.loads(mlip(*command, "--energy-key", "my_energy").stdout)


def test_an_unknown_element_is_named_with_its_frame(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "gold.extxyz", Atoms("Au"), format="extxyz")
    result = mlip("evaluate", folder / "model.safetensors", tmp_path / "gold.extxyz")
    assert isinstance(result.exception, ValueError)
    assert "gold.extxyz#0 contains Au; the model knows H, Si" in str(result.exception)


def test_show_tells_all_and_as_json(folder: Path) -> None:
    shown = mlip("show", folder / "model.safetensors").stdout
    for fact in ("H-Si potential", "behler_parrinello", "descriptor.cutoff", "PBE", "given",
                 "-140.000000", "1.23", "meV/atom", "7 structures"):  # fmt: skip
        assert fact in shown
    card = json.loads(mlip("show", folder / "model.safetensors", "--json").stdout)
    assert card["species"] == ["H", "Si"]
    assert card["errors"]["test"]["energy"]["mae"] == 1.234


def test_extrapolation_is_remarked_on(folder: Path, tmp_path: Path) -> None:
    """Counts by structure and atom; with the predictions, for each atom."""
    frames = read(folder / "bare.extxyz", ":")
    frames[1].positions[0] += 0.5
    write(tmp_path / "moved.extxyz", frames[1:2], format="extxyz")
    output = tmp_path / "out.extxyz"
    model = folder / "model.safetensors"
    result = mlip("evaluate", model, tmp_path / "moved.extxyz", "--output", output)
    assert result.exit_code == 0, result.output
    counts = read(output).arrays["extrapolations"]
    n_outside = int((counts > 0).sum())
    words = f"extrapolation: {n_outside} of {len(counts)} atoms, in 1 of 1 structures"
    assert n_outside > 0
    assert words in " ".join(result.output.split())
