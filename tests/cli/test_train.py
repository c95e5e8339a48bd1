"""`mlip train` as a person uses it: from the first look to show and evaluate."""

from pathlib import Path

import pytest
import yaml
from ase.io import write
from silicon import crystals, with_results
from typer.testing import CliRunner, Result

from mlip.cli.main import app, main


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
