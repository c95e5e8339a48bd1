"""The figures of the report of a training run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mlip.properties import LABELS, PROPERTIES
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
from mlip.training.metrics import Errors
from mlip.training.observers import Row
from mlip.training.page import printed_unit

#: One colour for each split.
COLOURS = {"train": GREY, "valid": BLUE, "test": ORANGE}
_ORDER = ("train", "valid", "test")
#: Points drawn of one split in one panel; more would only be the same ink.
_POINTS = 20_000


@styled
def parity(found: Mapping[str, Errors], reference_energies: Mapping[int, float]) -> Figure:
    """Predicted against reference values of each property, all splits; energies without the
    reference energies of their elements (eV by atomic number)."""
    names = _properties(found)
    figure, panels = side_by_side(len(names), height=PANEL)
    for panel, name in zip(panels, names):
        unit = printed_unit(PROPERTIES[name].unit) + ("/atom" if PROPERTIES[name].extensive else "")
        for split in _splits(found):
            offsets = reference_energies if name == "energy" else {}
            reference, predicted = _values(found[split], name, offsets)
            panel.plot(
                reference, predicted, ".", color=COLOURS[split], ms=marker(len(reference)),
                alpha=0.75, mew=0, rasterized=True, label=split,
            )  # fmt: skip
        low, high = panel.get_xlim()
        panel.plot([low, high], [low, high], color=INK, lw=0.8, zorder=0.5)
        panel.set(xlim=(low, high), xlabel=f"reference [{unit}]", title=_title(name))
        panel.set_ylabel(f"predicted [{unit}]")
        _legend_with(panel, {s: _mae(found[s], name) for s in _splits(found)})
    return figure


@styled
def distributions(found: Mapping[str, Errors]) -> Figure:
    """How often errors of which size occur: the share of entries with a larger error."""
    names = _properties(found)
    figure, panels = side_by_side(len(names), height=0.8 * PANEL)
    for panel, name in zip(panels, names):
        for split in _splits(found):
            sizes = np.sort(np.abs(_residuals(found[split], name)))
            if not len(sizes):
                continue
            share = 100.0 * (1.0 - np.arange(len(sizes)) / len(sizes))
            panel.step(
                np.maximum(sizes, 1e-9), share, where="post", color=COLOURS[split], label=split
            )
        panel.set(xscale="log", yscale="log", title=_title(name), ylabel="entries with more [%]")
        panel.set_xlabel(f"|error| [{printed_unit(PROPERTIES[name].error_unit)}]")
        medians = [_median(found[s], name) for s in _splits(found) if name in found[s].overall]
        panel.set_xlim(left=max(0.05 * min(medians), 1e-6))
        panel.set_ylim(top=130.0)
        plain_numbers(panel)
        panel.legend(loc="lower left")
    return figure


@styled
def learning_curve(history: Sequence[Row], best_epoch: int) -> Figure:
    """Losses, and validation errors of each property, over the epochs; the best epoch is marked."""
    names = [n for n in LABELS if any(f"valid_{n}_mae" in row for row in history)]
    figure, panels = side_by_side(1 + len(names), height=0.8 * PANEL)
    epochs = [row["epoch"] for row in history]
    style: dict[str, Any] = {"marker": "o", "ms": 3} if len(epochs) < 25 else {}
    first = panels[0]
    first.plot(epochs, [r["train_loss"] for r in history], color=SOFT, label="train", **style)
    first.plot(
        epochs, [r["valid_loss"] for r in history], color=COLOURS["valid"], label="valid", **style
    )
    best = next(row for row in history if row["epoch"] == best_epoch)
    first.plot(best["epoch"], best["valid_loss"], "o", color=COLOURS["test"], label="best")
    first.set(yscale="log", xlabel="epoch", ylabel="loss", title="Loss")
    plain_numbers(first)
    first.legend()
    for panel, name in zip(panels[1:], names):
        for measure, line in (("mae", "-"), ("rmse", "--")):
            values = [row.get(f"valid_{name}_{measure}", np.nan) for row in history]
            panel.plot(epochs, values, line, color=COLOURS["valid"], label=measure.upper(), **style)
        unit = printed_unit(PROPERTIES[name].error_unit)
        panel.set(yscale="log", xlabel="epoch", ylabel=f"error [{unit}]")
        panel.set_title(_title(name))
        plain_numbers(panel)
        panel.legend()
    for panel in panels:
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


# ----------------------------------------------------------------------------------------- parts


def _properties(found: Mapping[str, Errors]) -> list[str]:
    return [name for name in LABELS if any(name in part.overall for part in found.values())]


def _splits(found: Mapping[str, Errors]) -> list[str]:
    return [split for split in _ORDER if split in found]


def _values(
    found: Errors, name: str, offsets: Mapping[int, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Reference and predicted values of all frames, thinned evenly to what a panel can show."""
    pairs = []
    for frame in found.frames:
        if name in frame.residuals:
            offset = np.mean([offsets.get(int(z), 0.0) for z in frame.numbers])
            pairs.append((frame.references[name] - offset, frame.predictions(name) - offset))
    if not pairs:
        return np.empty(0), np.empty(0)
    reference, predicted = (np.concatenate(side) for side in zip(*pairs))
    step = -(-len(reference) // _POINTS)
    return reference[::step], predicted[::step]


def _residuals(found: Errors, name: str) -> np.ndarray:
    parts = [f.residuals[name] for f in found.frames if name in f.residuals]
    return np.concatenate(parts) if parts else np.empty(0)


def _median(found: Errors, name: str) -> float:
    return float(np.median(np.abs(_residuals(found, name))))


def _mae(found: Errors, name: str) -> str:
    if name not in found.overall:
        return "no labels"
    part = found.overall[name]
    return f"{part.mae:.3g} {printed_unit(part.unit)}"


def _legend_with(panel: Axes, remarks: Mapping[str, str]) -> None:
    """A legend that gives each split's mean absolute error."""
    handles, labels = panel.get_legend_handles_labels()
    texts = [f"{label}: {remarks[label]}" for label in labels]
    legend = panel.legend(handles, texts, title="MAE", loc="upper left", alignment="left")
    for line in legend.get_lines():
        line.set(markersize=7, alpha=1.0)


def _title(name: str) -> str:
    shown = {"energy": "Energy per atom", "forces": "Force components"}
    return shown.get(name, f"{name.capitalize()} components")
