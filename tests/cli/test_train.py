"""`mlip train` as a person uses it: from the first look to show and evaluate."""

from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml
from ase.io import write
from silicon import crystals, with_results
from typer.testing import CliRunner, Result

from mlip.cli.main import app, main
from mlip.training.loop import Trainer


def mlip(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "train.extxyz", [with_results(f) for f in crystals(10)], format="extxyz")
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump(
            {
                "data": {"train": ["train.extxyz"], "valid": 0.2, "test": 0.2},
                "model": {
                    "name": "behler_parrinello",
                    "descriptor": {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 1},
                    "hidden": [4],
                },
                "device": "cpu",
            }
        ),
        encoding="utf-8",
    )
    return tmp_path


def test_structures_in_place_of_a_config(folder: Path) -> None:
    shown = str(mlip("train", folder / "train.extxyz").exception)
    assert "looks like structures (extxyz), not like a config" in shown
    assert f"data: {{train: [{folder / 'train.extxyz'}]}}" in shown
    (folder / "model.safetensors").write_bytes(b"\xff")
    assert "is a model" in str(mlip("train", folder / "model.safetensors").exception)


def test_an_energy_under_another_name_says_where_to_declare_it(folder: Path) -> None:
    options = ["--set", "data.keys.energy=other", "--run-folder", folder / "run"]
    shown = str(mlip("train", folder / "config.yaml", *options).exception)
    assert "data.keys.energy in a config" in shown


def test_a_run_that_learned_nothing_leaves_its_folder_to_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--set", "epochs=1", "--run-folder", folder / "run"]
    for problem in (ValueError("no"), KeyboardInterrupt()):
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "run", Mock(side_effect=problem))
            assert mlip("train", folder / "config.yaml", *options).exit_code != 0
        assert "stopped: no" in (folder / "run" / "train.log").read_text(encoding="utf-8")
    result = mlip("train", folder / "config.yaml", *options)
    assert result.exit_code == 0, result.output


def test_a_full_disk_is_told_with_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "run", Mock(side_effect=OSError(28, "No space left on device")))
    told = mlip("train", folder / "config.yaml", "--run-folder", folder / "run").exception
    assert isinstance(told, OSError)
    assert told.filename == str(folder / "run")


def test_what_is_printed(folder: Path) -> None:
    run = folder / "run"
    result = mlip("train", folder / "config.yaml", "--set", "epochs=3", "--run-folder", run)
    assert result.exit_code == 0, result.output
    progress, errors = result.stderr, result.stdout
    for fact in ("labels found in 10 structures", "6 structures", "least squares", "parameters",
                 "float32", "meV/atom", "valid loss"):  # fmt: skip
        assert fact in progress
    epochs = [line.split()[0] for line in progress.splitlines() if line.rstrip().endswith("*")]
    assert epochs[0] == "1"
    assert "test" in errors
    assert "meV/Å^3" in errors
    assert (run / "model.safetensors").exists()
    again = mlip("train", folder / "config.yaml", "--set", "epochs=3", "--run-folder", run)
    assert isinstance(again.exception, ValueError)
    assert "--resume" in str(again.exception)
    longer = mlip(
        "train", folder / "config.yaml", "--set", "epochs=4", "--run-folder", run, "--resume"
    )
    assert longer.exit_code == 0, longer.output
    assert "resumed after epoch 3" in longer.stderr


def test_the_default_folder_is_named_after_the_config(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = mlip("train", "config.yaml", "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert (folder / "runs" / "config" / "report.html").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epoch=3", "did you mean 'epochs'"),
        ("data.train=[absent.extxyz]", "absent.extxyz"),
        ("model.descriptor.name=sope", "soap"),
        ("device=abacus", "abacus"),
    ],
)
def test_mistakes_end_in_one_message(
    folder: Path,
    change: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["mlip", "train", str(folder / "config.yaml"), "--set", change]
    monkeypatch.setattr("sys.argv", [*command, "--run-folder", str(folder / "run")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert "error:" in shown
    assert message in shown
    assert "Traceback" not in shown
