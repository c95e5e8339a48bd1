"""Labels in a pool of Parsl: real ones of its HighThroughputExecutor, with workers killed."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from drive_labels import clusters
from labels import HERE, folder_of, request

from mlip.active_learning.executors.base import Executor
from mlip.active_learning.executors.parsl import ParslError, ParslPool
from mlip.active_learning.labeller import FailureLimits, Labeller
from mlip.active_learning.store import Store, Structure
from mlip.settings import SettingsError, parse_settings

#: Parsl forgets some where it looks for the addresses of the machine.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

needs_parsl = pytest.mark.skipif(
    importlib.util.find_spec("parsl") is None, reason="parsl is not installed"
)


def pool(**content) -> ParslPool:
    return parse_settings(ParslPool.Config, content).build()


class Killer:
    """Kills a worker, its node, or Parsl's interchange, in the middle of the first calculation."""

    def __init__(self, gate: Path, victim: str) -> None:
        self.gate, self.victim, self.killed = gate, victim, 0

    def __call__(self) -> None:
        threading.Event().wait(0.1)
        if self.killed or not self.gate.exists():
            return
        text = self.gate.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            return
        worker = psutil.Process(int(text)).parent()
        node = worker.parent()
        family = {
            "worker": [worker],
            "node": [node, *node.children(recursive=True)],
            "interchange": [
                process
                for process in psutil.Process().children()
                if "interchange" in " ".join(process.cmdline())
            ],
        }[self.victim]
        for process in family:
            if process.is_running():
                process.send_signal(signal.SIGKILL)
        self.killed = len(family)


@needs_parsl
@pytest.mark.parametrize(("victim", "killed"), [("worker", 1), ("node", 3), ("interchange", 1)])
def test_who_is_killed_at_a_label_costs_nothing_but_time(
    victim: str, killed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    gate, journal = tmp_path / "gate", tmp_path / "journal"
    asked = request(factory="analytic:Gated", kwargs={"gate": str(gate), "journal": str(journal)})
    store = Store(tmp_path / "campaign.db")
    store.add([Structure(key, frame, {}) for key, frame in clusters().items()], iteration=0)
    killer = Killer(gate, victim)
    executor = pool(workers=2, config="brisk_parsl:brisk")
    labels = tmp_path / "labels"
    limits = FailureLimits(deaths=100)  # a machine that starves may lose a node more than once
    Labeller(store, labels, executor, asked, limits, killer).run(0)
    assert killer.killed >= killed
    found = store.labels()
    assert [label.status for label in found] == ["done"] * 4
    assert sorted(journal.read_text(encoding="utf-8").split()) == sorted(clusters())
    assert any(label.launches > 1 for label in found)
    assert (tmp_path / "parsl").is_dir()
    assert not executor.alive([])


@needs_parsl
def test_the_own_configuration_labels_and_can_be_used_again(tmp_path: Path) -> None:
    executor = pool(workers=1)
    assert isinstance(executor, Executor)
    for name in ("first", "second"):
        label = folder_of(tmp_path / "labels" / name)
        executor.submit(label)
        while executor.alive([label]):
            threading.Event().wait(0.1)
        executor.close()
        assert label.outcome() is not None
        assert not label.is_claimed()


@needs_parsl
def test_a_pool_without_workers_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    executor = pool(workers=1, config="brisk_parsl:without_workers")
    label = folder_of(tmp_path / "labels" / "one")
    executor.submit(label)

    def wait() -> None:
        while executor.alive([label]):
            threading.Event().wait(0.1)

    with pytest.raises(ParslError, match=r"(?s)gets no workers.*EXIT CODE: 7.*no such module"):
        wait()
    executor.cancel([label])
    assert executor.alive([label]) == set()


#: A queue that starts its jobs at once.
SLURM = {
    "sbatch": 'setsid bash "$1" > "$1.stdout" 2> "$1.stderr" & echo "Submitted batch job $!"',
    "sacct": "exit 1",
    "squeue": 'kill -0 "${@: -1}" && echo "${@: -1} R"; exit 0',
    "scancel": 'kill -- "-$1"',
}


@needs_parsl
def test_a_job_of_slurm_holds_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in SLURM.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    jobs = {
        "time": "02:00:00",
        "options": {"partition": "cpu", "exclusive": ""},
        "setup": ["module() { :; }", "module load x"],
    }
    executor = pool(workers=2, workers_per_node=2, slurm=jobs)
    label = folder_of(tmp_path / "labels" / "one")
    executor.submit(label)
    while executor.alive([label]):
        threading.Event().wait(0.1)
    executor.close()
    assert label.outcome() is not None
    (script,) = (tmp_path / "parsl").glob("*/submit_scripts/*[0-9]")
    text = script.read_text(encoding="utf-8")
    for line in ("--time=120", "--partition=cpu", "--exclusive", "--nodes=1"):
        assert f"#SBATCH {line}\n" in text
    assert "module load x\n" in text


@needs_parsl
def test_jobs_are_as_many_as_the_workers_need(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlip.active_learning.executors.parsl import _parsl_config

    jobs = {"nodes": 2, "time": "01:00:00"}
    content = {"workers": 100, "workers_per_node": 16, "slurm": jobs}
    (executor,) = _parsl_config(parse_settings(ParslPool.Config, content)).executors
    assert executor.provider.max_blocks == 4
    assert executor.provider.nodes_per_block == 2
    assert executor.workers_per_node == 16


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"slurm": {"time": "12 h"}}, "time"),
        ({"slurm": {"options": {"partition": "cpu"}}}, "time"),
        ({"config": "my_cluster.py"}, "config"),
        ({"config": "my_cluster:get", "workers_per_node": 3}, "said in its function"),
        ({"workers": 0}, "workers"),
    ],
)
def test_what_cannot_be_is_told(content: dict, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        pool(**content)


def test_without_parsl_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ParslError, match=r"pip install nearsight\[parsl\]"):
        pool()


INTERCHANGE = [sys.executable, "-m", "mlip.active_learning.executors.parsl_interchange"]
#: Starts the interchange as Parsl does; its configuration never comes.
DRIVER = f"""
import os, subprocess, time
print(subprocess.Popen([*{INTERCHANGE}, str(os.getpid())]).pid, flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def driver_and_interchange() -> Iterator[tuple[subprocess.Popen, psutil.Process]]:
    """Both are gone at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        interchange = psutil.Process(int(driver.stdout.readline()))
        try:
            yield driver, interchange
        finally:
            driver.kill()
            with contextlib.suppress(psutil.NoSuchProcess):
                interchange.kill()


@needs_parsl
@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_interchange_ends_with_its_driver_at_any_moment(n_threads: int) -> None:
    """Before it watches its driver, and while it does, in a thread of its own."""
    with driver_and_interchange() as (driver, interchange):
        while interchange.num_threads() < n_threads:
            assert interchange.status() != psutil.STATUS_ZOMBIE, "it ended by itself"
            threading.Event().wait(0.1)
        assert interchange.status() != psutil.STATUS_ZOMBIE, "it ended by itself"
        driver.kill()
        driver.wait()
        assert psutil.wait_procs([interchange], timeout=60)[1] == []


@needs_parsl
def test_an_interchange_whose_driver_has_ended_before_ends_at_once() -> None:
    with subprocess.Popen([*INTERCHANGE, "0"], stdin=subprocess.PIPE) as interchange:
        assert interchange.wait(60) == 1
