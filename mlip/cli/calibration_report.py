"""How the uncertainties of a model compare with its errors, for people and programs to read."""

from collections.abc import Mapping
from typing import Any

from mlip.cli import console
from mlip.models import CalibrationCard
from mlip.training.calibration import (
    Calibration,
    Calibrations,
    calibrated_in_words,
    root_mean_squares,
)

_COLUMNS = ("property", "predicted", "RMSE", "unit", "factor", "correlation",
            "< 1 σ", "< 2 σ")  # fmt: skip


def show_calibrations(found: Calibrations, before: Mapping[str, CalibrationCard]) -> None:
    """Print a table.

    Parameters
    ----------
    before : what the uncertainties were calibrated with when they were compared
    """
    console.show()
    console.table(
        f"Uncertainty ({calibrated_in_words(before)})",
        _COLUMNS,
        [_row(name, one) for name, one in found.items()],
    )
    expected = ", ".join(
        f"{name} {' and '.join(map(_percent, one.expected_within))}" for name, one in found.items()
    )
    console.remark(
        "factor: what uncertainties have to be multiplied with to match the errors on these "
        f"structures. If they match, it is 1, and within 1 and 2 σ are: {expected}"
    )


def plain_calibrations(
    found: Calibrations, before: Mapping[str, CalibrationCard]
) -> dict[str, dict[str, Any]]:
    """The same as plain data."""
    return {name: _plain(name, one, before.get(name)) for name, one in found.items()}


def _plain(name: str, one: Calibration, before: CalibrationCard | None) -> dict[str, Any]:
    predicted, found, unit = root_mean_squares(name, one)
    return {
        "predicted": predicted,
        "found": found,
        "unit": unit,
        "factor": one.factor,
        "correlation": one.correlation,
        "within": list(one.within),
        "expected_within": list(one.expected_within),
        "calibrated_on": before.source if before else None,
    }


def _row(name: str, one: Calibration) -> list[str]:
    predicted, found, unit = root_mean_squares(name, one)
    correlation = "" if one.correlation is None else f"{one.correlation:.2f}"
    return [name, f"{predicted:.2f}", f"{found:.2f}", unit, f"{one.factor:.2f}", correlation,
            *map(_percent, one.within)]  # fmt: skip


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"
