"""The integrators of molecular dynamics: ASE's own, with noise that depends on nothing but seed and
step.

An integrator's memory beyond positions, momenta and cell is a few numbers (`memory`); with them
and the numbered noise, a run goes on from any frame as if it had never stopped.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import ase.units
import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian
from ase.md.bussi import Bussi
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.verlet import VelocityVerlet

from mlip.calculators.md_settings import MDSettings
from mlip.units import convert


class Integrator(ABC):
    """One time step after the other."""

    @abstractmethod
    def advance(self, step: int) -> None:
        """Move the atoms on to time step number `step`."""

    def heat(self) -> float | None:
        """eV the thermostat has put into the atoms so far; None if that is not known."""
        return None

    def memory(self) -> dict[str, float]:
        """What goes on from frame to frame besides positions, momenta and cell."""
        return {}


class Verlet(Integrator):
    """NVE: velocity Verlet."""

    def __init__(self, atoms: Atoms, settings: MDSettings) -> None:
        self._dynamics = VelocityVerlet(atoms, settings.timestep * ase.units.fs)

    def advance(self, step: int) -> None:  # noqa: ARG002
        self._dynamics.step()

    def heat(self) -> float | None:
        return 0.0


class Rescaling(Integrator):
    """NVT: stochastic velocity rescaling, over the degrees of freedom that there are."""

    def __init__(
        self, atoms: Atoms, settings: MDSettings, memory: Mapping[str, float], freedom: int
    ) -> None:
        assert settings.temperature is not None
        self._noise = NumberedNoise(settings.seed)
        self._dynamics = Bussi(
            atoms,
            settings.timestep * ase.units.fs,
            temperature_K=settings.temperature,
            taut=settings.thermostat_time * ase.units.fs,
            rng=self._noise.generator,
        )
        # ASE counts 3 N, which would heat 8 atoms at rest as a whole by a seventh.
        self._dynamics.ndof = freedom
        self._dynamics.target_kinetic_energy = 0.5 * freedom * ase.units.kB * settings.temperature
        self._dynamics.transferred_energy = memory.get("heat", 0.0)

    def advance(self, step: int) -> None:
        self._noise.turn_to(step)
        self._dynamics.step()

    def heat(self) -> float | None:
        return float(self._dynamics.transferred_energy)

    def memory(self) -> dict[str, float]:
        return {"heat": float(self._dynamics.transferred_energy)}


class Langevin(Integrator):
    """NVT and NPT: Langevin dynamics, for npt with a Langevin piston.

    The piston's mass is W = (3 N + 3) kT tau^2 (Martyna, Tobias and Klein, J. Chem. Phys. 101,
    4177, 1994, below eq. 2.9).
    """

    def __init__(self, atoms: Atoms, settings: MDSettings, memory: Mapping[str, float]) -> None:
        _check_structure(atoms, settings.ensemble)
        assert settings.temperature is not None
        self._noise = NumberedNoise(settings.seed)
        self._piston = settings.ensemble == "npt"
        tau = settings.barostat_time * ase.units.fs
        thermal = ase.units.kB * settings.temperature
        stress = -convert(settings.pressure, "GPa", "eV/Å^3") if self._piston else None
        self._dynamics = LangevinBAOAB(
            atoms,
            settings.timestep * ase.units.fs,
            temperature_K=settings.temperature,
            externalstress=stress,
            hydrostatic=True,
            T_tau=settings.thermostat_time * ase.units.fs,
            P_tau=tau,
            P_mass=(3 * len(atoms) + 3) * thermal * tau**2,
            rng=self._noise.generator,
        )
        if self._piston and memory:
            # the force on the piston is kept from the middle of a step, with the velocities there
            self._dynamics.p_eps = memory["piston"]
            self._dynamics.force_eps = memory["piston_force"]

    def advance(self, step: int) -> None:
        self._noise.turn_to(step)
        self._dynamics.step()

    def memory(self) -> dict[str, float]:
        if not self._piston:
            return {}
        piston = {"piston": self._dynamics.p_eps, "piston_force": self._dynamics.force_eps}
        return {name: float(value) for name, value in piston.items()}


class NumberedNoise:
    """Random numbers that belong to a step: the counter of Philox (Salmon et al., SC11, 2011) is
    set to the step, so that they do not depend on where a run began."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.Philox(key=seed)
        self.generator = np.random.Generator(self._bits)
        self._fresh = self._bits.state

    def turn_to(self, step: int) -> None:
        """From here on the generator gives the numbers of one step."""
        counter = np.array([0, step, 0, 0], dtype=np.uint64)
        key = self._fresh["state"]["key"]
        self._bits.state = self._fresh | {"state": {"counter": counter, "key": key}}


def build_integrator(
    atoms: Atoms, settings: MDSettings, memory: Mapping[str, float], freedom: int
) -> Integrator:
    """The integrator of the settings, in the state that `memory` describes (empty at the start).

    Raises
    ------
    ValueError
        If the integrator cannot hold the constraints of the structure, or the structure has no
        pressure or velocities that the ensemble needs.
    """
    if settings.ensemble == "nve":
        return Verlet(atoms, settings)
    if settings.ensemble == "nvt" and settings.thermostat == "bussi":
        return Rescaling(atoms, settings, memory, freedom)
    return Langevin(atoms, settings, memory)


def _check_structure(atoms: Atoms, ensemble: str) -> None:
    """Langevin moves atoms past ASE's constraints, except those that also hold velocities."""
    if ensemble == "npt" and not atoms.pbc.all():
        raise ValueError(
            f"npt needs three periodic directions, but pbc is {atoms.pbc.tolist()}: a slab or a "
            "molecule has no pressure; use nvt"
        )
    held = [type(c).__name__ for c in atoms.constraints]
    if held and ensemble == "npt":
        raise ValueError(f"npt cannot keep the constraints of this structure ({', '.join(held)})")
    if not all(isinstance(c, FixAtoms | FixCartesian) for c in atoms.constraints):
        raise ValueError(
            f"Langevin dynamics cannot keep the constraints of this structure ({', '.join(held)}); "
            "use the thermostat bussi"
        )
