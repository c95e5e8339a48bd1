"""The one config of a campaign. Each part sits beside the code that it sets up."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mlip.active_learning.executors.local import LocalPool
from mlip.active_learning.executors.parsl import ParslPool
from mlip.active_learning.executors.slurm import Slurm
from mlip.active_learning.explorers import Explorer, MDExplorer
from mlip.active_learning.labelled import LabelledConfig
from mlip.active_learning.labeller import FailureLimits
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.selection import SelectionConfig
from mlip.active_learning.uncertainty import MeasureName
from mlip.models import ModelConfig
from mlip.settings import Settings
from mlip.training.config import FitConfig

#: A config that works: what `mlip active init` writes.
EXAMPLE = """\
# Run with: mlip active run FOLDER        Paths are relative to this file.
structures: [start.extxyz]     # one or more structures to begin from; labels in them are not used
# labelled: {files: [done.extxyz]}            # frames that the same calculator has labelled
calculator:                    # any calculator of ASE, see the page "your own DFT code"
  preset: pyscf                # PBE-D3(BJ)/def2-SVP for molecules; espresso, gpaw, tblite
  # factory: ase.calculators.vasp:Vasp        # or your own
  # kwargs: {xc: PBE, encut: 400, kspacing: 0.3}
  # command: mpirun -np 16 vasp_std
  properties: [energy, forces] # stress too, for solids
executor: {name: local, workers: 2}           # or slurm, parsl
initial: {count: 20, amplitude: 0.1, strain: 0.02}
learning:
  members: 4                   # networks whose spread is the uncertainty
  model:
    name: behler_parrinello
    descriptor: {name: soap, cutoff: 5.0}
    hidden: [32, 32]
  epochs: 200
explore:
  - {name: md, temperatures: [300, 600], steps: 2000, timestep: 0.5, interval: 50}
  - {name: rattle, count: 10, amplitude: 0.15}  # at first, dynamics soon meets what is absurd
select: {uncertain_above: 0.1, absurd_above: 5.0, per_iteration: 10}     # eV/Å
stop: {force_error: 0.05, in_a_row: 2, iterations: 20}                   # eV/Å, rms on new labels
seed: 0
"""


class InitialConfig(Settings):
    """What there is before there is a potential: labelled frames, the given structures, and rattled
    copies."""

    count: int = Field(default=20, ge=4)
    """Structures, labelled frames and given ones included."""
    amplitude: float = Field(default=0.1, gt=0.0)
    """Å, standard deviation of the largest displacements."""
    strain: float = Field(default=0.02, ge=0.0, lt=0.5)
    """Largest component of the strain, of structures that are periodic in all directions."""


class LearningConfig(FitConfig):
    """How the potential is trained in each iteration: several alike, but for their random numbers.
    Fields not described here are those of a training run."""

    model: ModelConfig
    """What is trained."""
    members: int = Field(default=4, ge=1)
    """Models in the committee."""
    valid: float = Field(default=0.1, gt=0.0, lt=0.5)
    """Share of the labels that watch over the training of each member and are not trained on."""
    keep: Literal["best", "last"] = "last"
    """As in a training run, but the last: the first iterations have one or two validation
    structures, far too few to tell which epoch is best."""
    dtype: Literal["float32", "float64"] = "float32"
    """As in a training run."""
    device: str = "auto"
    """As in a training run."""


class StopConfig(Settings):
    """When the campaign is over. It also ends when exploration finds nothing uncertain."""

    force_error: float = Field(default=0.05, gt=0.0)
    """eV/Å, root mean square of the errors of forces on new labels, before they are trained on."""
    in_a_row: int = Field(default=2, ge=1)
    """Iterations one after another in which the error must be below that."""
    iterations: int = Field(default=20, ge=0)
    """At most; iteration 0 is that of the initial structures."""
    labels: int | None = Field(default=None, ge=1)
    """At most, failed ones not counted; the initial structures are labelled in any case."""


class CampaignConfig(Settings):
    """A campaign: where it begins, who labels, what is learned, how it explores, when it ends."""

    structures: tuple[str, ...] = ()
    """Files of structures to begin and explore from; without any, exploration is from the first
    labelled frame of each composition."""
    labelled: LabelledConfig | None = None
    """Frames that have labels, made by the same calculator."""
    calculator: CalculatorConfig
    """What makes the labels."""
    executor: Annotated[
        LocalPool.Config | Slurm.Config | ParslPool.Config, Field(discriminator="name")
    ] = LocalPool.Config()
    """Where calculations run."""
    failures: FailureLimits = FailureLimits()
    """When failed labels stop the campaign."""
    initial: InitialConfig = InitialConfig()
    """What is labelled first."""
    learning: LearningConfig
    """What is trained, and how."""
    uncertainty: MeasureName = "committee"
    """committee: the spread of the members. laplace: of a single model, from the curvature of its
    loss in the weights of the last layer. distance: to the training data in feature space, for a
    single model too; its calibration gives it its unit."""
    explore: tuple[Explorer, ...] = (MDExplorer(),)
    """Where candidates come from, in each iteration from each of the structures."""
    select: SelectionConfig = SelectionConfig()
    """Which of them are labelled."""
    stop: StopConfig = StopConfig()
    """When it is over."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """All randomness follows from it."""

    @model_validator(mode="after")
    def _fits_together(self) -> "CampaignConfig":
        if not self.structures and self.labelled is None:
            raise ValueError("give structures to begin from, or labelled frames, or both")
        if self.uncertainty == "committee" and self.learning.members < 2:
            raise ValueError(
                "the spread of a committee needs learning.members of 2 or more; a single model has "
                "uncertainty: laplace or distance"
            )
        if self.uncertainty == "laplace" and self.learning.members != 1:
            raise ValueError("uncertainty: laplace is that of one model: set learning.members to 1")
        if "forces" not in self.calculator.properties:
            raise ValueError("calculator.properties must contain forces: they tell what is unknown")
        return self

    def seeded_learning(self) -> LearningConfig:
        """How potentials are trained, with the seed that follows from that of the campaign."""
        seed = (self.seed + self.learning.seed) % 2**31
        return self.learning.model_copy(update={"seed": seed})

    def relative_to(self, folder: Path) -> "CampaignConfig":
        """The same with full paths."""
        found: dict[str, Any] = {"structures": _full(folder, self.structures)}
        if self.labelled is not None:
            files = _full(folder, self.labelled.files)
            found["labelled"] = self.labelled.model_copy(update={"files": files})
        return self.model_copy(update=found)


def _full(folder: Path, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str((folder / path).resolve()) for path in paths)
