"""The style of every figure of a report. Drawn without pyplot: nothing global, no window."""

import base64
import functools
import io
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

#: Colours told apart by people with any colour vision (Okabe and Ito), and two greys.
BLUE, ORANGE, INK, SOFT, GREY = "#0072b2", "#d55e00", "#27313b", "#5b6673", "#9aa5b1"
PANEL = 3.6  # inches
_STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.grid": True,
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "lines.linewidth": 1.6,
}

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Draw in the style of reports, and leave matplotlib's settings as they were."""

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def side_by_side(count: int, height: float = PANEL, across: int = 3) -> tuple[Figure, list[Axes]]:
    """Panels side by side, as wide as if there were at least so many `across`."""
    figure = Figure(figsize=(max(across, count) * 3 * PANEL / across, height), layout="constrained")
    FigureCanvasAgg(figure)
    found = figure.subplots(1, max(across, count), squeeze=False)[0]
    for panel in found[count:]:
        panel.set_visible(False)
    return figure, list(found[:count])


def plain_numbers(panel: Axes) -> None:
    """Ticks of logarithmic axes as plain numbers, and enough of them within one decade."""
    for axis in (panel.xaxis, panel.yaxis):
        if axis.get_scale() != "log":
            continue
        low, high = axis.get_view_interval()
        subdivisions = (1.0, 2.0, 5.0) if high / low < 200.0 else (1.0,)
        axis.set_major_locator(LogLocator(subs=subdivisions))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(FuncFormatter(lambda _, __: ""))


def marker(count: int) -> float:
    """The size of so many points."""
    return 6.0 if count < 300 else 4.0 if count < 3000 else 2.5


def embedded(figure: Figure) -> str:
    """A figure as data URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
