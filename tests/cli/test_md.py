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

from mlip.calculators.md_records import MDSample, Records, read_log
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
    assert "nothing was left" not in capsys.readouterr().err
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 10, "--resume") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "nothing was left to do: the run in md has 20 steps, and 10 are asked for" in told


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
        (["-T", "inf"], "--temperature: must be a finite number (got inf)"),
        (["-T", "300", "--timestep", "inf"], "--timestep: must be a finite number (got inf)"),
        (["-T", "300", "--time", "1", "--timestep", "0"], "--timestep: must be greater than 0"),
        (["-T", "300", "--time", "-1"], "--time: must be at least one step, 0.001 ps"),
        (["-T", "300", "--time", "1e-4"], "--time: must be at least one step, 0.001 ps"),
        (["-T", "300", "--time", "inf"], "--time: must be at least one step, 0.001 ps, and fin"),
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


def test_a_structure_that_the_model_refuses_leaves_no_folder(mlip, model, capsys) -> None:
    ase.io.write("gaas.cif", bulk("GaAs", "zincblende", a=5.65))
    assert mlip("md", model, "gaas.cif", "-T", 300) == 1
    assert "does not know" in capsys.readouterr().err
    assert not Path("md").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.cif", "no crystal\n", "cannot read a structure from text.cif: "),
        ("other.safetensors", "", "is a model: the model comes first, then the structure"),
        ("none.extxyz", "0\nProperties=species:S:1:pos:R:3\n", "a structure without atoms"),
        ("flat.extxyz", '1\npbc="T T T"\nSi 0 0 0\n', "flat.extxyz: the cell is singular"),
    ],
)
def test_files_that_hold_no_structure_are_one_clean_message(
    mlip, model, name: str, content: str, message: str, capsys
) -> None:
    Path(name).write_text(content)
    assert mlip("md", model, name, "-T", 300) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_a_run_is_not_resumed(mlip, model, structure, capsys) -> None:
    assert mlip("md", model, structure, "-T", 300, "--resume", "-o", "other") == 1
    assert "other holds no run to go on with" in " ".join(capsys.readouterr().err.split())


def test_an_interrupted_run_says_how_it_goes_on(
    mlip, model, structure, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    write = Records.write

    def stop_at_20(self: Records, sample: MDSample, frame: Atoms | None) -> None:
        write(self, sample, frame)
        if sample.step == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(Records, "write", stop_at_20)
    assert mlip("md", model, f"{structure}@0", "-T", 300, "--steps", 40) == 130
    assert "the same with --resume goes on from md" in " ".join(capsys.readouterr().err.split())
    assert [sample.step for sample in read_log("md/md.csv")] == [0, 10, 20]
