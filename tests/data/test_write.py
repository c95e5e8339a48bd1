"""Writing labelled structures: the same labels come back from every format, or it says so."""

import errno
import os
import stat

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from mlip.data import Frame, read_frames
from mlip.data.write import labels_held_by, write_frames


def frames_of(periodic=True):
    random = np.random.default_rng(2)
    frames = []
    for n in range(3):
        atoms = bulk("NaCl", "rocksalt", a=5.6) if periodic else molecule("H2O")
        atoms.rattle(0.1, seed=n)
        labels = {
            "energy": np.array(random.normal() * 1e4 / 3),
            "forces": random.normal(size=(len(atoms), 3)) / 3,
        }
        if periodic and n != 1:
            stress = random.normal(size=(3, 3)) / 300
            labels["stress"] = stress + stress.T
        frames.append(Frame(atoms, labels, f"kind{n}", f"a#{n}"))
    return frames


def test_files_are_forced_to_the_disk_before_they_have_their_name(tmp_path, monkeypatch):
    target = tmp_path / "a.extxyz"
    events = []

    def forced(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        events.append((kind, os.fstat(handle).st_size > 0, target.exists()))

    monkeypatch.setattr("os.fsync", forced)
    write_frames(target, frames_of())
    assert events == [("file", True, False), ("folder", True, True)]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a.extxyz"
    write_frames(target, frames_of())
    before = target.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.extxyz'"):
        write_frames(target, frames_of()[:1])
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", ["a.extxyz", "a.xyz", "a.traj", "a.db", "a.json", "input.data"])
def test_labels_come_back_as_the_same_bits(tmp_path, name, periodic):
    frames = frames_of(periodic)
    write_frames(tmp_path / name, frames)
    back = read_frames(tmp_path / name)
    assert len(back) == 3
    for frame, same in zip(frames, back):
        expected = set(frame.labels) & set(labels_held_by(name))
        assert set(same.labels) == expected
        for label in expected:
            np.testing.assert_array_equal(same.labels[label], frame.labels[label])
        np.testing.assert_array_equal(same.atoms.positions, frame.atoms.positions)
        np.testing.assert_array_equal(same.atoms.pbc, frame.atoms.pbc)


def test_the_kind_of_a_structure_comes_back(tmp_path):
    write_frames(tmp_path / "a.extxyz", frames_of())
    assert [f.config_type for f in read_frames(tmp_path / "a.extxyz")] == [
        "kind0",
        "kind1",
        "kind2",
    ]


def test_from_one_format_to_another_and_back(tmp_path):
    frames = frames_of()
    write_frames(tmp_path / "a.extxyz", frames)
    write_frames(tmp_path / "a.data", read_frames(tmp_path / "a.extxyz"))
    write_frames(tmp_path / "b.extxyz", read_frames(tmp_path / "a.data"))
    for frame, same in zip(frames, read_frames(tmp_path / "b.extxyz")):
        np.testing.assert_array_equal(same.labels["forces"], frame.labels["forces"])
        assert same.labels["energy"] == frame.labels["energy"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.cif", "does not give back the"),
        ("a.vasp", "holds one structure, not 3"),
        ("a.nonsense", "nothing can be written under this suffix"),
    ],
)
def test_formats_that_will_not_do(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        write_frames(tmp_path / name, frames_of())
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_failure_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "input.data"
    write_frames(path, frames_of())
    before = path.read_text()
    with pytest.raises(ValueError, match="no energy and no forces"):
        write_frames(path, [Frame(Atoms("H"), {}, source="b#0")])
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]
