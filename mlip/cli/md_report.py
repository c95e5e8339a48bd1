"""The run of `mlip md` under a progress bar, and its table, picture and files."""

import math
from collections.abc import Mapping
from pathlib import Path

from ase import Atoms

from mlip.calculators import MLIPCalculator
from mlip.calculators.dynamics import MDResult, MDSample, MDSettings, run_md
from mlip.calculators.md_plot import plot_md
from mlip.calculators.md_records import LOG, SETTINGS, STOPPED, trajectory_name
from mlip.cli import console
from mlip.cli.options import as_option
from mlip.cli.structure import read_structure
from mlip.durable import room_in
from mlip.models.placement import on_threads
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


def run_and_report(
    model: Path,
    structure: str,
    supercell: tuple[int, int, int],
    options: Mapping[str, object],
    folder: Path,
    resume: bool,
    device: str,
    dtype: str | None,
    threads: int,
) -> MDResult:
    """Run dynamics as the options say and print how it went."""
    settings = parse_settings(MDSettings, options, "mlip md", as_option)
    atoms = read_structure(structure, supercell)
    atoms.calc = MLIPCalculator(model, device=device, dtype=dtype)
    with on_threads(threads):
        result = _run(atoms, settings, folder, resume)
    _report(result, settings, folder)
    return result


def _run(atoms: Atoms, settings: MDSettings, folder: Path, resume: bool) -> MDResult:
    """The run under a progress bar."""
    title = f"{settings.ensemble} of {atoms.symbols}"
    with room_in(folder), console.progress_bar(title, settings.steps) as bar:
        done = 0

        def watch(sample: MDSample, atoms: Atoms) -> None:
            nonlocal done
            bar.step(sample.step - done)
            done = sample.step
            bar.say(f"{sample.temperature:.0f} K  {sample.potential / len(atoms):.4f} eV/atom")

        try:
            return run_md(atoms, settings, folder, resume=resume, observers=[watch])
        except KeyboardInterrupt:
            if settings.trajectory_format == "traj" and (folder / SETTINGS).exists():
                console.remark(f"interrupted; the same with --resume goes on from {folder}")
            raise


def _report(result: MDResult, settings: MDSettings, folder: Path) -> None:
    """Table, picture, and where everything is."""
    trajectory = folder / trajectory_name(settings)
    if result.samples and result.samples[-1].step > settings.steps:
        console.warn(
            f"nothing was left to do: the run in {folder} has {result.samples[-1].step} steps, and "
            f"{settings.steps} are asked for, from its beginning"
        )
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
