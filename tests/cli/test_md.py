"""`mlip md`, from the command line to the files it leaves."""

import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from toy import write_network

from mlip.calculators.md_records import read_log
from mlip.cli.main import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "silicon.safetensors"
    write_network(path)
    return path


@pytest.fixture
def structure(tmp_path: Path) -> Path:
    path = tmp_path / "silicon.extxyz"
    other = Atoms("Si", cell=np.eye(3) * 20.0, pbc=True)
    ase.io.write(path, [bulk("Si", cubic=True), other, bulk("Si")])
    return path


@pytest.fixture
def mlip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run `mlip` in an empty folder; the exit status."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["mlip", *(str(a) for a in arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0

    monkeypatch.chdir(tmp_path)
    return run


def test_a_run_leaves_trajectory_log_picture_and_table(mlip, model, structure, capsys) -> None:
    status = mlip("md", model, f"{structure}@0", "--temperature", 300, "--steps", 20)
    shown = capsys.readouterr()
    assert status == 0
    assert "temperature" in shown.out
    assert "drift of the conserved energy" in shown.out
    assert "trajectory md/md.traj" in shown.err
    assert [frame.info["md_step"] for frame in ase.io.read("md/md.traj", ":")] == [0, 10, 20]
    assert [sample.step for sample in read_log("md/md.csv")] == [0, 10, 20]
    assert Path("md/md.png").read_bytes().startswith(b"\x89PNG")


def test_time_supercell_and_precision(mlip, model, structure) -> None:
    status = mlip(
        "md", model, structure, "-T", 300, "--time", 0.01, "--timestep", 2, "--supercell", 2, 1, 1,
        "--dtype", "float32", "--interval", 1, "-o", "small",
    )  # fmt: skip
    assert status == 0
    frames = ase.io.read("small/md.traj", ":")
    assert len(frames) == 6
    assert len(frames[0]) == 4  # the last frame of the file, twice


@pytest.mark.parametrize("ensemble", [("nvt",), ("nvt", "--thermostat", "bussi"), ("npt",)])
def test_ensembles(mlip, model, structure, ensemble, capsys) -> None:
    status = mlip("md", model, f"{structure}@0", "--ensemble", *ensemble, "-T", 300, "--steps", 20)
    assert status == 0
    assert f"{ensemble[0]}, 8 atoms, 0.02 ps" in capsys.readouterr().out


def test_resuming_makes_a_run_longer(mlip, model, structure, capsys) -> None:
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 10) == 0
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 20) == 1
    refusal = " ".join(capsys.readouterr().err.split())
    assert "already holds a run" in refusal
    assert "--resume" in refusal
    assert "--output-dir" in refusal
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 20, "--resume") == 0
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 20, "-o", "whole") == 0
    assert Path("md/md.csv").read_bytes() == Path("whole/md.csv").read_bytes()


def test_an_unphysical_run_ends_with_status_1_and_says_where_all_is(mlip, model, capsys) -> None:
    atoms = Atoms("Si2", [[0, 0, 0], [2.0, 0, 0]], cell=np.eye(3) * 12.0, pbc=True)
    atoms.set_momenta([[200.0, 0, 0], [-200.0, 0, 0]])
    ase.io.write("crash.extxyz", atoms)
    assert mlip("md", model, "crash.extxyz", "--steps", 100) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "as unphysical" in message
    assert "md/stopped.traj" in message
    good, bad = ase.io.read("md/stopped.traj", ":")
    assert bad.info["md_step"] == good.info["md_step"] + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ensemble", "nvt"], "mlip md: nvt needs a temperature in K (--temperature)"),
        (["--ensemble", "nvE"], "--ensemble: must be 'nve', 'nvt' or 'npt' (got 'nvE'); did you"),
        (["-T", "300", "--steps", "1", "--time", "1"], "not both"),
        (["-T", "300", "--supercell", "0", "1", "1"], "three positive numbers"),
        (["-T", "-5"], "--temperature: must be greater than 0"),
        ([], "give a temperature"),
        (["-T", "300", "--dtype", "float16"], "float32 or float64"),
    ],
)
def test_what_makes_no_sense_is_one_clean_message(
    mlip, model, structure, options, message: str, capsys
) -> None:
    assert mlip("md", model, f"{structure}@0", *options) == 1
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split())
    assert "Traceback" not in shown.err
    assert not Path("md").exists()


def test_files_that_are_not_there_are_one_clean_message(mlip, model, structure, capsys) -> None:
    assert mlip("md", model, "absent.xyz", "-T", 300) == 1
    assert "absent.xyz" in capsys.readouterr().err
    assert mlip("md", "absent.safetensors", structure, "-T", 300) == 1
    assert "absent.safetensors" in capsys.readouterr().err
    assert mlip("md", model, "absent.xyz@3", "-T", 300) == 1
    assert "there is no file absent.xyz\n" in capsys.readouterr().err
    Path("text.txt").write_text("no structure at all\n")
    assert mlip("md", model, "text.txt", "-T", 300) == 1
    assert "cannot read a structure from text.txt" in capsys.readouterr().err


def test_a_structure_beyond_the_end_is_one_clean_message(mlip, model, structure, capsys) -> None:
    for number in (5000, -7):
        assert mlip("md", model, f"{structure}@{number}", "-T", 300) == 1
        shown = " ".join(capsys.readouterr().err.split())
        assert f"there is no {structure}@{number}: {structure} holds 3 structures" in shown


def test_threads_are_as_before_when_a_run_is_over(mlip, model, structure) -> None:
    before = torch.get_num_threads()
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 1, "--threads", 3) == 0
    assert torch.get_num_threads() == before


def test_a_molecule_cannot_be_repeated(mlip, model, capsys) -> None:
    ase.io.write("dimer.xyz", Atoms("Si2", [[0, 0, 0], [2.2, 0, 0]]))
    assert mlip("md", model, "dimer.xyz", "-T", 300, "--supercell", 2, 1, 1) == 1
    assert "without pbc" in capsys.readouterr().err
