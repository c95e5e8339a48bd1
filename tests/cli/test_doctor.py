"""`mlip doctor`: the findings as a table, as JSON, and as exit status."""

import json
import sys
from pathlib import Path

import ase.io
import pytest
import torch
from ase.build import bulk
from toy import write_network

from mlip.cli.main import main
from mlip.models import load_model, save_model
from mlip.validation.doctor import CHECKS


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "silicon.safetensors"
    write_network(path)
    return path


@pytest.fixture
def mlip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["mlip", *(str(a) for a in arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0

    monkeypatch.chdir(tmp_path)
    return run


def test_a_sound_network_passes_all_checks(mlip, model, capsys) -> None:
    assert mlip("doctor", model, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_structures"] == 0
    assert len(found["checks"]) == len(CHECKS)
    verdicts = {check["name"]: check["verdict"] for check in found["checks"]}
    unsound = {name: v for name, v in verdicts.items() if v not in ("pass", "skip")}
    assert unsound.keys() <= {"isolated atoms"}
    assert set(found["checks"][0]) == {"name", "verdict", "figure", "unit", "bound", "meaning"}


def test_the_table_shows_every_check(mlip, model, capsys) -> None:
    frames = [bulk("Si", cubic=True) for _ in range(8)]
    for number, atoms in enumerate(frames):
        atoms.rattle(0.05, seed=number)
    ase.io.write("own.extxyz", frames)
    assert mlip("doctor", model, "own.extxyz", "--frames", 2) == 0
    shown = capsys.readouterr().out
    assert "on 2 of your structures" in shown
    assert "pass  rotation" in shown
    assert "forces are the derivative of the energy" in " ".join(shown.split())
    assert "0 fail" in shown


def test_a_failed_check_is_status_1(mlip, model, capsys) -> None:
    sick = load_model(model)
    with torch.no_grad():
        for parameter in sick.parameters():
            parameter.mul_(1e200)
    save_model("sick.safetensors", sick)
    assert mlip("doctor", "sick.safetensors", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "fail"
    failed = {check["name"] for check in found["checks"] if check["verdict"] == "fail"}
    assert "finite numbers" in failed


def test_unknown_elements_are_one_clean_message(mlip, model, capsys) -> None:
    ase.io.write("copper.extxyz", bulk("Cu"))
    assert mlip("doctor", model, "copper.extxyz") == 1
    shown = capsys.readouterr()
    assert "does not know Cu" in shown.err
    assert shown.out == ""
