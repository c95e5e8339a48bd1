"""The one config of a training run. Each part sits beside the code that it sets up."""

from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from mlip.models import ModelConfig
from mlip.properties import LABELS
from mlip.settings import Settings
from mlip.training.inputs import DataConfig
from mlip.training.loggers import LoggersConfig
from mlip.training.losses import LossConfig
from mlip.training.optimisers import OptimiserConfig
from mlip.training.schedules import Cosine, Schedule

#: A config that works: what `mlip schema --example` prints.
EXAMPLE = """\
# Train with: mlip train config.yaml        Paths are relative to this file.
data:                        # as `mlip data split FILES --output-dir split` writes it
  train: [split/train.extxyz]
  valid: [split/valid.extxyz]  # chooses the best epoch; or a fraction of train, as 0.1
  test: [split/test.extxyz]    # optional: judged once, at the end
model:
  name: behler_parrinello
  descriptor: {name: soap, cutoff: 5.0}
  hidden: [64, 64]
  repulsion: {name: zbl}     # of nuclei, nearer than any bond in the data
loss:                        # residuals in 10 meV/atom, 100 meV/Å, 10 meV/Å^3
  energy: {weight: 1}
  forces: {weight: 1}        # stress too, if the data carry it
optimiser: {name: adamw, learning_rate: 0.003}
schedule: {name: cosine, final_fraction: 0.01}
epochs: 200
dtype: float32               # of the network; geometry and sums are float64
device: auto                 # cuda if there is one, else cpu
seed: 0
"""


class Stage(Settings):
    """A later part of the run with another loss, as a larger weight of the energy at the end."""

    from_epoch: int = Field(ge=1)
    """The stage begins after so many epochs."""
    loss: LossConfig
    """The loss from then on."""
    rate: float = Field(default=1.0, gt=0.0, le=1.0)
    """Factor of the learning rate from then on, on top of the schedule."""


AnyFit = TypeVar("AnyFit", bound="FitConfig")


class FitConfig(Settings):
    """How parameters are fitted, whatever the model and the data."""

    loss: LossConfig = LossConfig()
    """What is minimised."""
    stages: tuple[Stage, ...] = ()
    """Later parts of the run with other losses, in order."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """How steps are made."""
    schedule: Schedule = Cosine()
    """The learning rate over the run."""
    ema: float = Field(default=0.99, ge=0.0, lt=1.0)
    """Decay of the moving average of the weights, which validates and is the final model; 0 takes
    the weights themselves."""
    gradient_clip: float | None = Field(default=100.0, gt=0.0)
    """Largest norm of the gradient of a step; null for no limit."""
    epochs: int = Field(default=200, ge=1)
    """Passes over the training data, in total: a resumed run ends there too."""
    keep: Literal["best", "last"] = "best"
    """Whose weights the final model has: those of the best epoch by the validation loss, or of the
    last one. By a handful of validation structures the best is chance."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Stop after so many epochs without a better validation loss."""
    batch_atoms: int | None = Field(default=None, ge=1)
    """Atoms in a batch, at most (a larger structure is a batch of its own). Left unsaid, an epoch
    has about 100 batches, of 8 to 256 atoms."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of first weights and the order of frames; all randomness follows from it."""
    checkpoint_minutes: float | None = Field(default=10.0, ge=0.0)
    """A checkpoint is written after each epoch, and within an epoch after so many minutes."""

    @model_validator(mode="after")
    def _stages_in_order(self) -> "FitConfig":
        starts = [stage.from_epoch for stage in self.stages]
        if starts != sorted(set(starts)):
            raise ValueError(f"stages must begin one after another, not at epochs {starts}")
        return self

    def losses(self) -> list[LossConfig]:
        """The losses of all stages, in order."""
        return [self.loss, *(stage.loss for stage in self.stages)]

    def trained_on(self) -> tuple[str, ...]:
        """Properties that some stage trains on."""
        terms = {name for loss in self.losses() for name in loss.terms()}
        return tuple(name for name in LABELS if name in terms)

    def loss_at(self, epoch: int) -> LossConfig:
        """The loss after so many finished epochs."""
        losses = [self.loss, *(s.loss for s in self.stages if s.from_epoch <= epoch)]
        return losses[-1]

    def rate_at(self, epoch: int) -> float:
        """The factor of the learning rate after so many finished epochs."""
        return [1.0, *(s.rate for s in self.stages if s.from_epoch <= epoch)][-1]

    def with_batches_for(self: AnyFit, n_atoms: int) -> AnyFit:
        """The same with a size of batches that suits so many training atoms, unless one is set."""
        size = self.batch_atoms or min(max(n_atoms // 100, 8), 256)
        return self.model_copy(update={"batch_atoms": size})

    def identity(self) -> dict[str, Any]:
        """What must not change when a run is continued: all that decides a step. A run may be made
        longer, watched differently, and continued on another device or number of threads."""
        free = {
            "epochs",
            "keep",
            "early_stopping",
            "checkpoint_minutes",
            "device",
            "threads",
            "loggers",
            "data",
        }
        return self.model_dump(mode="json", exclude=free)


class Subject(Settings):
    """What is trained, and on what."""

    data: DataConfig
    """What is trained on."""
    model: ModelConfig
    """What is trained."""


class TrainingConfig(FitConfig, Subject):
    """A training run: data, model, and how the model is fitted."""

    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the learned part. Geometry, energies and losses are float64 in any case."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, or `auto`: a GPU if there is one."""
    threads: int = Field(default=1, ge=1)
    """Processor threads. One is fastest for networks of usual size, whose matrices are small; more
    pay for wide networks and many features. Features may be rounded otherwise on another number."""
    precompute_gib: float = Field(6.0, ge=0.0)
    """Memory for what does not change during training (features and their derivatives, for models
    on a fixed descriptor), computed once before it, GiB. Data that need more have their features
    computed in every step, to the same result but for rounding."""
    loggers: LoggersConfig = LoggersConfig()
    """Where the learning curve goes besides log.csv."""
