"""`mlip data check`, `split` and `convert`, as they are typed."""

import json

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import write
from typer.testing import CliRunner

from mlip.cli.main import app, main
from mlip.data import read_frames


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


@pytest.fixture(scope="module")
def copper(tmp_path_factory):
    """Twenty cells of copper by effective medium theory, in two kinds."""
    path = tmp_path_factory.mktemp("copper") / "copper.extxyz"
    structures = []
    for n in range(20):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell * (0.96 + 0.004 * n), scale_atoms=True)
        atoms.rattle(0.02, seed=n)
        atoms.info["config_type"] = "small" if n < 10 else "large"
        atoms.info["run"] = n // 4
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.get_stress()
        structures.append(atoms)
    write(path, structures)
    return path


# -------------------------------------------------------------------------------------------- check


def test_check_prints_what_is_there(copper):
    result = run("check", copper)
    assert result.exit_code == 0, result.output
    for text in (
        "labels found in 20 structures",
        "energy       20",
        "20 structures of 4 atoms, 80 atoms in all",
        "periodic: TTT 20",
        "reference energies: least squares",
        "energy against stress: slope ",
        "small",
        "Cu",
        "Nothing wrong was found.",
    ):
        assert text in result.stdout, text


def test_tables_fit_on_a_screen(copper, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = run("check", copper)
    assert max(map(len, result.stdout.splitlines())) <= 80
    for whole in ("config_type", "eV/atom", "pressure", "reference"):
        assert whole in result.stdout, "headers are not broken"


def test_check_as_json(copper):
    result = run("check", copper, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["labels_found"]["n_structures"] == 20
    assert report["labels_found"]["sources"]["forces"][0]["key"] == "forces"
    assert report["n_atoms"] == 80
    assert report["elements"][0]["symbol"] == "Cu"
    assert {group["config_type"] for group in report["groups"]} == {"small", "large"}


@pytest.mark.parametrize("as_json", [False, True])
def test_errors_in_the_data_are_the_exit_status(copper, tmp_path, as_json):
    frames = read_frames(copper)
    structures = []
    for frame in frames:
        atoms = frame.atoms.copy()
        atoms.info |= {"REF_energy": float(frame.labels["energy"])}
        atoms.arrays["REF_forces"] = -frame.labels["forces"]
        structures.append(atoms)
    write(tmp_path / "wrong.extxyz", structures)
    result = run("check", tmp_path / "wrong.extxyz", *(["--json"] if as_json else []))
    assert result.exit_code == 1
    if as_json:
        severities = [finding["severity"] for finding in json.loads(result.stdout)["findings"]]
        assert severities[0] == "error"
    else:
        assert "error: short Cu-Cu bonds pull and long ones push" in result.stdout
        assert "to do: the forces have the wrong sign" in result.stdout
        assert "1 error" in result.stdout


def test_declared_keys(tmp_path):
    atoms = molecule("H2O")
    atoms.info |= {"e": -14.0, "kind": "gas", "energy": -13.0}
    atoms.arrays["f"] = np.eye(3) - 1 / 3
    write(tmp_path / "a.extxyz", [atoms] * 2)
    options = ["--energy-key", "e", "--forces-key", "f", "--config-type-key", "kind", "--json"]
    report = json.loads(run("check", tmp_path / "a.extxyz", *options).stdout)
    assert report["labels"] == {"energy": 2, "forces": 2, "stress": 0}
    assert report["groups"][0]["config_type"] == "gas"
    assert report["groups"][0]["energy"]["low"] == pytest.approx(-14.0 / 3)


def test_many_kinds_and_long_names_stay_readable(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    structures = []
    for n in range(30):
        atoms = molecule("H2O")
        atoms.rattle(0.02, seed=n)
        atoms.info |= {
            "config_type": f"a kind with a very long name, number {n}",
            "energy": -14.0 - n,
        }
        structures.append(atoms)
    write(tmp_path / "a.extxyz", structures)
    result = run("check", tmp_path / "a.extxyz")
    assert "11 others" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_what_cannot_be_read_is_one_message(tmp_path, monkeypatch, capsys):
    (tmp_path / "torn.extxyz").write_text("3\n\nH 0 0 0\n")
    monkeypatch.setattr("sys.argv", ["mlip", "data", "check", str(tmp_path / "torn.extxyz")])
    with pytest.raises(SystemExit) as exit_status:
        main()
    assert exit_status.value.code == 1
    printed = capsys.readouterr()
    assert not printed.out
    assert "frame 0 (line 1) is torn, 1 of its 3 atoms" in " ".join(printed.err.split())


# -------------------------------------------------------------------------------------------- split


def test_split_writes_parts_that_read_back(copper, tmp_path):
    result = run("split", copper, "--output-dir", tmp_path / "parts", "--by", "config_type")
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "parts" / "split.json").read_text())
    whole = read_frames(copper)
    seen = []
    for part, count in (("train", 16), ("valid", 2), ("test", 2)):
        frames = read_frames(tmp_path / "parts" / f"{part}.extxyz")
        assert len(frames) == len(record[part]) == count
        for index, frame in zip(record[part], frames):
            original = whole[index]
            assert frame.config_type == original.config_type
            assert frame.atoms.info["run"] == original.atoms.info["run"]
            np.testing.assert_array_equal(frame.atoms.positions, original.atoms.positions)
            for name in ("energy", "forces", "stress"):
                np.testing.assert_array_equal(frame.labels[name], original.labels[name])
        seen.extend(record[part])
    assert sorted(seen) == list(range(20))
    kinds = [f.config_type for f in read_frames(tmp_path / "parts" / "test.extxyz")]
    assert sorted(kinds) == ["large", "small"]


def test_split_is_repeatable_and_by_seed(copper, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("split", copper, "-o", tmp_path / name, "--seed", seed).exit_code == 0
    texts = [(tmp_path / name / "train.extxyz").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_split_by_group_without_test_set(copper, tmp_path):
    options = ["--group", "run", "--fractions", 0.6, 0.4, 0.0]
    result = run("split", copper, "-o", tmp_path, *options)
    assert result.exit_code == 0, result.output
    runs = [
        {frame.atoms.info["run"] for frame in read_frames(tmp_path / f"{part}.extxyz")}
        for part in ("train", "valid")
    ]
    assert not runs[0] & runs[1]
    assert not (tmp_path / "test.extxyz").exists()


def test_split_replaces_nothing_unless_told(copper, tmp_path):
    assert run("split", copper, "-o", tmp_path).exit_code == 0
    again = run("split", copper, "-o", tmp_path)
    assert "exists already; --overwrite replaces it" in str(again.exception)
    options = ["--fractions", 0.5, 0.5, 0.0, "--overwrite"]
    assert run("split", copper, "-o", tmp_path, *options).exit_code == 0
    assert not (tmp_path / "test.extxyz").exists(), "the old test set would not belong to it"

    own = run("split", tmp_path / "train.extxyz", "-o", tmp_path, "--overwrite")
    assert "is read and would be lost" in str(own.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fractions", 0.5, 0.5, 0.5], "must sum to 1"),
        (["--by", "config_type", "--group", "run"], "exclude each other"),
        (["--group", "trajectory"], "has no 'trajectory' to divide by"),
    ],
)
def test_splits_that_make_no_sense(copper, tmp_path, options, message):
    result = run("split", copper, "-o", tmp_path, *options)
    assert message in str(result.exception)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------ convert


def test_convert_there_and_back(copper, tmp_path):
    there = run("convert", copper, tmp_path / "input.data")
    assert there.exit_code == 0, there.output
    said = " ".join(there.stderr.split())
    assert "input.data cannot hold stress: 20 labels are left out" in said
    assert "input.data cannot hold run: 20 values are left out" in said
    assert run("convert", tmp_path / "input.data", tmp_path / "back.extxyz").exit_code == 0
    for frame, same in zip(read_frames(copper), read_frames(tmp_path / "back.extxyz")):
        assert same.labels["energy"] == frame.labels["energy"]
        np.testing.assert_array_equal(same.labels["forces"], frame.labels["forces"])
        np.testing.assert_array_equal(same.atoms.positions, frame.atoms.positions)


def test_convert_replaces_nothing_unless_told(copper, tmp_path):
    target = tmp_path / "a.traj"
    assert run("convert", copper, target).exit_code == 0
    assert "exists already" in str(run("convert", copper, target).exception)
    assert run("convert", copper, target, "--overwrite").exit_code == 0
    missing = run("convert", copper, tmp_path / "absent" / "a.traj")
    assert f"there is no folder {tmp_path / 'absent'}" in str(missing.exception)
    assert "is a folder" in str(run("convert", copper, tmp_path).exception)
