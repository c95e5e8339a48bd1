"""`mlip md`: molecular dynamics of a structure with a trained potential."""

import math
from pathlib import Path
from typing import Annotated

import typer

from mlip.cli.options import Device, Precision, Threads


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
        str, typer.Option(help="traj (ASE, all digits) or extxyz (text; --resume cannot).")
    ] = "traj",
    seed: Annotated[int, typer.Option(help="Of velocities and thermostat.")] = 0,
    draw_velocities: Annotated[
        bool, typer.Option("--draw-velocities", help="Even if the structure has some.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last frame in the folder.")
    ] = False,
    device: Device = "cpu",
    dtype: Precision = None,
    threads: Threads = 1,
) -> None:
    """Run molecular dynamics (nve, nvt, npt); stop with a reason if it turns unphysical.

    Killed at any moment, the trajectory holds all whole frames, and --resume goes on from the
    last. Exit status 1 if the run was stopped.
    """
    from mlip.cli.md_report import run_and_report

    options = {
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
    }
    result = run_and_report(
        model, structure, supercell, options, output_dir, resume, device, dtype, threads
    )
    if result.stopped is not None:
        raise typer.Exit(1)


def _number_of_steps(steps: int | None, time: float | None, timestep: float) -> int:
    if steps is not None and time is not None:
        raise ValueError("give --steps or --time, not both")
    if time is None or not 0.0 < timestep < math.inf:  # the settings say what is wrong with it
        return 1000 if steps is None else steps
    if not timestep * 1e-3 <= time < math.inf:
        raise ValueError(
            f"mlip md: --time: must be at least one step, {timestep * 1e-3:g} ps, and finite "
            f"(got {time:g})"
        )
    return round(time * 1000.0 / timestep)
