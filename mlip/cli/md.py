"""`mlip md`: molecular dynamics of a structure with a trained potential."""

import math
from pathlib import Path
from typing import Annotated

import ase.io
import typer
from ase import Atoms
from ase.io.formats import UnknownFileTypeError

from mlip.calculators.dynamics import MDResult, MDSample, MDSettings, run_md
from mlip.calculators.md_records import LOG, STOPPED, trajectory_name
from mlip.cli import console
from mlip.cli.options import as_option
from mlip.settings import parse_settings

#: Rows of the final table: field of a sample, what it is called, unit, decimals.
_ROWS = (
    ("temperature", "temperature", "K", 1),
    ("potential", "potential energy", "eV/atom", 5),
    ("total", "total energy", "eV/atom", 5),
    ("pressure", "pressure", "GPa", 3),
    ("volume", "volume", "Å^3/atom", 3),
    ("max_force", "largest force", "eV/Å", 2),
)


def md(
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    structure: Annotated[
        str, typer.Argument(help="Any file ASE reads; FILE@N takes its frame N, else the last.")
    ],
    ensemble: Annotated[
        str, typer.Option(help="nve, nvt (Langevin or Bussi) or npt (isotropic cell).")
    ] = "nve",
    temperature: Annotated[
        float | None, typer.Option("--temperature", "-T", help="K; start of nve, target of others.")
    ] = None,
    pressure: Annotated[float, typer.Option(help="GPa, npt only.")] = 0.0,
    timestep: Annotated[float, typer.Option(help="fs; 0.5 with hydrogen.")] = 1.0,
    steps: Annotated[int | None, typer.Option(help="Number of steps.", show_default="1000")] = None,
    time: Annotated[float | None, typer.Option(help="ps, instead of --steps.")] = None,
    thermostat: Annotated[str, typer.Option(help="nvt: langevin or bussi.")] = "langevin",
    thermostat_time: Annotated[float, typer.Option(help="fs; 1 / friction of langevin.")] = 100.0,
    barostat_time: Annotated[float, typer.Option(help="fs.")] = 1000.0,
    interval: Annotated[int, typer.Option(help="Steps between frames and log rows.")] = 10,
    supercell: Annotated[
        tuple[int, int, int], typer.Option(help="Repeat the structure along each cell vector.")
    ] = (1, 1, 1),
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", help="Folder of md.traj, md.csv, md.png.")
    ] = Path("md"),
    trajectory_format: Annotated[
        str, typer.Option(help="traj (ASE, all digits) or extxyz (text).")
    ] = "traj",
    seed: Annotated[int, typer.Option(help="Of velocities and thermostat.")] = 0,
    draw_velocities: Annotated[
        bool, typer.Option("--draw-velocities", help="Even if the structure has some.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last frame in the folder.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    dtype: Annotated[
        str | None, typer.Option(help="float32 or float64.", show_default="the model's")
    ] = None,
) -> None:
    """Run molecular dynamics (nve, nvt, npt); stop with a reason if it turns unphysical.

    Killed at any moment, the trajectory holds all whole frames, and --resume goes on from the
    last. Exit status 1 if the run was stopped.
    """
    from mlip.calculators.ase_calculator import MLIPCalculator

    settings = parse_settings(
        MDSettings,
        {
            "ensemble": ensemble,
            "steps": _number_of_steps(steps, time, timestep),
            "timestep": timestep,
            "temperature": temperature,
            "pressure": pressure,
            "thermostat": thermostat,
            "thermostat_time": thermostat_time,
            "barostat_time": barostat_time,
            "interval": interval,
            "seed": seed,
            "draw_velocities": draw_velocities,
            "trajectory_format": trajectory_format,
        },
        "mlip md",
        as_option,
    )
    atoms = _read_structure(structure, supercell)
    atoms.calc = MLIPCalculator(model, device=device, dtype=dtype)
    result = _run(atoms, settings, output_dir, resume)
    _report(result, settings, output_dir)
    if result.stopped is not None:
        raise typer.Exit(1)


def _number_of_steps(steps: int | None, time: float | None, timestep: float) -> int:
    if steps is not None and time is not None:
        raise ValueError("give --steps or --time, not both")
    if time is not None:
        return round(time * 1000.0 / timestep)
    return 1000 if steps is None else steps


def _read_structure(source: str, supercell: tuple[int, int, int]) -> Atoms:
    if min(supercell) < 1:
        raise ValueError(f"--supercell takes three positive numbers, got {supercell}")
    try:
        atoms = ase.io.read(source)
    except (UnknownFileTypeError, StopIteration, IndexError, KeyError) as error:
        raise ValueError(f"cannot read a structure from {source}: {error!r}") from error
    assert isinstance(atoms, Atoms)
    repeats = [n > 1 and not periodic for n, periodic in zip(supercell, atoms.pbc)]
    if any(repeats):
        raise ValueError(
            f"--supercell {supercell} repeats a direction without pbc ({atoms.pbc.tolist()})"
        )
    return atoms.repeat(supercell)


def _run(atoms: Atoms, settings: MDSettings, folder: Path, resume: bool) -> MDResult:
    """The run under a progress bar."""
    title = f"{settings.ensemble} of {atoms.symbols}"
    with console.progress_bar(title, settings.steps) as bar:
        done = 0

        def watch(sample: MDSample, atoms: Atoms) -> None:
            nonlocal done
            bar.step(sample.step - done)
            done = sample.step
            bar.say(f"{sample.temperature:.0f} K  {sample.potential / len(atoms):.4f} eV/atom")

        return run_md(atoms, settings, folder, resume=resume, observers=[watch])


def _report(result: MDResult, settings: MDSettings, folder: Path) -> None:
    """Table, picture, and where everything is."""
    from mlip.calculators.md_plot import plot_md

    trajectory = folder / trajectory_name(settings)
    if result.samples:
        _show_table(result, settings)
        plot_md(result, folder / "md.png")
        console.remark(f"trajectory {trajectory}, log {folder / LOG}, plot {folder / 'md.png'}")
    if result.stopped is not None:
        console.error(
            f"stopped at step {result.stopped_at} as unphysical: {result.stopped}. Good frames are "
            f"in {trajectory}, the last good state and the bad one in {folder / STOPPED}"
        )


def _show_table(result: MDResult, settings: MDSettings) -> None:
    n = len(result.atoms)
    rows = []
    for name, title, unit, decimals in _ROWS:
        mean, spread = result.late(name)
        if math.isnan(mean):  # not defined for this structure
            continue
        per = n if unit.endswith("/atom") else 1
        rows.append([title, f"{mean / per:.{decimals}f}", f"{spread / per:.{decimals}f}", unit])
    last = result.samples[-1]
    console.table(
        f"{settings.ensemble}, {n} atoms, {last.time:g} ps, velocities {result.velocities}",
        ["second half of the run", "mean", "std", "unit"],
        rows,
    )
    if result.drift is not None:
        drift = result.drift
        console.show(
            f"drift of the conserved energy: {drift.slope:.2e} ± {drift.error:.1e} eV/atom/ps"
        )
