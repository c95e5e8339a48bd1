"""Workers in a pool of Parsl: on this machine, or in jobs of Slurm that each hold many workers.

Parsl: Babuji et al., HPDC 2019, 25-36, doi:10.1145/3307681.3325400.
"""

import atexit
import importlib.util
import math
import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from mlip.active_learning.executors.slurm import sbatch_lines
from mlip.active_learning.labelling.factory import load_object
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.labelling.worker import work_at
from mlip.settings import Settings

#: Seconds between signs of life, and without one until a node counts as lost. The workers of a
#: driver that was killed go on for as long.
_HEARTBEAT, _LOST_AFTER = 10, 120
#: Seconds for workers whose labels are finished to clear up.
_CLEARING = 60.0


class ParslError(ValueError):
    """Parsl cannot be used, or gets no workers; the message says why."""


class SlurmJobs(Settings):
    """Jobs of Slurm that hold workers."""

    nodes: int = Field(default=1, ge=1)
    """Of each job."""
    time: str = Field(pattern=r"^\d+:[0-5]\d:[0-5]\d$")
    """That a job may run, as `"12:00:00"`. What is not finished then is computed again."""
    options: dict[str, str | int] = Field(default_factory=dict)
    """Further ones of sbatch, by their long names; an empty value is a name alone:
    `{partition: cpu, exclusive: ""}`."""
    setup: tuple[str, ...] = ()
    """Lines of the shell before the workers start, as `module load vasp`."""


class ParslPool:
    """A pool that is started with the first label and ended with the last.

    A worker that is killed, or lost with its node, is replaced. Those of a driver that was killed
    end after two minutes, with what they have not finished.
    """

    class Config(Settings):
        """Workers in a pool of Parsl: many short calculations in few jobs."""

        name: Literal["parsl"] = "parsl"
        workers: int = Field(default=2, ge=1)
        """Calculations at once, on all nodes together."""
        workers_per_node: int | None = Field(default=None, ge=1)
        """Of these on one node, each with `calculator.threads` threads; without it all of them."""
        slurm: SlurmJobs | None = None
        """Jobs that hold the workers, as many as `workers` need; without it they are processes of
        this machine."""
        config: str | None = Field(default=None, pattern=r"^[\w.]+:\w+$")
        """`package.module:function` that returns a `parsl.Config`, for all else that Parsl can;
        files beside the config can be imported."""

        @model_validator(mode="after")
        def _one_source(self) -> "ParslPool.Config":
            if self.config is not None and (self.slurm or self.workers_per_node):
                raise ValueError(
                    "with config, workers_per_node and slurm are said in its function, not here"
                )
            return self

        def build(self) -> "ParslPool":
            """The executor."""
            if importlib.util.find_spec("parsl") is None:
                raise ParslError(
                    "Parsl is not installed: pip install nearsight[parsl], or take the executor "
                    "'local' or 'slurm'"
                )
            return ParslPool(self)

    def __init__(self, config: "ParslPool.Config") -> None:
        self.workers = config.workers
        self._config = config
        self._kernel: Any = None
        self._futures: dict[Path, Future[bool]] = {}

    def submit(self, label: LabelFolder) -> None:
        if self._kernel is None:
            self._kernel = _started(self._config, label.path.parent.with_name("parsl").resolve())
        from parsl import python_app

        start = python_app(work_at, data_flow_kernel=self._kernel)
        self._futures[label.path] = start(str(label.path.resolve()))

    def alive(self, labels: Sequence[LabelFolder]) -> set[str]:
        self._check()
        return {label.path.name for label in labels if self._is_alive(label)}

    def cancel(self, labels: Sequence[LabelFolder]) -> None:  # noqa: ARG002 - see below
        """Parsl does not end single workers: the whole pool ends."""
        self._end()

    def close(self) -> None:
        finished = [
            future for path, future in self._futures.items() if LabelFolder(path).is_finished()
        ]
        wait(finished, timeout=_CLEARING)
        self._end()

    def _is_alive(self, label: LabelFolder) -> bool:
        future = self._futures.get(label.path)
        if future is not None and not future.done():
            return True
        if future is not None and (problem := future.exception()) is not None:
            label.note(f"{type(problem).__name__}: {problem}")
            del self._futures[label.path]
        return label.is_claimed()

    def _check(self) -> None:
        """Parsl gives up when no job can be started, and waits for ever for an interchange that was
        killed."""
        executors = self._kernel.executors.values() if self._kernel is not None else ()
        for executor in executors:
            if getattr(executor, "bad_state_is_set", False):
                raise ParslError(
                    f"Parsl gets no workers; its files are in {self._kernel.run_dir}. "
                    f"{executor.executor_exception}"
                )
            interchange = getattr(executor, "interchange_proc", None)
            if interchange is not None and interchange.poll() is not None:
                self._abandon()

    def _abandon(self) -> None:
        """End the workers, and leave an engine behind that would not end in order."""
        atexit.unregister(self._kernel.atexit_cleanup)
        for executor in self._kernel.executors.values():
            if jobs := list(getattr(executor, "blocks_to_job_id", {}).values()):
                executor.provider.cancel(jobs)
        self._kernel = None
        self._futures.clear()

    def _end(self) -> None:
        if self._kernel is not None:
            self._kernel.cleanup()
        self._kernel = None
        self._futures.clear()


def _started(config: ParslPool.Config, folder: Path) -> Any:
    """Parsl's engine, with its files in a folder."""
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.executors import HighThroughputExecutor

    found = load_object(config.config)() if config.config else _parsl_config(config)
    found.run_dir = str(folder)
    for executor in found.executors:
        if isinstance(executor, HighThroughputExecutor):
            module = "mlip.active_learning.executors.parsl_interchange"
            executor.interchange_launch_cmd = [sys.executable, "-m", module, str(os.getpid())]
    return DataFlowKernel(found)


def _parsl_config(config: ParslPool.Config) -> Any:
    """In Parsl's words."""
    from parsl import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.error_handlers import windowed_error_handler

    per_node = config.workers_per_node or config.workers
    executor = HighThroughputExecutor(
        label="labels",
        provider=_provider(config, per_node),
        address=None if config.slurm else "127.0.0.1",  # None: every address of this machine
        max_workers_per_node=per_node,
        cores_per_worker=1e-3,  # how many fit on a node is said, not counted
        heartbeat_period=_HEARTBEAT,
        heartbeat_threshold=_LOST_AFTER,
        block_error_handler=windowed_error_handler,  # one lost node is no reason to give up
    )
    return Config(executors=[executor], strategy="simple", initialize_logging=False)


def _provider(config: ParslPool.Config, per_node: int) -> Any:
    from parsl.launchers import SingleNodeLauncher, SrunLauncher
    from parsl.providers import LocalProvider, SlurmProvider

    # Parsl calls a script that lies beside the interpreter
    path = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    jobs = config.slurm
    if jobs is None:
        return LocalProvider(worker_init=path, max_blocks=math.ceil(config.workers / per_node))
    return SlurmProvider(
        nodes_per_block=jobs.nodes,
        max_blocks=math.ceil(config.workers / (per_node * jobs.nodes)),
        walltime=jobs.time,
        scheduler_options="\n".join(sbatch_lines(jobs.options)),
        worker_init="\n".join([*jobs.setup, path]),
        exclusive=False,  # unless the options say so
        launcher=SrunLauncher() if jobs.nodes > 1 else SingleNodeLauncher(),
    )
