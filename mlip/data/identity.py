"""When two structures, or two sets of them, are the same: digests of what defines them."""

import hashlib
from collections.abc import Iterable

import numpy as np

from mlip.data.frames import Frame


def geometry_digest(frame: Frame) -> str:
    """Digest of the structure as it is written: elements, positions, periodic cell vectors."""
    atoms = frame.atoms
    digest = hashlib.sha256(np.ascontiguousarray(atoms.numbers, dtype="<i8").tobytes())
    periodic = np.asarray(atoms.pbc, dtype=bool)
    cell = np.where(periodic[:, None], np.asarray(atoms.cell), 0.0)
    for values in (periodic.astype("<f8"), atoms.positions, cell):
        digest.update(_bytes(values))
    return digest.hexdigest()


def frame_digest(frame: Frame) -> str:
    """Digest of the structure and its labels; not of its name."""
    digest = hashlib.sha256(geometry_digest(frame).encode())
    for name in sorted(frame.labels):
        digest.update(name.encode())
        digest.update(_bytes(frame.labels[name]))
    return digest.hexdigest()


def fingerprint(frames: Iterable[Frame]) -> str:
    """sha256 of a set of frames: the same for the same structures and labels, whatever their files
    are called and in whichever order they come."""
    digests = sorted(frame_digest(frame) for frame in frames)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _bytes(values: np.ndarray | np.floating) -> bytes:
    return (np.ascontiguousarray(values, dtype="<f8") + 0.0).tobytes()  # -0.0 and 0.0 are the same
