"""Python that is shown runs, beside files of the names in it and structures it does not make."""

import contextlib
import functools
from pathlib import Path

import pytest
import torch
import yaml
from ase.build import bulk
from ase.io import write
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from n2p2_by_hand import water_potential
from pages import Block, blocks, names
from silicon import crystals, graphs, with_results

from mlip.interop.n2p2 import read_potential
from mlip.models import Committee, Potential, build_model, save_model
from mlip.models.behler_parrinello import BehlerParrinello

SHOWN = blocks("python")
SOAP = {"name": "soap", "cutoff": 3.0, "n_max": 2, "l_max": 1}


def network(*species: int) -> Potential:
    model = build_model(BehlerParrinello.Config(descriptor=SOAP, hidden=(4,)), species)
    model.composition.set(dict.fromkeys(species, -10.0), 1.0)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file that some page reads."""
    folder = tmp_path_factory.mktemp("reader")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        silicon, other = network(14), network(14)
    for model in (silicon, other):
        model.adapt(graphs(crystals(2)))
    for name in ("model", "runs/silicon/model", "runs/config/model"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_model(folder / f"{name}.safetensors", silicon)
    save_model(folder / "committee.safetensors", Committee([silicon, other]))
    (folder / "water").mkdir()
    save_model(folder / "water/model.safetensors", Committee([silicon, other]))
    save_model(
        folder / "water.safetensors", read_potential(water_potential().write(folder / "n2p2"))[0]
    )
    labelled = [with_results(atoms) for atoms in crystals(8)]
    for name in ("train", "test"):
        write(folder / f"{name}.extxyz", labelled, format="extxyz")
    config = {
        "data": {"train": ["train.extxyz"], "valid": 0.2, "test": ["test.extxyz"]},
        "model": {"name": "behler_parrinello", "descriptor": SOAP, "hidden": [4]},
        "batch_atoms": 64,
        "device": "cpu",
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("ignore:the model extrapolates")
@pytest.mark.parametrize("block", SHOWN, ids=names(SHOWN))
def test_it_runs(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = bulk("Si", cubic=True)
    known = {"atoms": atoms, "dynamics": VelocityVerlet(atoms, 1.0)}
    monkeypatch.setattr(BFGS, "run", functools.partialmethod(BFGS.run, steps=1))
    with contextlib.chdir(folder):
        exec(compile(block.text, block.name, "exec"), known)
