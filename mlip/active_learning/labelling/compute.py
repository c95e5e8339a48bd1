"""The process that computes one attempt: ``python -m mlip.active_learning.labelling.compute``.

It runs in the folder of the attempt, at the head of a process group of its own, and leaves
attempt.json behind. When the worker that started it dies, it takes its group with it.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes

from mlip.active_learning.labelling.codes import code_of
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.labelling.factory import build_calculator, load_object
from mlip.active_learning.labelling.fingerprint import Fingerprint, take_fingerprint
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.labelling.outcome import Attempt
from mlip.active_learning.labelling.worker import INTERRUPTED
from mlip.durable import NO_ROOM


class UnusableResultError(ValueError):
    """The code gave numbers, but they cannot be trusted; the message says why."""


def compute(label: LabelFolder, folder: Path, changes: Mapping[str, Any]) -> Attempt:
    """Compute the label in a folder, where the process is; whatever goes wrong is the outcome.

    Raises
    ------
    OSError
        If there is no room on the disk, which says nothing about the label.
    """
    started = time.monotonic()
    results: dict[str, Any] = {}
    fingerprint = reason = None
    try:
        config = label.request().calculator
        results, fingerprint = _label(label.structure(), config, changes, folder)
    except Exception as problem:  # calculators raise whatever their parts raise
        if _is_full_disk(problem):
            raise
        traceback.print_exc()
        reason = f"{type(problem).__name__}: {problem}"
    return Attempt(
        folder=folder.name,
        changes=dict(changes),
        results=results,
        fingerprint=fingerprint,
        reason=reason,
        seconds=time.monotonic() - started,
        cpu_seconds=_processor_time(),
        host=socket.gethostname(),
    )


def _is_full_disk(problem: Exception) -> bool:
    return isinstance(problem, OSError) and problem.errno in NO_ROOM


def _label(
    atoms: Atoms, config: CalculatorConfig, changes: Mapping[str, Any], folder: Path
) -> tuple[dict[str, Any], Fingerprint]:
    calculator = build_calculator(config, changes)
    code = code_of(calculator)
    if lack := code.lack(calculator, atoms):
        raise ValueError(lack)
    names: list[str] = [name for name in config.properties if name != "stress" or atoms.pbc.all()]
    calculator.calculate(atoms, names, all_changes)  # all at once: some codes would run for each
    found = dict(calculator.results)
    found["energy"] = found.get("free_energy", found.get("energy"))  # forces are its derivatives
    results = {name: _checked(name, found.get(name), len(atoms)) for name in names}
    doubt = code.doubt(folder, calculator)
    if doubt is None and config.converged is not None:
        doubt = load_object(config.converged)(folder)
    if doubt:
        raise UnusableResultError(str(doubt))
    return results, take_fingerprint(calculator, config, folder)


def _checked(name: str, value: Any, n_atoms: int) -> Any:
    """One property as plain data."""
    if value is None:
        raise UnusableResultError(f"the calculator gives no {name}")
    array = np.asarray(value, dtype=float)
    if array.shape != {"energy": (), "forces": (n_atoms, 3), "stress": (6,)}[name]:
        raise UnusableResultError(f"the {name} have shape {array.shape}")
    if not np.isfinite(array).all():
        raise UnusableResultError(f"the {name} are not finite")
    return array.tolist()


def _processor_time() -> float:
    """Seconds, of this process and those that it started."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _die_with(worker: int) -> None:
    """Wait for the end of a pipe that the worker holds open for as long as it lives."""
    os.read(worker, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Arguments: the folder of the label, the changed keywords as JSON, the worker's pipe. The
    working directory is the folder of the attempt."""
    path, changes, pipe = sys.argv[1:]
    threading.Thread(target=_die_with, args=(int(pipe),), daemon=True).start()
    label = LabelFolder(Path(path))
    sys.path.insert(0, label.request().import_from)
    try:
        label.end_attempt(compute(label, Path.cwd(), json.loads(changes)))
    except OSError as problem:
        if not _is_full_disk(problem):
            raise
        sys.stderr.write(f"{problem}\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
