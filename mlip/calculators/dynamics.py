"""Molecular dynamics with any ASE calculator: watches itself, can be killed and resumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError

from mlip.calculators.drift import Drift, linear_drift
from mlip.calculators.integrators import Integrator, build_integrator
from mlip.calculators.md_records import (
    LOG,
    MDSample,
    Records,
    frame_of,
    last_frame,
    read_log,
    read_settings,
    take_memory,
    write_stopped,
)
from mlip.calculators.md_settings import MDLimits, MDSettings
from mlip.calculators.unphysical import Watch
from mlip.calculators.velocities import (
    degrees_of_freedom,
    draw_velocities,
    has_velocities,
    stop_motion_of_whole,
    temperature,
)
from mlip.units import convert

__all__ = ["MDLimits", "MDResult", "MDSample", "MDSettings", "run_md"]

#: Called with each row of the log and the atoms at that time.
Observer = Callable[[MDSample, Atoms], None]


@dataclass(frozen=True)
class MDResult:
    """How a run went.

    Attributes
    ----------
    atoms : the final state, with its calculator; the bad one if the run was stopped
    samples : the log, from step 0 even if the run was resumed
    stopped : why the run was stopped as unphysical, None if it went to its end
    stopped_at : the step at which it was
    drift : of the conserved energy, eV/atom/ps; None if there is none (Langevin) or too few rows
    velocities : "structure", "drawn" or "resumed"
    degrees_of_freedom : over which the temperature is taken
    """

    atoms: Atoms
    samples: Sequence[MDSample]
    stopped: str | None
    stopped_at: int | None
    drift: Drift | None
    velocities: str
    degrees_of_freedom: int

    def column(self, name: str) -> np.ndarray:
        """One quantity of the log, by the name of its field in `MDSample`."""
        return np.array([getattr(sample, name) for sample in self.samples], dtype=float)

    def late(self, name: str) -> tuple[float, float]:
        """Mean and standard deviation of a quantity over the second half of the run, the first
        being left to equilibration."""
        values = self.column(name)[len(self.samples) // 2 :]
        return float(values.mean()), float(values.std())


def run_md(
    atoms: Atoms,
    settings: MDSettings,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    observers: Sequence[Observer] = (),
) -> MDResult:
    """Run molecular dynamics with the calculator of the atoms.

    The caller's atoms stay as they are. Without `folder` nothing is written. With it, the files
    of `mlip.calculators.md_records` are; they are whole up to the last frame at any moment.

    `resume` goes on after the last frame in `folder`. Positions, velocities, the memory of the
    integrator and its noise are the same to the last bit as in a run that was never interrupted;
    so is then the rest of the run, if the calculator gives the same forces for the same positions
    whatever it was asked before. Only the number of steps may differ from the first settings; a
    calculator that gives other forces on the last frame is refused.

    Parameters
    ----------
    observers : called every `settings.interval` steps, for progress or analysis

    Raises
    ------
    ValueError
        If atoms, settings and ensemble do not fit together.
    FileExistsError
        If `folder` holds a run and it is not to be resumed.
    """
    folder = None if folder is None else Path(folder)
    if folder is not None and not resume:
        Records.refuse_to_overwrite(folder, settings)
    begun = _resumed(atoms, settings, folder) if resume and folder is not None else None
    start = begun or _begun(atoms, settings)
    run = _Run(start, settings)  # asks for forces: what cannot be computed leaves no folder behind
    if folder is None:
        return run.go(None, None, observers)
    records = Records(folder, settings, start.samples)
    try:
        return run.go(records, folder, observers)
    finally:
        records.close()


@dataclass(frozen=True)
class _Start:
    """Where a run begins, or goes on."""

    atoms: Atoms
    step: int
    memory: dict[str, float]
    samples: list[MDSample]
    velocities: str
    freedom: int


def _begun(atoms: Atoms, settings: MDSettings) -> _Start:
    """The start of a new run: velocities are those of the structure, or drawn."""
    if atoms.calc is None:
        raise ValueError("the atoms have no calculator to give forces")
    work = atoms.copy()
    work.calc = atoms.calc
    conserved = settings.ensemble == "nve" or settings.thermostat == "bussi"
    own = has_velocities(work) and not settings.draw_velocities
    if own and settings.ensemble == "nve" and settings.temperature is not None:
        raise ValueError(
            f"a temperature of {settings.temperature:g} K is asked for, but the structure brings "
            "its own velocities: leave out the temperature to use them, or ask to draw new ones "
            "(--draw-velocities)"
        )
    if not own and settings.temperature is None:
        raise ValueError(
            "the structure has no velocities: give a temperature in K to draw them at "
            "(--temperature)"
        )
    if own and conserved and not work.constraints:
        stop_motion_of_whole(work)
    elif not own and settings.temperature is not None:
        draw_velocities(work, settings.temperature, settings.seed)
    freedom = degrees_of_freedom(work, conserved)
    return _Start(work, 0, {}, [], "structure" if own else "drawn", freedom)


def _resumed(atoms: Atoms, settings: MDSettings, folder: Path) -> _Start | None:
    """The state of the last frame; None if the run was killed before there was one."""
    first = read_settings(folder)
    changed = [
        f"{name}: {then} then, {now} now"
        for name, then in first
        if name != "steps" and then != (now := getattr(settings, name))
    ]
    if changed:
        raise ValueError(
            f"the run in {folder} was begun with other settings ({', '.join(changed)}); only the "
            "number of steps may change"
        )
    frame = last_frame(folder, settings)
    if frame is None:
        return None
    if not np.array_equal(frame.numbers, atoms.numbers):
        raise ValueError(f"the run in {folder} is of other atoms ({frame.symbols})")
    step, memory = take_memory(frame)
    freedom = int(memory.pop("degrees_of_freedom"))
    _check_same_forces(frame, atoms, folder)
    frame.calc = atoms.calc
    samples = [sample for sample in read_log(folder / LOG) if sample.step < step]
    return _Start(frame, step, memory, samples, "resumed", freedom)


def _check_same_forces(frame: Atoms, atoms: Atoms, folder: Path) -> None:
    """That a run goes on with another model than it began with must not pass unnoticed. Rounding on
    another machine or in float32 may."""
    recorded, now = frame.get_forces(), frame.copy()
    now.calc = atoms.calc
    difference = float(np.abs(now.get_forces() - recorded).max(initial=0.0))
    if difference > 1e-3 * max(1.0, float(np.abs(recorded).max(initial=0.0))):
        raise ValueError(
            f"the run in {folder} was begun with another model: forces on its last frame differ by "
            f"{1e3 * difference:.3g} meV/Å. Resume with that model, or start anew elsewhere"
        )


class _Run:
    """The loop over steps."""

    def __init__(self, start: _Start, settings: MDSettings) -> None:
        self._start = start
        self._settings = settings
        self._atoms = start.atoms
        self._integrator: Integrator = build_integrator(
            start.atoms, settings, start.memory, start.freedom
        )
        self._samples = list(start.samples)
        kelvin, volume = self._temperature(start.atoms), _volume(start.atoms)
        if self._samples:  # limits go by the start, not by where a run is resumed
            kelvin, volume = self._samples[0].temperature, self._samples[0].volume
        target = settings.temperature or kelvin
        self._watch = Watch(volume, settings.limits, target, self._temperature)
        self._results: dict[str, Any] = {}
        self._good: tuple[Atoms, dict[str, Any]] | None = None
        self._reason = self._look()

    def go(
        self, records: Records | None, folder: Path | None, observers: Sequence[Observer]
    ) -> MDResult:
        """Step after step, to the end or until something is wrong."""
        step, last = self._start.step, self._settings.steps
        reason = self._reason
        while reason is None:
            if step % self._settings.interval == 0 or step >= last:
                self._record(step, records, observers)
            if step >= last:
                break
            self._good = (self._atoms.copy(), self._results)
            step += 1
            reason = self._advance(step)
        if reason is not None and folder is not None:
            write_stopped(folder, self._last_states(step))
        return self._result(reason, step)

    def _advance(self, step: int) -> str | None:
        """One step; what is wrong with the state it leads to, if anything."""
        try:
            self._integrator.advance(step)
            return self._look()
        except ValueError as refusal:  # calculators refuse positions that make no sense
            return f"the calculator refused the state: {refusal}"

    def _look(self) -> str | None:
        """Ask for forces and energy, once, and for an opinion on them. Forces first: energies come
        with them."""
        forces, energy = self._atoms.get_forces(), float(self._atoms.get_potential_energy())
        self._results = {"energy": energy, "forces": forces}
        return self._watch.look(self._atoms, energy, forces)

    def _record(self, step: int, records: Records | None, observers: Sequence[Observer]) -> None:
        sample = self._sample(step)
        self._samples.append(sample)
        if records is not None:
            on_file = self._start.velocities == "resumed" and step == self._start.step
            records.write(sample, None if on_file else self._frame(step))
        for observe in observers:
            observe(sample, self._atoms)

    def _sample(self, step: int) -> MDSample:
        atoms, heat = self._atoms, self._integrator.heat()
        potential, kinetic = self._results["energy"], float(atoms.get_kinetic_energy())
        return MDSample(
            step=step,
            time=step * self._settings.timestep * 1e-3,
            potential=potential,
            kinetic=kinetic,
            total=potential + kinetic,
            conserved=potential + kinetic - heat if heat is not None else np.nan,
            temperature=self._temperature(atoms),
            pressure=_pressure(atoms),
            volume=_volume(atoms),
            max_force=float(np.linalg.norm(self._results["forces"], axis=1).max(initial=0.0)),
        )

    def _frame(self, step: int) -> Atoms:
        memory = {"degrees_of_freedom": float(self._start.freedom), **self._integrator.memory()}
        return frame_of(self._atoms, self._results, step, memory)

    def _temperature(self, atoms: Atoms) -> float:
        return temperature(atoms, self._start.freedom)

    def _last_states(self, step: int) -> list[Atoms]:
        """The last good state, if there is one, and the one now."""
        bad = self._atoms.copy()
        bad.info["md_step"] = step
        if self._good is None:
            return [bad]
        good, results = self._good
        return [frame_of(good, results, step - 1, {}), bad]

    def _result(self, reason: str | None, step: int) -> MDResult:
        times = np.array([sample.time for sample in self._samples])
        conserved = np.array([sample.conserved for sample in self._samples])
        known = len(conserved) > 0 and bool(np.isfinite(conserved).all())
        return MDResult(
            atoms=self._atoms,
            samples=self._samples,
            stopped=reason,
            stopped_at=step if reason is not None else None,
            drift=linear_drift(times, conserved / len(self._atoms)) if known else None,
            velocities=self._start.velocities,
            degrees_of_freedom=self._start.freedom,
        )


def _volume(atoms: Atoms) -> float:
    """Å^3; NaN where it is not defined."""
    return float(atoms.get_volume()) if atoms.pbc.all() else np.nan


def _pressure(atoms: Atoms) -> float:
    """GPa, with the kinetic part; NaN where it is not defined or the calculator gives no stress."""
    if not atoms.pbc.all():
        return np.nan
    try:
        stress = atoms.get_stress(voigt=False, include_ideal_gas=True)
    except PropertyNotImplementedError:
        return np.nan
    return convert(-float(np.trace(stress)) / 3.0, "eV/Å^3", "GPa")
