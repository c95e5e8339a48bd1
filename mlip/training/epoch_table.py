"""The rows of a training run for people: a header with units once, then 80 columns an epoch."""

from collections.abc import Sequence

from mlip.properties import PROPERTIES
from mlip.training.observers import Row

#: Name, unit, width and format of the columns beside the errors, by key.
_BEFORE = {
    "epoch": ("epoch", "", 6, ".0f"),
    "train_loss": ("train loss", "", 10, ".4g"),
    "valid_loss": ("valid loss", "", 10, ".4g"),
}
_AFTER = {"learning_rate": ("rate", "", 7, ".1e"), "seconds": ("time", "s", 6, ".0f")}


class EpochTable:
    """One line for each epoch; of errors the root mean square one, in log.csv there is more.

    Parameters
    ----------
    properties : those that have a column; it is blank in epochs that did not train on them
    """

    def __init__(self, properties: Sequence[str]) -> None:
        errors = {
            f"valid_{name}_rmse": (name, PROPERTIES[name].error_unit, 9, ".2f")
            for name in properties
        }
        self._columns = {**_BEFORE, **errors, **_AFTER}

    def header(self) -> list[str]:
        """What the columns are, and their units."""
        names, units, widths, _ = zip(*self._columns.values())
        errors = "validation errors: RMSE".rjust(58)
        return [errors, _line(names, widths), _line(units, widths)]

    def line(self, row: Row, best: bool) -> str:
        """One epoch; a star marks the best so far."""
        cells = [
            format(row[key], form) if key in row else ""
            for key, (*_, form) in self._columns.items()
        ]
        widths = [width for _, _, width, _ in self._columns.values()]
        return _line(cells, widths) + (" *" if best else "")


def _line(cells: tuple[str, ...] | list[str], widths: tuple[int, ...] | list[int]) -> str:
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths)).rstrip()
