"""The learning rate over the run, as a plain function of where the run stands.

Nothing here is hidden in an object's state but the three numbers of `PlateauState`, which travel in
the checkpoint; so a resumed run has the same rate to the last bit.
"""

import dataclasses
import math
from typing import Annotated, Literal

from pydantic import Field

from mlip.settings import Settings

_Epochs = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_Fraction = Annotated[float, Field(gt=0.0, le=1.0)]


class Constant(Settings):
    """The same rate throughout."""

    name: Literal["constant"] = "constant"
    warmup_epochs: _Epochs = 0.0
    """Epochs of linear rise from zero."""


class Cosine(Settings):
    """From the full rate down to a fraction of it, along half a cosine (Loshchilov and Hutter,
    arXiv:1608.03983, eq. 5, without restarts)."""

    name: Literal["cosine"] = "cosine"
    warmup_epochs: _Epochs = 0.0
    """Epochs of linear rise from zero."""
    final_fraction: float = Field(default=0.01, ge=0.0, le=1.0)
    """The last rate as a fraction of the first."""


class Exponential(Settings):
    """From the full rate down to a fraction of it, by the same factor in every epoch."""

    name: Literal["exponential"] = "exponential"
    warmup_epochs: _Epochs = 0.0
    """Epochs of linear rise from zero."""
    final_fraction: _Fraction = 0.01
    """The last rate as a fraction of the first."""


class Plateau(Settings):
    """Reduced whenever the validation loss has stopped to fall."""

    name: Literal["plateau"] = "plateau"
    warmup_epochs: _Epochs = 0.0
    """Epochs of linear rise from zero."""
    factor: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Factor of each reduction."""
    patience: int = Field(default=20, ge=1)
    """Epochs without a better validation loss before a reduction."""
    final_fraction: _Fraction = 0.001
    """No reduction below this fraction of the first rate."""


AnySchedule = Constant | Cosine | Exponential | Plateau
Schedule = Annotated[AnySchedule, Field(discriminator="name")]


@dataclasses.dataclass
class PlateauState:
    """What `Plateau` remembers."""

    best: float = math.inf
    waited: int = 0
    fraction: float = 1.0

    def observe(self, schedule: Plateau, validation_loss: float) -> None:
        """Take note of one validation."""
        if validation_loss < self.best:
            self.best, self.waited = validation_loss, 0
            return
        self.waited += 1
        if self.waited >= schedule.patience:
            self.fraction = max(self.fraction * schedule.factor, schedule.final_fraction)
            self.waited = 0


def rate_fraction(schedule: AnySchedule, epoch: float, epochs: int, plateau: PlateauState) -> float:
    """The factor of the learning rate after `epoch` (with decimals) of `epochs` epochs."""
    if epoch < schedule.warmup_epochs:
        return epoch / schedule.warmup_epochs
    if isinstance(schedule, Plateau):
        return plateau.fraction
    if isinstance(schedule, Constant):
        return 1.0
    length = max(epochs - schedule.warmup_epochs, 1e-9)
    progress = min((epoch - schedule.warmup_epochs) / length, 1.0)
    if isinstance(schedule, Exponential):
        return schedule.final_fraction**progress
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    return schedule.final_fraction + (1.0 - schedule.final_fraction) * cosine
