"""A disk that is full again and again: each time a clear message, in the end nothing is lost."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from killing import seeds
from labels import folder_of
from same_end import assert_same_end
from small_campaign import write_campaign

from mlip.active_learning import labeller
from mlip.active_learning.campaign import run_campaign
from mlip.active_learning.labeller import FullDiskError
from mlip.active_learning.labelling import worker
from mlip.durable import write_whole

Resize = Callable[[int], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A file system of its own, and what changes its size in bytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: int, *options: str) -> subprocess.CompletedProcess:
        words = ",".join([*options, f"size={size}"])
        command = ["mount", "-t", "tmpfs", "-o", words, "tmpfs", str(place)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def resize(size: int) -> None:
        done = mount(size, "remount")
        assert done.returncode == 0, done.stderr

    try:
        done = mount(10**6)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place, resize
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_campaign_on_a_disk_that_fills_up_ends_as_if_it_had_not(
    seed: int,
    finished: Path,
    small_disk: tuple[Path, Resize],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(labeller, "_ROOM", 0)  # else it stops before anything is lost
    disk, resize = small_disk
    config = write_campaign(disk / "campaign")
    sizes = np.sort(np.random.default_rng(seed).integers(50_000, 2_500_000, 8))
    told = []
    for size in sizes:
        resize(int(size))
        try:
            run_campaign(config, disk / "campaign", retry_failed=True)
        except (ValueError, OSError) as problem:
            told.append(str(problem))
    resize(100_000_000)
    run_campaign(config, disk / "campaign", retry_failed=True)
    assert len(told) > 3
    for text in told:
        assert re.search("is the disk full|No space left on device", text), text
    assert_same_end(disk / "campaign", finished)


def test_no_calculation_begins_on_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_campaign(tmp_path)
    monkeypatch.setattr(labeller, "_ROOM", 10**18)
    with pytest.raises(FullDiskError, match=r"MB are free in .*: make room and run again"):
        run_campaign(config, tmp_path)
    assert not list(tmp_path.glob("labels/*/attempt-*"))


def test_a_file_that_cannot_be_written_is_named_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*file'"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_that_finds_no_room_is_written_later_and_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "journal"
    label = folder_of(tmp_path / "label", kwargs={"journal": str(journal)})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(type(label), "finish", full)
        with pytest.raises(OSError, match="No space left"):
            worker.work(label)
    assert worker.work(label)
    assert label.outcome() is not None
    assert journal.read_text(encoding="utf-8").count("\n") == 1


def test_a_calculation_without_room_says_nothing_about_its_label(tmp_path: Path) -> None:
    label = folder_of(tmp_path, factory="analytic:Failing", kwargs={"how": "no room"})
    with pytest.raises(worker.InterruptedWorkError, match="No space left on device"):
        worker.work(label)
    assert label.outcome() is None
    assert label.attempts() == []
