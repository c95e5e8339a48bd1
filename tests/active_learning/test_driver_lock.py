"""Two drivers do not work in one folder; a dead one is no obstacle."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mlip.active_learning.driver_lock import DEAD_AFTER, FolderInUseError, driver_lock, driver_of

HOLDER = """
import sys, signal
from pathlib import Path
from mlip.active_learning.driver_lock import driver_lock
with driver_lock(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_a_second_driver_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(FolderInUseError, match=f"process {holder.pid} on "),
            driver_lock(tmp_path),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
    with driver_lock(tmp_path):
        told = json.loads((tmp_path / "driver.json").read_text(encoding="utf-8"))
        assert told["process"] == os.getpid()
    assert not (tmp_path / "driver.json").exists()


def test_something_may_be_done_before_anybody_sees_the_driver(tmp_path: Path) -> None:
    seen = []
    with driver_lock(tmp_path, first=lambda: seen.append(driver_of(tmp_path))):
        assert seen == [None]
        assert driver_of(tmp_path) is not None
        with pytest.raises(FolderInUseError), driver_lock(tmp_path, first=seen.clear):
            pass
    assert seen == [None]


@pytest.mark.parametrize("age", [0.0, 0.5 * DEAD_AFTER])
def test_a_sign_of_life_from_another_machine_counts(age: float, tmp_path: Path) -> None:
    _sign_of_elsewhere(tmp_path, age)
    with pytest.raises(FolderInUseError, match="process 7 on elsewhere"), driver_lock(tmp_path):
        pass


def test_an_old_sign_of_life_does_not(tmp_path: Path) -> None:
    _sign_of_elsewhere(tmp_path, 2.0 * DEAD_AFTER)
    with driver_lock(tmp_path):
        assert "elsewhere" not in (tmp_path / "driver.json").read_text(encoding="utf-8")


def test_a_driver_elsewhere_may_end_while_its_sign_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(sign: Path) -> dict:
        found = json.loads(sign.read_text(encoding="utf-8"))
        sign.unlink()
        return found

    _sign_of_elsewhere(tmp_path, 0.0)
    monkeypatch.setattr("mlip.active_learning.driver_lock._read", read)
    with driver_lock(tmp_path):
        ours = json.loads((tmp_path / "driver.json").read_text(encoding="utf-8"))
    assert ours["process"] == os.getpid()


def test_a_driver_at_work_is_seen(tmp_path: Path) -> None:
    assert driver_of(tmp_path) is None
    with driver_lock(tmp_path):
        found = driver_of(tmp_path)
    assert found is not None
    assert (found.process, found.host) == (os.getpid(), socket.gethostname())
    assert driver_of(tmp_path) is None


@pytest.mark.parametrize(("age", "alive"), [(0.5 * DEAD_AFTER, True), (2.0 * DEAD_AFTER, False)])
def test_a_driver_elsewhere_is_alive_by_its_sign(age: float, alive: bool, tmp_path: Path) -> None:
    _sign_of_elsewhere(tmp_path, age)
    assert (driver_of(tmp_path) is not None) == alive


def test_a_killed_driver_is_not_at_work(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    sign = {"host": socket.gethostname(), "process": ended.pid, "started": 0.0}
    (tmp_path / "driver.json").write_text(json.dumps(sign), encoding="utf-8")
    assert driver_of(tmp_path) is None


def _sign_of_elsewhere(folder: Path, age: float) -> None:
    sign = folder / "driver.json"
    content = {"host": "elsewhere", "process": 7, "started": 0.0}
    sign.write_text(json.dumps(content), encoding="utf-8")
    when = sign.stat().st_mtime - age
    os.utime(sign, (when, when))
