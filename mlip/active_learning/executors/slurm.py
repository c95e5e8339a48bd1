"""Workers as jobs of Slurm, by its own commands and nothing else."""

import hashlib
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from mlip.active_learning.executors.base import RefusedError, worker_command
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.durable import write_whole
from mlip.settings import Settings


class SlurmError(RefusedError):
    """Slurm refused a job; the message holds its words."""


class Slurm:
    """One job for each label, found again by its name: a driver that comes back knows its jobs."""

    class Config(Settings):
        """Workers as jobs of Slurm."""

        name: Literal["slurm"] = "slurm"
        workers: int = Field(default=20, ge=1)
        """Jobs at once, waiting ones included."""
        options: dict[str, str | int] = Field(default_factory=dict)
        """Of sbatch, by their long names; an empty value is a name alone: `{partition: cpu,
        ntasks: 16, time: "02:00:00", exclusive: ""}`. Let `time` be longer than
        `calculator.time_limit` times the number of attempts."""
        setup: tuple[str, ...] = ()
        """Lines of the shell before the worker starts, as `module load vasp`."""
        python: str | None = None
        """The interpreter on the compute nodes; without it that of the driver."""

        def build(self) -> "Slurm":
            """The executor."""
            return Slurm(self)

    def __init__(self, config: "Slurm.Config") -> None:
        self.workers = config.workers
        self._config = config

    def submit(self, label: LabelFolder) -> None:
        script = label.path / "job.sh"
        write_whole(script, self.script(label).encode())
        done = _run(["sbatch", "--parsable", str(script)])
        if done.returncode != 0:
            raise SlurmError(f"sbatch refused {script}: {done.stderr.strip()}")

    def alive(self, labels: Sequence[LabelFolder]) -> set[str] | None:
        done = _run(["squeue", "--me", "--noheader", "--format=%j"])
        if done.returncode != 0:  # a controller that does not answer has not lost the jobs
            return None
        jobs = {line.strip() for line in done.stdout.splitlines()}
        return {label.path.name for label in labels if job_name(label) in jobs}

    def cancel(self, labels: Sequence[LabelFolder]) -> None:
        for label in labels:
            _run(["scancel", "--me", f"--name={job_name(label)}"])

    def close(self) -> None:
        """Nothing to wait for: jobs go on and end by themselves."""

    def script(self, label: LabelFolder) -> str:
        """The job of a label."""
        options = {
            **self._config.options,
            "job-name": job_name(label),
            "output": str(label.log.resolve()),
            "open-mode": "append",
        }
        lines = ["#!/bin/bash", *sbatch_lines(options), *self._config.setup]
        command = shlex.join(worker_command(label, self._config.python or sys.executable))
        return "\n".join([*lines, f"exec {command}", ""])


def job_name(label: LabelFolder) -> str:
    """Of the job of a label; of the same structure in another campaign it is another."""
    place = hashlib.sha256(str(label.path.resolve()).encode()).hexdigest()
    return f"mlip-{label.path.name}-{place[:8]}"


def sbatch_lines(options: Mapping[str, str | int]) -> list[str]:
    """Options of sbatch by their long names, as lines of a script."""
    return [
        f"#SBATCH --{name}" if value == "" else f"#SBATCH --{name}={value}"
        for name, value in options.items()
    ]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SlurmError(
            f"there is no {command[0]} here: run the campaign where jobs are submitted, or take "
            "the executor 'local'"
        ) from error
