"""Checkpoints: complete, whole at any moment, and refused with a reason when they do not fit."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from mlip.training import checkpoint as module
from mlip.training.checkpoint import Checkpoint, CheckpointError, CheckpointFolder

IDENTITY = {"config": {"seed": 0, "optimiser": {"learning_rate": 0.1}}, "data": {"train": "abc"}}


def example(epoch: int = 3) -> Checkpoint:
    groups = {
        "model": {"a.weight": torch.arange(6.0).reshape(2, 3), "a.scale": torch.tensor(1.5)},
        "optimiser": {"0.step": torch.tensor(float(epoch))},
    }
    progress = {"epoch": epoch, "best_loss": float("inf"), "history": [{"loss": 0.1}]}
    return Checkpoint(groups, progress, IDENTITY)


def folder_with(tmp_path: Path, *epochs: int) -> CheckpointFolder:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for epoch in epochs:
        folder.save(example(epoch))
    return folder


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    found = folder_with(tmp_path, 3).load(IDENTITY)
    assert found is not None
    assert found.progress == example().progress
    assert found.identity == IDENTITY
    for group, members in example().groups.items():
        assert found.groups[group].keys() == members.keys()
        for name, value in members.items():
            assert torch.equal(found.groups[group][name], value)
            assert found.groups[group][name].dtype == value.dtype


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert CheckpointFolder(tmp_path).load(IDENTITY) is None


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, 1, 2, 3)
    assert folder.load(IDENTITY).progress["epoch"] == 3
    folder.last.unlink()
    assert folder.load(IDENTITY).progress["epoch"] == 2
    assert [path.name for path in folder.folder.iterdir()] == ["previous.safetensors"]


@pytest.mark.parametrize("moment", ["write", "first move", "second move"])
def test_an_interrupted_save_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    folder = folder_with(tmp_path, 1, 2)
    replace, calls = Path.replace, iter(["first move", "second move"])

    def interrupted(self: Path, target: Path) -> Path:
        if next(calls) == moment:
            raise KeyboardInterrupt
        return replace(self, target)

    def torn(_: Checkpoint) -> bytes:
        (folder.folder / "new.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    if moment == "write":
        monkeypatch.setattr(module, "_to_bytes", torn)
    with pytest.raises(KeyboardInterrupt):
        folder.save(example(3))
    monkeypatch.undo()
    assert folder.load(IDENTITY).progress["epoch"] == 2
    folder.save(example(4))
    assert folder.load(IDENTITY).progress["epoch"] == 4


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_torn_file_is_an_error_that_names_the_remedy(tmp_path: Path, cut: int) -> None:
    folder = folder_with(tmp_path, 1, 2)
    folder.last.write_bytes(folder.last.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r"damaged.*previous\.safetensors"):
        folder.load(IDENTITY)
    folder.last.unlink()
    assert folder.load(IDENTITY).progress["epoch"] == 1


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, 1)
    content = bytearray(folder.last.read_bytes())
    content[-2] ^= 1
    folder.last.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="checksum"):
        folder.load(IDENTITY)


def test_another_version_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, 1)
    metadata = {"format": "99", "progress": "{}", "identity": "{}"}
    folder.last.write_bytes(safetensors.torch.save({}, metadata))
    with pytest.raises(CheckpointError, match="format 99"):
        folder.load(IDENTITY)


@pytest.mark.parametrize(
    ("place", "value"),
    [(("config", "optimiser", "learning_rate"), 0.2), (("data", "train"), "xyz"),
     (("config", "ema"), 0.9)],
)  # fmt: skip
def test_another_run_is_refused_with_what_differs(tmp_path: Path, place, value) -> None:
    folder = folder_with(tmp_path, 1)
    other = json.loads(json.dumps(IDENTITY))
    inner = other
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(CheckpointError, match=r"\.".join(place)) as caught:
        folder.load(other)
    assert repr(value) in str(caught.value)


def test_there_is_no_pickle(tmp_path: Path) -> None:
    content = folder_with(tmp_path, 1).last.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert set(header["__metadata__"]) == {"format", "progress", "identity", "checksum"}
