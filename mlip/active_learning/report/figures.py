"""The figures of the report of a campaign."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mlip.active_learning.report.data import AskedLabel, StructureMap
from mlip.active_learning.status import IterationStatus
from mlip.training.calibration import DEVIATIONS, expected_within
from mlip.training.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PANEL,
    SOFT,
    marker,
    plain_numbers,
    side_by_side,
    styled,
)

#: From the first iteration to the last.
_SEQUENCE = "viridis"


@styled
def errors_by_labels(iterations: Sequence[IterationStatus], aim: float) -> Figure:
    """Errors on new labels over the number of labels, by the potential before it learned from them
    and after; `aim` (eV/Å) is where the campaign may end."""
    figure, panels = side_by_side(2, across=2)
    kinds = (("Forces of new labels", "force_rms", "meV/Å"),
             ("Energies of new labels", "energy_rms", "meV/atom"))  # fmt: skip
    for panel, (title, name, unit) in zip(panels, kinds):
        before = [(i.learned_before, 1e3 * i.before[name]) for i in iterations if i.before]
        after = [(i.learned_after, 1e3 * i.after[name]) for i in iterations if i.after]
        for points, colour, label in (
            (before, ORANGE, "before it learned from them"),
            (after, BLUE, "after"),
        ):
            panel.plot(*_columns(points), "o-", color=colour, ms=5, label=label)
        smallest = min((error for _, error in before + after), default=0.0)
        if name == "force_rms" and 1e3 * aim > smallest / 20.0:  # else the errors would be squeezed
            panel.axhline(1e3 * aim, color=SOFT, lw=1.0, ls=":", label="aim")
        if smallest > 0.0:
            panel.set_yscale("log")
            plain_numbers(panel)
        panel.set(xlabel="labels learned from", ylabel=f"rms error [{unit}]", title=title)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.legend()
    return figure


@styled
def calibration(labels: Sequence[AskedLabel], iterations: Sequence[IterationStatus]) -> Figure:
    """Predicted against found errors of structures; how many atoms were within what was predicted;
    the factor that the next iteration uses, and the correlation."""
    figure, (left, middle, right) = side_by_side(3)
    _predicted_and_found(left, labels, len(iterations))
    judged = [(i.number, i.before) for i in iterations if i.before]
    within = [(number, one["within"]) for number, one in judged if one["within"]]
    for place, (many, colour) in enumerate(zip(DEVIATIONS, (BLUE, ORANGE))):
        shares = [(number, 100.0 * found[place]) for number, found in within]
        middle.plot(*_columns(shares), "o-", color=colour, ms=5, label=f"within {many:g}")
        middle.axhline(100.0 * expected_within(many, 3), color=colour, lw=1.0, ls=":")
    middle.set(ylim=(0, 104), xlabel="iteration", ylabel="atoms [%]")
    middle.set_title("Errors as small as predicted")
    middle.legend(title="standard deviations\n(dotted: expected)", loc="lower right")
    for name, colour, label in (
        ("scale", INK, "factor"),
        ("correlation", GREY, "correlation"),
    ):
        right.plot(
            *_columns([(n, one[name]) for n, one in judged]), "o-", color=colour, ms=5, label=label
        )
    right.axhline(1.0, color=SOFT, lw=1.0, ls=":")
    right.set(xlabel="iteration", title="Calibration")
    right.set_ylim(bottom=min(0.0, right.get_ylim()[0]))
    right.legend()
    for panel in (middle, right):
        panel.set_xlim(0.5, len(iterations) - 0.5)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


@styled
def plane(found: StructureMap) -> Figure:
    """All structures where the last potential sees them."""
    figure, (panel,) = side_by_side(1, height=1.4 * PANEL, across=1)
    panel.plot(
        found.left[:, 0], found.left[:, 1], ".", color="#d3d9df", ms=marker(len(found.left)),
        mew=0, zorder=1, label=f"not chosen: {found.n_left:,}",
    )  # fmt: skip
    failed = np.array(found.failed, dtype=bool)
    last = int(found.iterations.max())
    colours = _by_iteration(last + 1)
    x, y = found.labelled.T
    drawn = panel.scatter(
        x[~failed], y[~failed], c=found.iterations[~failed], s=34, lw=0.5, edgecolors="white",
        zorder=2, label=f"asked for: {int((~failed).sum())}", **colours,
    )  # fmt: skip
    if failed.any():
        panel.scatter(
            x[failed], y[failed], c=found.iterations[failed], s=40, marker="x", zorder=3,
            label=f"failed: {int(failed.sum())}", **colours,
        )  # fmt: skip
    bar = figure.colorbar(drawn, ax=panel, shrink=0.7, label="iteration", aspect=30)
    bar.set_ticks(sorted({round(tick) for tick in np.linspace(0, last, min(last + 1, 8))}))
    bar.ax.minorticks_off()
    first, second = (f"{100.0 * share:.0f} % of the variance" for share in found.shares)
    panel.set(xlabel=f"first direction: {first}", ylabel=f"second direction: {second}")
    panel.legend(loc="best")
    return figure


# ----------------------------------------------------------------------------------------- parts


def _predicted_and_found(panel: Axes, labels: Sequence[AskedLabel], n_iterations: int) -> None:
    predicted = 1e3 * np.array([label.predicted for label in labels])
    found = 1e3 * np.array([label.found for label in labels])
    iterations = np.array([label.iteration for label in labels], dtype=int)
    panel.set(xscale="log", yscale="log", xlabel="predicted [meV/Å]", ylabel="found [meV/Å]")
    panel.set_title("Worst force of each structure")
    if not len(labels):
        return
    both = np.concatenate([predicted, found])
    ends = np.array([both.min() / 1.6, both.max() * 1.6])
    panel.plot(ends, ends, color=INK, lw=0.8, zorder=0.5)
    panel.fill_between(ends, 0.5 * ends, 2.0 * ends, color=GREY, alpha=0.15, lw=0, zorder=0.4)
    panel.scatter(predicted, found, c=iterations, s=26, lw=0.4, edgecolors="white",
                  **_by_iteration(n_iterations))  # fmt: skip
    panel.set(xlim=ends, ylim=ends)
    plain_numbers(panel)


def _by_iteration(count: int) -> dict[str, Any]:
    """How points are coloured: one colour for each iteration."""
    return {"cmap": colormaps[_SEQUENCE].resampled(count), "norm": Normalize(-0.5, count - 0.5)}


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
