"""A label is computed in a process of its own, and whatever goes wrong there is an outcome."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from analytic import Springs
from ase.build import bulk, molecule
from labels import folder_of, label

from mlip.active_learning.labelling.worker import BUSY, INTERRUPTED, work
from mlip.data.extxyz import read_extxyz

FAILING = "analytic:Failing"


def test_a_label_is_what_the_calculator_gives(tmp_path: Path) -> None:
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.1, seed=1)
    outcome = label(tmp_path / "label", atoms, kwargs={"k": 2.5, "r0": 1.5})
    expected = Springs(2.5, 1.5)
    expected.calculate(read_extxyz(tmp_path / "label" / "structure.extxyz")[0])
    assert outcome.succeeded
    found = outcome.labels()
    assert set(found) == {"energy", "forces"}
    assert float(found["energy"]) == expected.results["energy"]
    np.testing.assert_array_equal(found["forces"], expected.results["forces"])


@pytest.mark.parametrize(("periodic", "names"), [(True, {"energy", "forces", "stress"}),
                                                (False, {"energy", "forces"})])  # fmt: skip
def test_stress_is_asked_of_solids_only(periodic: bool, names: set[str], tmp_path: Path) -> None:
    atoms = bulk("Si", cubic=True) if periodic else molecule("H2O")
    outcome = label(tmp_path, atoms, properties=["energy", "forces", "stress"])
    assert set(outcome.labels()) == names
    assert outcome.labels().get("stress", np.zeros((3, 3))).shape == (3, 3)


def test_what_the_code_wrote_goes_unless_it_is_wanted(tmp_path: Path) -> None:
    label(tmp_path / "a", factory=FAILING, kwargs={"how": "not at all"})
    label(tmp_path / "b", factory=FAILING, kwargs={"how": "not at all"}, keep_output=True)
    assert not (tmp_path / "a" / "attempt-1").exists()
    assert (tmp_path / "b" / "attempt-1" / "output.txt").exists()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raise", "RuntimeError: no convergence in 100 steps"),
        ("not finite", "the forces are not finite"),
        ("wrong shape", "the forces have shape (2, 3)"),
        ("unconverged", "the calculator says that it did not converge"),
        ("crash", "was killed by signal 11; the last it printed:\nabout to crash"),
    ],
)
def test_a_failure_is_an_outcome_and_its_output_is_kept(
    how: str, reason: str, tmp_path: Path
) -> None:
    outcome = label(tmp_path, factory=FAILING, kwargs={"how": how})
    assert not outcome.succeeded
    assert reason in (outcome.last.reason or "")
    assert outcome.labels() == {}
    text = (tmp_path / "attempt-1" / "output.txt").read_text(encoding="utf-8")
    assert text == "what the code wrote"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"factory": "no_such_module:Code"}, "cannot import 'no_such_module'"),
        ({"factory": "analytic:Code"}, "the module 'analytic' has no 'Code'"),
        ({"kwargs": {"stiffness": 1}}, "does not take the keywords ['stiffness']"),
        ({"converged": "analytic:doubtful"}, "attempt-1 does not look right"),
        ({"factory": "ase.calculators.emt:EMT"}, "NotImplementedError"),
    ],
)
def test_what_cannot_be_used_is_told(changes: dict, reason: str, tmp_path: Path) -> None:
    from ase import Atoms

    atoms = Atoms("Xe2", positions=[(0, 0, 0), (0, 0, 3)]) if "emt" in str(changes) else None
    outcome = label(tmp_path, atoms, **changes)
    assert reason in (outcome.last.reason or "")


def test_a_second_attempt_has_other_settings_and_there_is_no_third(tmp_path: Path) -> None:
    retry = {"kwargs": {"how": "not at all"}}
    outcome = label(tmp_path / "a", factory=FAILING, retry=retry, keep_output=True)
    assert [attempt.succeeded for attempt in outcome.attempts] == [False, True]
    assert outcome.last.changes == {"how": "not at all"}
    assert outcome.last.folder == "attempt-2"

    twice = label(tmp_path / "b", factory=FAILING, retry={"kwargs": {"how": "not finite"}})
    assert len(twice.attempts) == 2
    assert "not finite" in (twice.last.reason or "")


def test_a_calculation_that_takes_too_long_is_a_failure(tmp_path: Path) -> None:
    outcome = label(tmp_path, factory=FAILING, kwargs={"how": "hang"}, time_limit=1e-6)
    assert "longer than its time limit" in (outcome.last.reason or "")


def test_the_time_limit_ends_the_calculation_and_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "attempt-1" / "program.pid"

    def until_it_runs(process: subprocess.Popen, seconds: float) -> bool:
        _when_there(started)
        return False

    monkeypatch.setattr("mlip.active_learning.labelling.worker._wait", until_it_runs)
    label(tmp_path, factory=FAILING, kwargs={"how": "hang"})
    assert not _is_running(int(started.read_text(encoding="utf-8")))


def test_a_killed_worker_takes_its_calculation_with_it(tmp_path: Path) -> None:
    folder_of(tmp_path, factory=FAILING, kwargs={"how": "hang"})
    worker = _start_worker(tmp_path)
    program = int(_when_there(tmp_path / "attempt-1" / "program.pid"))
    watched = psutil.Process(program)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    watched.wait(timeout=20)
    assert not _is_running(program)


def test_a_calculation_that_is_killed_from_outside_is_no_failure(tmp_path: Path) -> None:
    label = folder_of(tmp_path, factory=FAILING, kwargs={"how": "hang"})
    worker = _start_worker(tmp_path)
    program = psutil.Process(int(_when_there(tmp_path / "attempt-1" / "program.pid")))
    program.parent().send_signal(signal.SIGKILL)
    assert worker.wait() == INTERRUPTED
    assert label.outcome() is None
    assert label.attempts() == []


def test_two_workers_do_not_compute_the_same_label(tmp_path: Path) -> None:
    label = folder_of(tmp_path)
    with label.claim() as lock:
        assert lock is not None
        assert label.is_claimed()
        assert not work(label)
        assert _start_worker(tmp_path).wait() == BUSY
    assert not label.is_claimed()
    assert work(label)


def test_a_finished_label_is_left_alone(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    folder = folder_of(tmp_path / "label", kwargs={"journal": str(journal)})
    assert work(folder)
    first = folder.outcome()
    assert work(folder)
    assert folder.outcome() == first
    assert journal.read_text(encoding="utf-8").count("\n") == 1


def test_a_finished_attempt_of_a_killed_worker_is_used(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    folder = folder_of(tmp_path / "label", kwargs={"journal": str(journal)}, keep_output=True)
    assert work(folder)
    (tmp_path / "label" / "result.json").unlink()  # as if killed before it was written
    assert work(folder)
    assert folder.outcome() is not None
    assert journal.read_text(encoding="utf-8").count("\n") == 1


def test_an_attempt_that_was_killed_does_not_count(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, keep_output=True)
    (folder.new_attempt() / "half written").touch()
    assert work(folder)
    outcome = folder.outcome()
    assert outcome is not None
    assert [attempt.folder for attempt in outcome.attempts] == ["attempt-2"]


def test_workers_at_once_compute_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    folder = folder_of(tmp_path / "label", kwargs={"journal": str(journal)})
    threads = [threading.Thread(target=work, args=(folder,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.outcome() is not None
    assert journal.read_text(encoding="utf-8").count("\n") == 1


def _start_worker(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "mlip.active_learning.labelling.worker", str(folder)]
    return subprocess.Popen(command)


def _when_there(path: Path) -> str:
    """The content of a file that another process is about to write."""
    for _ in range(600):
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return text
        threading.Event().wait(0.1)
    raise AssertionError(f"{path} did not appear")


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
