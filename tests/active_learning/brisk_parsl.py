"""A configuration of Parsl as a user writes one; it notices in seconds what is lost."""

import sys
from pathlib import Path

from parsl import Config
from parsl.executors import HighThroughputExecutor
from parsl.jobs.error_handlers import windowed_error_handler
from parsl.providers import LocalProvider


def brisk() -> Config:
    path = f"export PATH={Path(sys.executable).parent}:$PATH"
    executor = HighThroughputExecutor(
        provider=LocalProvider(worker_init=path),
        address="127.0.0.1",
        max_workers_per_node=2,
        cores_per_worker=1e-3,
        heartbeat_period=1,
        heartbeat_threshold=20,
        block_error_handler=windowed_error_handler,
    )
    return Config(executors=[executor], strategy_period=1, initialize_logging=False)


def without_workers() -> Config:
    executor = HighThroughputExecutor(
        provider=LocalProvider(worker_init="echo no such module >&2; exit 7"),
        address="127.0.0.1",
    )
    return Config(executors=[executor], strategy_period=1, initialize_logging=False)
