"""The process that watches over one label: ``python -m mlip.active_learning.labelling.worker``.

It holds the lock of the label, starts each attempt as a process group of its own, kills it when
its time is over, and writes the outcome before it ends. It may be started twice, or again after it
was killed: a finished label is left alone, a finished attempt is used, and of two workers the
second goes away.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome

#: Exit status of a worker that found another one at its label, and of one whose calculation was
#: killed from outside or had no room on the disk: that says nothing about the label, and whoever
#: started the worker decides.
BUSY, INTERRUPTED = 75, 76

#: Seconds between asking a calculation to end and making it.
_GRACE = 5.0
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, INTERRUPTED)
_THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class InterruptedWorkError(Exception):
    """The calculation was killed from outside (by hand, for memory, with the machine), or there was
    no room on the disk."""


def work(label: LabelFolder) -> bool:
    """Bring a label to its end; False if somebody else is at it.

    Raises
    ------
    InterruptedWorkError
        If the calculation was killed from outside, or there was no room on the disk. The attempt
        does not count.
    """
    if label.outcome() is not None:
        return True
    with label.claim() as lock:
        if lock is None:
            return False
        label.sign(lock)
        if label.outcome() is None:
            _finish(label, lock)
    return True


def work_at(path: str) -> bool:
    """`work` at the label in a folder, for whoever can be told plain data only."""
    return work(LabelFolder(Path(path).resolve()))


def _finish(label: LabelFolder, lock: int) -> None:
    """All attempts, but for those that came to their end before; then the outcome."""
    config = label.request().calculator
    plans: list[dict[str, Any]] = [{}, *([config.retry.kwargs] if config.retry else [])]
    attempts = label.attempts()
    for changes in plans[len(attempts) :]:
        if attempts and attempts[-1].succeeded:
            break
        attempts.append(_attempt(label, config, changes, lock))
    outcome = LabelOutcome(attempts=tuple(attempts))
    label.finish(outcome)
    if outcome.succeeded and not config.keep_output:
        for folder in label.path.glob("attempt-*"):
            shutil.rmtree(folder)


def _attempt(
    label: LabelFolder, config: CalculatorConfig, changes: Mapping[str, Any], lock: int
) -> Attempt:
    """One calculation in a process group of its own. If it leaves no account of itself, why."""
    folder = label.new_attempt()
    started = time.monotonic()
    lifeline, held = os.pipe()
    with label.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mlip.active_learning.labelling.compute",
             str(label.path), json.dumps(changes), str(lifeline)],
            cwd=folder,
            env=os.environ | dict.fromkeys(_THREAD_COUNTS, str(config.threads)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(lifeline, lock),
        )  # fmt: skip
    os.close(lifeline)
    in_time = _wait(process, 3600.0 * config.time_limit)
    _end_group(process)
    os.close(held)
    ended = [attempt for attempt in label.attempts() if attempt.folder == folder.name]
    if ended:
        return ended[0]
    if in_time and process.returncode in _FROM_OUTSIDE:
        raise InterruptedWorkError(_reason(process.returncode, label))
    attempt = Attempt(
        folder=folder.name,
        changes=dict(changes),
        reason=_reason(process.returncode, label) if in_time else _too_long(config),
        seconds=time.monotonic() - started,
        host=socket.gethostname(),
    )
    label.end_attempt(attempt)
    return attempt


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process ended in time."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the group: the process itself, and what it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        _wait(process, _GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # nothing is left
        pass
    process.wait()


def _reason(status: int, label: LabelFolder) -> str:
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"the calculation {how}; the last it printed:\n{label.log_tail()}"


def _too_long(config: CalculatorConfig) -> str:
    return f"the calculation took longer than its time limit of {config.time_limit:g} h"


def main() -> None:
    """Argument: the folder of the label."""
    try:
        free = work_at(sys.argv[1])
    except InterruptedWorkError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(INTERRUPTED)
    if not free:
        sys.exit(BUSY)


if __name__ == "__main__":
    main()
