"""Which calculator makes the labels, as plain data: nothing is pickled, the worker builds it."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from mlip.active_learning.labelling.presets import PRESETS
from mlip.settings import Settings

Labelled = Literal["energy", "forces", "stress"]


class RetryConfig(Settings):
    """What is changed for the second and last attempt at a label."""

    kwargs: dict[str, Any] = Field(min_length=1)
    """Laid over the keywords of the calculator. Change how the answer is found (mixing, number of
    steps), never what is asked (functional, basis, cut-off): the label counts as one of the same
    calculator."""


class CalculatorConfig(Settings):
    """The calculator that makes the labels: any of ASE, by its import path and keywords."""

    preset: Literal["pyscf", "espresso", "gpaw", "tblite"] | None = None
    """A ready-made calculator; `kwargs` are then laid over its own."""
    factory: str | None = None
    """`package.module:Name` of a class or function that returns an ASE calculator. Files beside the
    config can be imported."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Keywords of the factory. Classes of ASE that run a program by a profile take what the profile
    needs as `profile: {pseudo_dir: ...}`."""
    command: str | None = None
    """How the program is started, as `mpirun -np 4 pw.x`. No part of the fingerprint."""
    properties: tuple[Labelled, ...] = ("energy", "forces")
    """What is computed. `stress` is asked only of structures that are periodic in all three
    directions."""
    converged: str | None = None
    """`package.module:function` that is given the folder of the attempt and returns why the result
    cannot be trusted, or nothing. Asked besides what is known of the code."""
    version: str | None = None
    """Of the code, where it does not tell by itself."""
    threads: int = Field(default=1, ge=1)
    """OpenMP and BLAS threads of each calculation."""
    time_limit: float = Field(default=24.0, gt=0.0)
    """Hours for one attempt; then the calculation and all it started are killed."""
    retry: RetryConfig | None = None
    """A second attempt at what failed, with other keywords; there is no third."""
    keep_output: bool = False
    """Keep what the code wrote also of labels that succeeded; of failures it is always kept."""

    @field_validator("factory", "converged")
    @classmethod
    def _is_import_path(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w.]+:\w+", value):
            raise ValueError(f"an import path looks like package.module:Name, not {value!r}")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "CalculatorConfig":
        if (self.preset is None) == (self.factory is None):
            raise ValueError("give either a preset or a factory")
        if "energy" not in self.properties:
            raise ValueError("properties must contain energy")
        return self

    def resolved(self) -> "CalculatorConfig":
        """The same with a factory and all keywords, without preset."""
        if self.preset is None:
            return self
        preset = PRESETS[self.preset]
        return self.model_copy(
            update={
                "preset": None,
                "factory": preset.factory,
                "kwargs": laid_over(preset.kwargs, self.kwargs),
                "command": self.command or preset.command,
            }
        )

    def settings(self) -> dict[str, Any]:
        """What decides about the numbers, as plain data: factory and keywords."""
        whole = self.resolved()
        return {"factory": whole.factory, "kwargs": whole.kwargs, "version": whole.version}


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two nested dictionaries as one; where both say something, the upper one counts."""
    both = dict(below)
    for key, value in above.items():
        lower = below.get(key)
        if isinstance(lower, dict) and isinstance(value, dict):
            value = laid_over(lower, value)
        both[key] = value
    return both
