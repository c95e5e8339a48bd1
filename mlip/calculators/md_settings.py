"""What a molecular dynamics run is: ensemble, time step, length, and when to call it unphysical."""

from typing import Literal

import pydantic

from mlip.settings import Settings


class MDLimits(Settings):
    """What no sound run at ordinary conditions does; beyond it the run stops with a reason."""

    closeness: float = pydantic.Field(default=0.5, ge=0)
    """Two atoms nearer than this fraction of the sum of their covalent radii are too close; 0 never
    looks."""
    temperature_factor: float = pydantic.Field(default=10.0, gt=1)
    """Too hot: beyond this many times the target temperature and beyond `temperature` as well."""
    temperature: float = pydantic.Field(default=10_000.0, gt=0)
    """K. See `temperature_factor`."""
    force: float = pydantic.Field(default=100.0, gt=0)
    """eV/Å, largest force on an atom."""
    energy_jump: float = pydantic.Field(default=1.0, gt=0)
    """eV/atom, largest change of the potential energy in one step."""
    volume_factor: float = pydantic.Field(default=3.0, gt=1)
    """The cell may grow or shrink by this factor in volume."""


class MDSettings(Settings):
    """A run of molecular dynamics.

    nve: velocity Verlet. nvt: Langevin dynamics in the BAOAB splitting (Leimkuhler and Matthews,
    J. Chem. Phys. 138, 174102, 2013) or velocity rescaling (Bussi, Donadio and Parrinello,
    J. Chem. Phys. 126, 014101, 2007). npt: BAOAB with a Langevin piston that scales the cell
    isotropically (Quigley and Probert, J. Chem. Phys. 120, 11432, 2004).
    """

    ensemble: Literal["nve", "nvt", "npt"] = "nve"
    """What is kept: energy and volume, temperature and volume, or temperature and pressure."""
    steps: int = pydantic.Field(default=1000, ge=0)
    """Number of time steps."""
    timestep: float = pydantic.Field(default=1.0, gt=0, allow_inf_nan=False)
    """fs. About a tenth of the fastest period: 1 for most elements, 0.5 with hydrogen."""
    temperature: float | None = pydantic.Field(default=None, gt=0, allow_inf_nan=False)
    """K. Needed for nvt and npt; for nve that of the start, where the structure has no velocities.
    Started from a relaxed structure, an nve run soon shares half of it with the potential."""
    pressure: pydantic.FiniteFloat = 0.0
    """GPa, positive compresses; npt only."""
    thermostat: Literal["langevin", "bussi"] = "langevin"
    """nvt only. langevin reaches every atom and is safe for few atoms and stiff molecules; bussi
    rescales all velocities together, disturbs diffusion less and has a conserved quantity."""
    thermostat_time: float = pydantic.Field(default=100.0, gt=0, allow_inf_nan=False)
    """fs, time constant of the thermostat; its inverse is the friction of langevin."""
    barostat_time: float = pydantic.Field(default=1000.0, gt=0, allow_inf_nan=False)
    """fs, time constant of the barostat."""
    interval: int = pydantic.Field(default=10, ge=1)
    """Steps between frames of the trajectory and rows of the log."""
    seed: int = pydantic.Field(default=0, ge=0)
    """Of the starting velocities and of the thermostat."""
    draw_velocities: bool = False
    """Draw new velocities even if the structure has some."""
    trajectory_format: Literal["traj", "extxyz"] = "traj"
    """traj is ASE's, with all digits, and can be resumed; extxyz is text that most viewers read."""
    limits: MDLimits = MDLimits()
    """When the run counts as unphysical."""

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> "MDSettings":
        if self.ensemble != "nve" and self.temperature is None:
            raise ValueError(f"{self.ensemble} needs a temperature in K (--temperature)")
        if self.draw_velocities and self.temperature is None:
            raise ValueError("velocities are drawn at a temperature in K (--temperature)")
        if self.ensemble != "npt" and self.pressure != 0.0:
            raise ValueError(f"a pressure is kept by npt only, not by {self.ensemble}")
        if self.ensemble != "nvt" and self.thermostat == "bussi":
            raise ValueError(f"the thermostat bussi is for nvt only, not for {self.ensemble}")
        return self
