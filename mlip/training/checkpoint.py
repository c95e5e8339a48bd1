"""Checkpoints: all that a training run knows, in one file without pickle.

The file is safetensors; its header holds the progress and the identity of the run as JSON, and a
checksum over everything. It is written beside the old one, forced to the disk, and moved into
place, and the one before is kept: at any moment at least one of the two is whole.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from mlip.durable import sync_folder

#: Version of the layout below; older or newer files are refused, since a run is short-lived.
FORMAT = 1
_LAST, _PREVIOUS = "last.safetensors", "previous.safetensors"

Groups = Mapping[str, Mapping[str, Tensor]]


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A moment of a run.

    Attributes
    ----------
    groups : tensors by group (model, average, best, optimiser) and name
    progress : plain data: epoch, batch, history and what else the loop counts
    identity : plain data that must agree for a run to be continued: config, data, species
    """

    groups: Groups
    progress: Mapping[str, Any]
    identity: Mapping[str, Any]


class CheckpointFolder:
    """The last checkpoint of a run, and the one before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last = folder / _LAST
        self.previous = folder / _PREVIOUS

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint; the last becomes the previous."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.folder / "new.safetensors"
        with new.open("wb") as file:
            file.write(_to_bytes(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        if self.last.exists():
            self.last.replace(self.previous)
        new.replace(self.last)
        sync_folder(self.folder)

    def load(self, identity: Mapping[str, Any]) -> Checkpoint | None:
        """The last checkpoint, or None if there is none yet.

        Raises
        ------
        CheckpointError
            If the file is damaged, of another version, or its run differs from `identity`.
        """
        path = self.last if self.last.exists() else self.previous
        if not path.exists():
            return None
        checkpoint = _read(path, self._remedy(path))
        asked = json.loads(json.dumps(identity))
        require_same_run(path, _differences(checkpoint.identity, asked))
        return checkpoint

    def _remedy(self, path: Path) -> str:
        if path == self.last and self.previous.exists():
            return f"delete it to continue from {self.previous.name}"
        return "delete it and start again"


def require_same_run(path: Path, differences: Sequence[str]) -> None:
    """Refuse to continue a run of which something is not as in its checkpoint.

    Raises
    ------
    CheckpointError
        If there are differences; names them.
    """
    if differences:
        raise CheckpointError(
            f"{path} belongs to another run and cannot be continued:\n"
            + "\n".join(f"  {line}" for line in differences)
            + "\nchange them back, or start in a new run folder"
        )


def _to_bytes(checkpoint: Checkpoint) -> bytes:
    tensors = {
        f"{group}/{name}": value.detach().cpu().contiguous()
        for group, members in checkpoint.groups.items()
        for name, value in members.items()
    }
    metadata = {
        "format": str(FORMAT),
        "progress": json.dumps(checkpoint.progress),
        "identity": json.dumps(checkpoint.identity),
    }
    metadata["checksum"] = _checksum(tensors, metadata)
    return safetensors.torch.save(tensors, metadata)


def _read(path: Path, remedy: str) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"the checkpoint {path} is damaged ({error}); {remedy}") from error
    version = metadata.get("format")
    if version != str(FORMAT):
        raise CheckpointError(
            f"{path} has checkpoint format {version}, this version reads {FORMAT}; {remedy}"
        )
    if metadata.pop("checksum", None) != _checksum(tensors, metadata):
        raise CheckpointError(f"the checkpoint {path} is damaged (wrong checksum); {remedy}")
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        group, _, member = name.partition("/")
        groups.setdefault(group, {})[member] = value
    return Checkpoint(groups, json.loads(metadata["progress"]), json.loads(metadata["identity"]))


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for key in sorted(metadata):
        digest.update(f"{key}={metadata[key]};".encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name}:{value.dtype}:{tuple(value.shape)};".encode())
        digest.update(value.reshape(-1).numpy().tobytes())
    return digest.hexdigest()


def _differences(saved: Any, asked: Any, place: str = "") -> list[str]:
    """Where two pieces of plain data differ, one line each."""
    if isinstance(saved, dict) and isinstance(asked, dict):
        lines = []
        for key in sorted(saved.keys() | asked.keys()):
            below = f"{place}.{key}" if place else str(key)
            lines += _differences(saved.get(key), asked.get(key), below)
        return lines
    return [] if saved == asked else [f"{place}: {saved!r} in the checkpoint, now {asked!r}"]
