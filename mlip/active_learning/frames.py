"""Between the store and the data: structures as they are queued, labels as frames."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import ase.io
from ase import Atoms

from mlip.active_learning.labelling.fingerprint import Fingerprint, require_one
from mlip.active_learning.labelling.outcome import label_values
from mlip.active_learning.store import Label, Structure
from mlip.data import Frame
from mlip.data.extxyz import frame_text
from mlip.data.identity import geometry_digest

#: What a calculator may read from the atoms besides the geometry.
_ELECTRONS = ("initial_magmoms", "initial_charges")


def bare(atoms: Atoms) -> Atoms:
    """The structure alone: geometry, and magnetic moments and charges to start from."""
    copy = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    for name in _ELECTRONS:
        if name in atoms.arrays:
            copy.set_array(name, atoms.arrays[name])
    return copy


def queued_structure(atoms: Atoms, origin: Mapping[str, Any]) -> Structure:
    """A structure as it is queued, named after what it is."""
    alone = bare(atoms)
    digest = hashlib.sha256(geometry_digest(Frame(alone)).encode())
    for name in _ELECTRONS:
        if name in alone.arrays:
            digest.update(name.encode() + alone.arrays[name].astype("<f8").tobytes())
    return Structure(digest.hexdigest()[:20], frame_text(alone, {}), origin)


def labelled_frames(
    labels: Sequence[Label], fingerprints: Mapping[str, Fingerprint]
) -> list[Frame]:
    """Finished labels as frames, with the explorer as kind of structure.

    Raises
    ------
    MixedLabelsError
        If they were not all made by the same calculator.
    """
    require_one([fingerprints[str(label.fingerprint)] for label in labels])
    return [_frame(label) for label in labels]


def atoms_of(structure: Structure) -> Atoms:
    """A structure from the store."""
    atoms = ase.io.read(io.StringIO(structure.frame), format="extxyz")
    assert not isinstance(atoms, list)
    return atoms


def _frame(label: Label) -> Frame:
    atoms = atoms_of(label.structure)
    atoms.info = {"iteration": label.iteration, "label_fingerprint": label.fingerprint}
    kind = str(label.structure.origin.get("explorer", "default"))
    return Frame(atoms, label_values(label.results or {}), kind, label.key)
