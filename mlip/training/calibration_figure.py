"""The figure that shows whether uncertainties can be believed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlip.properties import PROPERTIES
from mlip.training.calibration import Calibration, Calibrations
from mlip.training.drawing import (
    BLUE,
    INK,
    ORANGE,
    SOFT,
    marker,
    plain_numbers,
    side_by_side,
    styled,
)
from mlip.training.page import printed_unit
from mlip.units import convert

_TITLES = {"energy": "Energy of a structure, per atom", "forces": "Force on an atom"}
#: Groups of equal size, of which the mean error is drawn.
_GROUPS = 8


@styled
def calibration(found: Calibrations) -> Figure:
    """Errors against predicted uncertainties: a point for each structure or atom."""
    figure, panels = side_by_side(len(found), across=2)
    for panel, (name, one) in zip(panels, found.items()):
        unit = PROPERTIES[name].error_unit
        _draw(panel, one, convert(1.0, PROPERTIES[name].unit, unit))
        panel.set(title=_TITLES[name], xlabel=f"predicted uncertainty [{printed_unit(unit)}]")
        panel.set_ylabel(f"|error| [{printed_unit(unit)}]")
    return figure


def _draw(panel: Axes, one: Calibration, in_unit: float) -> None:
    """All that is above zero, on logarithmic axes."""
    seen = (one.predicted > 0.0) & (one.found > 0.0)
    x, y = in_unit * one.predicted[seen], in_unit * one.found[seen]
    if not len(x):
        return
    ends = np.array([x.min() / 1.5, x.max() * 1.5])
    groups = [g for g in np.array_split(np.argsort(x), _GROUPS) if len(g)]
    means = [np.sqrt(np.mean(y[group] ** 2)) for group in groups]
    panel.set(xscale="log", yscale="log", xlim=ends)
    panel.plot(x, y, ".", color=BLUE, ms=marker(len(x)), alpha=0.5, mew=0, rasterized=True)
    panel.plot([np.median(x[group]) for group in groups], means, "D-", color=ORANGE, ms=5,
               label="rms, an eighth each")  # fmt: skip
    panel.plot(ends, ends, color=INK, lw=0.8, label="error = uncertainty")
    panel.plot(ends, one.factor * ends, "--", color=SOFT, lw=0.8,
               label=f"error = {one.factor:.3g} × uncertainty")  # fmt: skip
    plain_numbers(panel)
    panel.legend(loc="upper left", fontsize=8)
