"""The folder of a label asks for what is wanted now, and keeps what was made otherwise."""

import os
from pathlib import Path

import pytest
from ase.build import molecule
from labels import folder_of, request

from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.labelling.worker import work


def half_finished(path: Path, **calculator) -> LabelFolder:
    """As if the worker had been killed before it wrote the outcome."""
    label = folder_of(path, keep_output=True, **calculator)
    assert work(label)
    (path / "result.json").unlink()
    return label


def test_other_settings_begin_anew_and_what_was_begun_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    energies = []
    for k in (1.0, 2.0, 3.0):
        label = half_finished(path, kwargs={"k": k})
        energies.append(label.attempts()[-1].results["energy"])
        assert label.request() == request(kwargs={"k": k}, keep_output=True)
    assert len(set(energies)) == 3
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [
        "abc", "abc.changed-1", "abc.changed-2",
    ]  # fmt: skip
    kept = [LabelFolder(tmp_path / f"abc.changed-{n}").attempts() for n in (1, 2)]
    assert [one.results["energy"] for (one,) in kept] == energies[:2]


@pytest.mark.parametrize(
    "changes",
    [
        {"command": "mpirun pw.x"},
        {"time_limit": 2.0},
        {"threads": 2},
        {"retry": {"kwargs": {"k": 1}}},
    ],
)
def test_how_it_is_computed_may_change_and_what_is_finished_stays(
    changes: dict, tmp_path: Path
) -> None:
    label = half_finished(tmp_path / "abc", kwargs={"k": 2.0})
    (before,) = label.attempts()
    folder_of(tmp_path / "abc", kwargs={"k": 2.0}, keep_output=True, **changes)
    assert label.request() == request(kwargs={"k": 2.0}, keep_output=True, **changes)
    assert label.attempts() == [before]
    assert work(label)
    outcome = label.outcome()
    assert outcome is not None
    assert outcome.attempts == (before,)


def test_settings_that_are_written_otherwise_are_the_same(tmp_path: Path) -> None:
    for points in ((2, 2, 2), [2, 2, 2]):
        label = folder_of(tmp_path / "abc", kwargs={"kpts": points})
    assert label.request().calculator.kwargs == {"kpts": [2, 2, 2]}
    assert [folder.name for folder in tmp_path.iterdir()] == ["abc"]


def test_a_folder_where_somebody_works_or_has_finished_is_left_alone(tmp_path: Path) -> None:
    label = folder_of(tmp_path / "abc", kwargs={"k": 1.0})
    with label.claim():
        folder_of(tmp_path / "abc", kwargs={"k": 2.0})
    assert label.request() == request(kwargs={"k": 1.0})
    assert work(label)
    folder_of(tmp_path / "abc", molecule("CH4"), kwargs={"k": 2.0})
    assert label.request() == request(kwargs={"k": 1.0})
    assert [folder.name for folder in tmp_path.iterdir()] == ["abc"]


def test_who_signed_before_is_not_taken_for_who_works_now(tmp_path: Path) -> None:
    """A worker may be killed, and its number be given to any other process."""
    label = folder_of(tmp_path / "abc")
    with label.claim() as lock:
        assert lock is not None
        assert label.worker() is None
        label.sign(lock)
        assert label.worker() == os.getpid()
    assert label.worker() is None
    with label.claim():
        assert label.worker() is None
