"""A whole run: its folder, its errors, and that it comes back after being killed."""

import contextlib
import csv
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from ase.io import write
from silicon import crystals, isolated, molecules, with_results

from mlip.data import read_frames
from mlip.graph import AtomicGraph
from mlip.models import evaluate, load_model, read_card
from mlip.settings import parse_settings
from mlip.training import TrainingConfig, train
from mlip.training.metrics import errors

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    frames = [*crystals(10), *molecules(6)]
    atoms = [isolated("Si", -139.0), isolated("H", -9.5), *map(with_results, frames)]
    write(folder / "train.extxyz", atoms, format="extxyz")
    held_out = [*crystals(4, seed=7), *molecules(3, seed=7)]
    write(folder / "test.extxyz", [with_results(f) for f in held_out], format="extxyz")
    return folder


def plain_config(folder: Path, **changes) -> dict:
    return {
        "data": {
            "train": [str(folder / "train.extxyz")],
            "valid": 0.25,
            "test": [str(folder / "test.extxyz")],
            "level_of_theory": "toy",
        },
        "model": {
            "name": "behler_parrinello",
            "descriptor": {"name": "soap", "cutoff": 4.0, "n_max": 3, "l_max": 2},
            "hidden": [8],
        },
        "epochs": 4,
        "batch_atoms": 20,
        "device": "cpu",
        **changes,
    }


def config(folder: Path, **changes) -> TrainingConfig:
    return parse_settings(TrainingConfig, plain_config(folder, **changes))


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    train(config(data), folder)
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(folder / "model.safetensors").state_dict()


def test_the_run_folder_holds_everything(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "config.yaml", "train.log", "log.csv", "checkpoints", "model.safetensors", "report.html"
    }  # fmt: skip
    assert len((finished / "log.csv").read_text(encoding="utf-8").splitlines()) == 5

    log = (finished / "train.log").read_text(encoding="utf-8")
    for fact in (
        "labels found in 18",
        "isolated atoms",
        "float32 on cpu",
        " *\n",
        "test energy: MAE",
    ):
        assert fact in log


def test_the_saved_config_is_resolved_and_can_be_trained(finished: Path, data: Path) -> None:
    saved = yaml.safe_load((finished / "config.yaml").read_text(encoding="utf-8"))
    again = parse_settings(TrainingConfig, saved)
    assert again.model.descriptor.n_max == 3
    assert again.identity() == config(data).identity()


def test_the_card_tells_how_the_model_was_made(finished: Path) -> None:
    card = read_card(finished / "model.safetensors")
    assert card.species == ("H", "Si")
    assert card.dtype == "float32"
    assert card.reference_energies == pytest.approx({"H": -9.5, "Si": -139.0}, rel=1e-12)
    assert card.reference_energies_source == "isolated atoms"
    assert card.dataset is not None
    assert (card.dataset.n_structures, card.dataset.level_of_theory) == (12, "toy")
    assert set(card.errors) == {"train", "valid", "test"}
    assert card.errors["test"]["energy"].unit == "meV/atom"
    assert card.seed == 0


def test_the_report_is_one_file_that_needs_nothing_else(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "http://" not in page
    assert "https://" not in page
    assert "$" not in page
    for word in (
        "crystal",
        "molecule",
        "meV/atom",
        "test.extxyz#",
        "isolated atoms",
        "batch_atoms",
    ):
        assert word in page


def test_a_used_folder_is_refused(finished: Path, data: Path) -> None:
    with pytest.raises(ValueError, match=r"already holds a run.*--resume"):
        train(config(data), finished)


def test_a_finished_run_resumed_stays_what_it_is(finished: Path, data: Path) -> None:
    before = weights(finished)
    train(config(data), finished, resume=True)
    after = weights(finished)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_other_settings_or_data_cannot_be_resumed(finished: Path, data: Path) -> None:
    written = (finished / "config.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"config\.optimiser\.learning_rate"):
        train(config(data, optimiser={"learning_rate": 0.5}), finished, resume=True)
    other = plain_config(data)["data"] | {"valid": 0.3}
    with pytest.raises(ValueError, match=r"data\.train"):
        train(config(data, data=other), finished, resume=True)
    more = plain_config(data)["data"] | {"repeat": {"molecule": 2}}
    with pytest.raises(ValueError, match=r"repeat\.molecule"):
        train(config(data, data=more), finished, resume=True)
    assert (finished / "config.yaml").read_bytes() == written


def test_other_reference_energies_cannot_be_resumed(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    def given(hydrogen: float) -> TrainingConfig:
        energies = {"H": hydrogen, "Si": -139.0}
        return config(data, data=plain_config(data)["data"] | {"reference_energies": energies})

    run = shutil.copytree(finished, tmp_path / "run")
    written = (run / "config.yaml").read_bytes()
    told = r"\n  reference energy of H: -9\.50000 eV in the checkpoint, now -9\.40000 eV\n"
    with pytest.raises(ValueError, match=told):
        train(given(-9.4), run, resume=True)
    assert (run / "config.yaml").read_bytes() == written
    # other machines round a least squares fit otherwise, which is no reason to refuse a run
    train(given(-9.5 + 1e-9), run, resume=True)
    assert read_card(run / "model.safetensors").reference_energies["H"] == -9.5


def test_errors_are_those_of_the_saved_model(finished: Path, data: Path) -> None:
    frames = read_frames([data / "test.extxyz"])
    model = load_model(finished / "model.safetensors")
    graphs = [AtomicGraph.from_atoms(frame.atoms) for frame in frames]
    found = errors(evaluate(model, graphs, ("energy", "forces", "stress")), frames).overall
    card = read_card(finished / "model.safetensors")
    for name, part in found.items():
        # float32 model, batched otherwise
        assert part.mae == pytest.approx(card.errors["test"][name].mae, rel=1e-4)


def test_labels_that_are_not_there_are_left_out_of_the_loss(tmp_path: Path) -> None:
    gas = [with_results(f) for f in molecules(12)]
    write(tmp_path / "train.extxyz", gas, format="extxyz")
    plain = plain_config(tmp_path, epochs=1)
    plain["data"] = {"train": [str(tmp_path / "train.extxyz")]}
    errors = train(parse_settings(TrainingConfig, plain), tmp_path / "run")
    assert set(errors["valid"].overall) == {"energy", "forces"}
    saved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text(encoding="utf-8"))
    assert saved["loss"]["stress"] is None
    plain["loss"] = {"stress": {"weight": 1.0}}
    with pytest.raises(ValueError, match="stress"):
        train(parse_settings(TrainingConfig, plain), tmp_path / "other")


def test_what_cannot_be_judged_is_counted(tmp_path: Path) -> None:
    frames = [with_results(f) for f in (*crystals(8), *molecules(4))]
    write(tmp_path / "train.extxyz", frames, format="extxyz")
    write(tmp_path / "valid.extxyz", frames[6:], format="extxyz")
    plain = plain_config(tmp_path, epochs=1)
    plain["data"] = {"train": ["train.extxyz"], "valid": ["valid.extxyz"]}
    plain["data"] = {k: [str(tmp_path / n) for n in names] for k, names in plain["data"].items()}
    train(parse_settings(TrainingConfig, plain), tmp_path / "run")
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert re.search(r"valid: 6 structures, \d+ atoms, 4 without stress", log)


def test_a_stage_that_is_never_reached_is_told(data: Path, tmp_path: Path) -> None:
    stages = [{"from_epoch": n, "loss": {}} for n in (1, 2, 5)]
    train(config(data, stages=stages, epochs=2), tmp_path / "run")
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert "the run ends after epoch 2: stages after epoch 2, 5 are not reached" in log


def test_the_limit_of_isolated_atoms_needs_their_energies(data: Path, tmp_path: Path) -> None:
    model = {"name": "equivariant", "channels": 2, "cutoff": 3.0, "isolated_limit": True}
    fitted = plain_config(data)["data"] | {"reference_energies": "least_squares"}
    with pytest.raises(ValueError, match="isolated_limit needs the energies of isolated atoms"):
        train(config(data, data=fitted, model=model), tmp_path / "fitted")
    train(config(data, model=model, epochs=1, dtype="float64"), tmp_path / "run")
    trained = load_model(tmp_path / "run" / "model.safetensors")
    alone = AtomicGraph.from_atoms(isolated("Si", 0.0))
    (found,) = evaluate(trained, [alone], ("energy",))
    assert found["energy"] == pytest.approx(-139.0, abs=1e-9)


def test_kinds_may_be_repeated(data: Path, tmp_path: Path) -> None:
    repeated = plain_config(data)["data"] | {"repeat": {"molecule": 3}}
    train(config(data, data=repeated, epochs=1), tmp_path / "run")
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    found = re.search(r"train: (\d+) structures, \d+ atoms, (\d+) visits an epoch", log)
    assert found is not None
    structures, visits = map(int, found.groups())
    assert visits > structures
    assert (visits - structures) % 2 == 0


def test_threads_are_as_before_when_training_is_over(data: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    train(parse_settings(TrainingConfig, plain_config(data, epochs=1, threads=2)), tmp_path / "r")
    assert torch.get_num_threads() == before


def test_a_later_stage_may_require_a_label(tmp_path: Path) -> None:
    write(tmp_path / "train.extxyz", [with_results(f) for f in molecules(12)], format="extxyz")
    plain = plain_config(tmp_path, stages=[{"from_epoch": 2, "loss": {"stress": {"weight": 1}}}])
    plain["data"] = {"train": [str(tmp_path / "train.extxyz")]}
    with pytest.raises(ValueError, match="no structure has a label for stress"):
        train(parse_settings(TrainingConfig, plain), tmp_path / "run")


@pytest.mark.parametrize(
    "losses", [({}, {"energy": None}), ({}, {"energy": {"weight": 0}}), ({"energy": None}, {})]
)
def test_stages_may_train_on_different_properties(
    data: Path, tmp_path: Path, losses: tuple
) -> None:
    stages = [{"from_epoch": 1, "loss": losses[1]}]
    train(config(data, loss=losses[0], stages=stages, epochs=2), tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    blank = [row["valid energy MAE [meV/atom]"] == "" for row in rows]
    assert blank == ["energy" in loss for loss in losses]
    assert all(float(row["valid forces MAE [meV/Å]"]) > 0.0 for row in rows)
    log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
    assert "trained on energy, forces, stress\n" in log


def test_killed_at_random_moments_it_ends_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    """A real process, killed without warning again and again until it gets through."""
    plain = plain_config(data, epochs=25, checkpoint_minutes=0.0)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    train(parse_settings(TrainingConfig, plain), tmp_path / "whole")
    command = [sys.executable, "-m", "mlip", "train", str(tmp_path / "config.yaml"), "--resume",
               "--run-folder", str(tmp_path / "killed")]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    checkpoint = tmp_path / "killed" / "checkpoints" / "last.safetensors"
    draw = random.Random(0)
    kills = 0
    for _ in range(2):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        kills += kill_after_saves(process, checkpoint, draw.randint(2, 30))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert kills
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    for name, value in whole.items():
        assert torch.equal(value, killed[name]), name
    first, second = (
        np.genfromtxt(tmp_path / name / "log.csv", delimiter=",", skip_header=1)
        for name in ("whole", "killed")
    )
    np.testing.assert_array_equal(np.delete(first, 2, axis=1), np.delete(second, 2, axis=1))


def kill_after_saves(process: subprocess.Popen, checkpoint: Path, saves: int) -> bool:
    """Kill the process after about so many new checkpoints; False if it ended before."""
    seen: set[int] = set()
    with process:
        while len(seen) < saves and process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.005)
            with contextlib.suppress(FileNotFoundError):
                seen.add(checkpoint.stat().st_mtime_ns)
        ended = process.poll() is not None
        process.kill()
        process.communicate()
    return not ended
