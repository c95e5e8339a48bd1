"""What came of an attempt at a label, and of the label: files that a worker leaves behind."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.durable import write_whole
from mlip.settings import Settings, parse_settings

if TYPE_CHECKING:  # the worker starts faster without
    import numpy as np


class Attempt(Settings):
    """What came of one calculation: either results with a fingerprint, or a reason."""

    folder: str
    """Its name in the folder of the label."""
    changes: dict[str, Any] = Field(default_factory=dict)
    """Keywords that were changed, for a retry."""
    results: dict[str, Any] = Field(default_factory=dict)
    """energy (eV), forces (eV/Å, a row for each atom), stress (eV/Å^3, Voigt order)."""
    fingerprint: Fingerprint | None = None
    reason: str | None = None
    """Why there are no results that can be trusted."""
    seconds: float = 0.0
    """Wall time."""
    cpu_seconds: float = 0.0
    """Processor time, of the calculation and the programs it started."""
    host: str = ""

    @property
    def succeeded(self) -> bool:
        return self.reason is None


class LabelOutcome(Settings):
    """All attempts at a label; the last one decides."""

    attempts: tuple[Attempt, ...] = Field(min_length=1)

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]

    @property
    def succeeded(self) -> bool:
        return self.last.succeeded

    @property
    def seconds(self) -> float:
        """Wall time of all attempts."""
        return sum(attempt.seconds for attempt in self.attempts)

    def labels(self) -> "dict[str, np.ndarray]":
        """The results of the last attempt, as `label_values` gives them."""
        return label_values(self.last.results)


def label_values(results: Mapping[str, Any]) -> "dict[str, np.ndarray]":
    """Results as they were written, by the names and in the shapes of `mlip.properties`."""
    import numpy as np

    from mlip.properties import from_voigt

    found = {name: np.asarray(value, float) for name, value in results.items()}
    if "stress" in found:
        found["stress"] = from_voigt(found["stress"])
    return found


def write_outcome(path: Path, outcome: Attempt | LabelOutcome) -> None:
    """Write it as JSON, whole or not at all; numbers read back as the same bits."""
    write_whole(path, outcome.model_dump_json(indent=1).encode())


def read_attempt(path: Path) -> Attempt | None:
    """What an attempt left behind; None if it did not come to its end."""
    return parse_settings(Attempt, _read(path), str(path)) if path.exists() else None


def read_outcome(path: Path) -> LabelOutcome | None:
    """What came of a label; None if it is not finished."""
    return parse_settings(LabelOutcome, _read(path), str(path)) if path.exists() else None


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
