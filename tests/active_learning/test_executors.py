"""Workers are started and found again, on this machine and in a queue."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from labels import folder_of

from mlip.active_learning.executors.local import LocalPool
from mlip.active_learning.executors.slurm import Slurm, SlurmError, job_name
from mlip.active_learning.labelling.folder import LabelFolder

#: A queue in a folder: a job is a file, named as the job, that holds its script.
SBATCH = """#!/bin/bash
script="${@: -1}"
name=$(sed -n 's/^#SBATCH --job-name=//p' "$script")
cp "$script" "$QUEUE/$name"
echo 17
"""
SQUEUE = """#!/bin/bash
[ -e "$QUEUE/.down" ] && { echo "slurm_load_jobs error: Unable to contact" >&2; exit 1; }
ls "$QUEUE"
"""
SCANCEL = """#!/bin/bash
rm "$QUEUE/${@: -1:1}" 2>/dev/null || rm "$QUEUE/$(sed 's/--name=//' <<< "${@: -1}")"
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs, jobs = tmp_path / "bin", tmp_path / "queue"
    programs.mkdir()
    jobs.mkdir()
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("QUEUE", str(jobs))
    return jobs


def test_the_pool_knows_its_workers_and_those_of_others(tmp_path: Path) -> None:
    pool, other = LocalPool(2), LocalPool(2)
    own, foreign, none = (folder_of(tmp_path / name) for name in ("own", "foreign", "none"))
    pool.submit(own)
    with foreign.claim():
        assert "foreign" in pool.alive([own, foreign, none])
        assert "none" not in pool.alive([own, foreign, none])
    while pool.alive([own]):
        threading.Event().wait(0.05)
    pool.close()
    assert pool.alive([own]) == other.alive([own]) == set()
    assert own.outcome() is not None


def test_a_pool_that_is_closed_before_its_time_ends_its_workers(tmp_path: Path) -> None:
    pool = LocalPool(1)
    label = folder_of(tmp_path, factory="analytic:Failing", kwargs={"how": "hang"})
    pool.submit(label)
    pool.close()
    while pool.alive([label]):
        pass  # the calculation, if there is one already, follows its worker
    assert label.outcome() is None


def test_a_worker_of_an_earlier_driver_can_be_ended(tmp_path: Path) -> None:
    first, second = LocalPool(1), LocalPool(1)
    label = folder_of(tmp_path, factory="analytic:Failing", kwargs={"how": "hang"})
    first.submit(label)
    while label.worker() is None:
        threading.Event().wait(0.05)
    second.cancel([label])
    while second.alive([label]):
        threading.Event().wait(0.05)  # the calculation, if there is one, follows its worker
    assert label.worker() is None
    assert label.outcome() is None
    first.close()


def test_a_cancelled_worker_is_gone_and_its_label_can_be_taken_up(tmp_path: Path) -> None:
    pool = LocalPool(1)
    label = folder_of(tmp_path, factory="analytic:Failing", kwargs={"how": "hang"})
    pool.submit(label)
    pool.cancel([label, LabelFolder(tmp_path / "never started")])
    while pool.alive([label]):
        pass  # the calculation, if there is one already, follows its worker
    assert label.outcome() is None


def test_a_job_is_queued_found_by_its_name_and_runs(tmp_path: Path, queue: Path) -> None:
    options = {"partition": "cpu", "time": "02:00:00"}
    slurm = Slurm.Config(options=options, setup=("module() { :; }", "module load x")).build()
    label, other = folder_of(tmp_path / "abc"), folder_of(tmp_path / "def")
    slurm.submit(label)
    job = queue / job_name(label)
    script = job.read_text(encoding="utf-8")
    assert (
        "#SBATCH --partition=cpu\n#SBATCH --time=02:00:00\n#SBATCH --job-name=mlip-abc-" in script
    )
    assert Slurm.Config().build().alive([label, other]) == {"abc"}  # a driver that came back
    subprocess.run(["bash", str(job)], check=True)
    assert label.outcome() is not None
    slurm.cancel([label])
    assert slurm.alive([label]) == set()


def test_the_same_structure_in_another_campaign_is_another_job(tmp_path: Path, queue: Path) -> None:
    own, other = folder_of(tmp_path / "pbe" / "abc"), folder_of(tmp_path / "scan" / "abc")
    slurm = Slurm.Config().build()
    slurm.submit(own)
    assert slurm.alive([other]) == set()
    slurm.submit(other)
    slurm.cancel([other])
    assert slurm.alive([other]) == set()
    assert slurm.alive([own]) == {"abc"}


def test_a_queue_that_does_not_answer_has_lost_nothing(tmp_path: Path, queue: Path) -> None:
    (queue / ".down").touch()
    label = folder_of(tmp_path / "abc")
    assert Slurm.Config().build().alive([label]) is None


def test_what_slurm_refuses_is_told(
    tmp_path: Path, queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = folder_of(tmp_path / "abc")
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.write_text("#!/bin/bash\necho invalid partition >&2; exit 1\n", encoding="utf-8")
    with pytest.raises(SlurmError, match="invalid partition"):
        Slurm.Config().build().submit(label)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmError, match="there is no sbatch here"):
        Slurm.Config().build().submit(label)


def test_the_interpreter_of_the_nodes_can_be_another() -> None:
    slurm = Slurm.Config(python="/opt/python/bin/python").build()
    script = slurm.script(LabelFolder(Path("labels") / "abc"))
    assert "exec /opt/python/bin/python -m mlip.active_learning.labelling.worker /" in script
    assert sys.executable not in script
