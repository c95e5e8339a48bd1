"""Where candidates come from: runs of the current potential, random changes, a user's script.

An explorer makes a number of runs from each starting structure. A run is a function of structure,
potential and seed: killed and repeated, it gives the same candidates.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Literal

import numpy as np
from ase import Atoms
from pydantic import Field, model_validator

from mlip.active_learning.frames import bare
from mlip.active_learning.labelling.factory import load_object
from mlip.active_learning.uncertainty import TooUncertainError, UncertaintyWatch
from mlip.calculators.dynamics import MDLimits, MDSample, MDSettings, run_md
from mlip.calculators.unphysical import Closeness
from mlip.settings import Settings, parse_settings

#: Structures with two atoms nearer than this fraction of the sum of their covalent radii are not
#: labelled: a young potential lets nuclei fall into each other, and such labels spoil all others.
_CLOSENESS = 0.7

#: Stops a run of molecular dynamics when the potential is too uncertain.
WatchFor = Callable[[Atoms], UncertaintyWatch]


class MDExplorer(Settings):
    """Molecular dynamics at a ladder of temperatures, until it becomes too uncertain or
    unphysical."""

    name: Literal["md"] = "md"
    temperatures: tuple[float, ...] = Field(default=(300.0, 600.0), min_length=1)
    """K, a run at each."""
    ensemble: Literal["nve", "nvt", "npt"] = "nvt"
    """As for `mlip md`."""
    pressure: float = 0.0
    """GPa; npt only."""
    timestep: float = Field(default=1.0, gt=0.0)
    """fs; 0.5 with hydrogen."""
    steps: int = Field(default=1000, ge=1)
    """Of each run."""
    interval: int = Field(default=50, ge=1)
    """Steps between candidates, and between looks at the uncertainty."""

    def n_runs(self) -> int:
        """From each structure."""
        return len(self.temperatures)

    def conditions(self, number: int) -> dict[str, float]:
        """In which runs differ."""
        return {"temperature": self.temperatures[number]}

    def run(self, atoms: Atoms, number: int, seed: int, watch_for: WatchFor) -> Iterator[Atoms]:
        """The candidates of one run; the last may be what stopped it."""
        found: list[Atoms] = []
        watch: list[UncertaintyWatch] = []

        def observe(sample: MDSample, now: Atoms) -> None:
            if sample.step == 0:
                watch.append(watch_for(now))
                return
            found.append(bare(now))
            watch[0]()

        settings = self._settings(self.temperatures[number], seed)
        with contextlib.suppress(TooUncertainError):  # what it was stopped at is a candidate
            run_md(atoms, settings, observers=[observe])
        yield from found

    def _settings(self, temperature: float, seed: int = 0) -> MDSettings:
        """Of one run; a ValueError if there is no such run."""
        options = self.model_dump(include={"ensemble", "steps", "timestep", "pressure", "interval"})
        fixed = {"draw_velocities": True, "limits": MDLimits(closeness=_CLOSENESS)}
        own = {"temperature": temperature, "seed": seed}
        return parse_settings(MDSettings, options | fixed | own, "dynamics")

    @model_validator(mode="after")
    def _can_be_run(self) -> "MDExplorer":
        for temperature in self.temperatures:  # now, not after the first potential is trained
            self._settings(temperature)
        return self


class RattleExplorer(Settings):
    """Random displacements, and strains of structures that are periodic in all directions."""

    name: Literal["rattle"] = "rattle"
    count: int = Field(default=10, ge=1)
    """Copies of each structure."""
    amplitude: float = Field(default=0.1, gt=0.0)
    """Å, standard deviation of each coordinate of the largest displacements; copies have from a
    tenth of it to all of it."""
    strain: float = Field(default=0.03, ge=0.0, lt=0.5)
    """Largest component of the strain."""

    def n_runs(self) -> int:
        """From each structure."""
        return 1

    def conditions(self, number: int) -> dict[str, float]:  # noqa: ARG002 - there is one
        """In which runs differ."""
        return {}

    def run(
        self,
        atoms: Atoms,
        number: int,  # noqa: ARG002 - there is one
        seed: int,
        watch_for: WatchFor,  # noqa: ARG002 - nothing runs
    ) -> Iterator[Atoms]:
        """The candidates."""
        random = np.random.default_rng(seed)
        for share in np.linspace(0.1, 1.0, self.count):
            yield rattled(atoms, float(share) * self.amplitude, float(share) * self.strain, random)


class ScriptExplorer(Settings):
    """A function of the user's own: it is given the atoms, with the potential as calculator, and a
    random generator, and returns or yields candidates."""

    name: Literal["script"] = "script"
    function: str = Field(pattern=r"^[\w.]+:\w+$")
    """`package.module:function`; files beside the config can be imported."""

    def n_runs(self) -> int:
        """From each structure."""
        return 1

    def conditions(self, number: int) -> dict[str, float]:  # noqa: ARG002 - there is one
        """In which runs differ."""
        return {}

    def run(
        self,
        atoms: Atoms,
        number: int,  # noqa: ARG002 - there is one
        seed: int,
        watch_for: WatchFor,  # noqa: ARG002 - a script may have a watch of its own
    ) -> Iterator[Atoms]:
        """The candidates."""
        function: Callable[[Atoms, np.random.Generator], Iterable[Atoms]]
        function = load_object(self.function)
        for candidate in function(atoms, np.random.default_rng(seed)):
            yield bare(candidate)


Explorer = Annotated[MDExplorer | RattleExplorer | ScriptExplorer, Field(discriminator="name")]


def rattled(atoms: Atoms, amplitude: float, strain: float, random: np.random.Generator) -> Atoms:
    """A copy with normal displacements of standard deviation `amplitude` (Å) under a symmetric
    strain with components up to `strain`."""
    changed = bare(atoms)
    if strain > 0.0 and changed.pbc.all():
        tensor = random.uniform(-strain, strain, (3, 3))
        cell = changed.cell.array @ (np.eye(3) + 0.5 * (tensor + tensor.T))
        changed.set_cell(cell, scale_atoms=True)
    changed.positions += random.normal(0.0, amplitude, changed.positions.shape)
    return changed


def is_physical(atoms: Atoms) -> bool:
    """Whether positions are finite and no two atoms are too near to each other."""
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        return False
    return Closeness(_CLOSENESS).look(atoms) is None
