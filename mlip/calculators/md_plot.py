"""A picture of a run: energy, drift and temperature over time."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlip.calculators.dynamics import MDResult


def plot_md(result: MDResult, path: str | Path) -> None:
    """Save the picture; the suffix of `path` says in which format."""
    panels = [_draw_energies, _draw_temperature]
    if result.drift is not None:
        panels.insert(1, _draw_conserved)
    if np.isfinite(result.column("pressure")).any():
        panels.append(_draw_pressure)
    figure = Figure(figsize=(7.0, 1.9 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for draw, axis in zip(panels, axes, strict=True):
        draw(result, axis)
        axis.margins(x=0)
    axes[-1].set_xlabel("time / ps")
    if result.stopped is not None:
        figure.suptitle(f"stopped at step {result.stopped_at}: {result.stopped}", fontsize=9)
    figure.savefig(path, dpi=150)


def _draw_energies(result: MDResult, axis: Axes) -> None:
    time, n = result.column("time"), len(result.atoms)
    for name in ("potential", "kinetic", "total"):
        values = result.column(name)
        axis.plot(time, 1e3 * (values - values[0]) / n, label=name, lw=1.0)
    axis.set_ylabel("energy, from start\nmeV/atom")
    axis.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, frameon=False
    )  # fmt: skip


def _draw_conserved(result: MDResult, axis: Axes) -> None:
    assert result.drift is not None
    time, conserved = result.column("time"), result.column("conserved") / len(result.atoms)
    line = conserved.mean() + result.drift.slope * (time - time.mean())
    axis.plot(time, 1e3 * (conserved - conserved[0]), color="black", lw=1.0)
    axis.plot(time, 1e3 * (line - conserved[0]), color="tab:red", ls="--", lw=1.0)
    axis.set_ylabel("conserved energy\nmeV/atom")
    drift = f"drift {result.drift.slope:.1e} ± {result.drift.error:.0e} eV/atom/ps"
    axis.set_title(drift, loc="left", fontsize=8)


def _draw_temperature(result: MDResult, axis: Axes) -> None:
    axis.plot(result.column("time"), result.column("temperature"), color="tab:red", lw=1.0)
    axis.set_ylabel("temperature\nK")


def _draw_pressure(result: MDResult, axis: Axes) -> None:
    axis.plot(result.column("time"), result.column("pressure"), color="tab:blue", lw=1.0)
    axis.set_ylabel("pressure\nGPa")
