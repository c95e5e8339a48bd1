"""Drift of a conserved quantity: the slope of a line through a correlated series."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Drift:
    """A slope and its standard error, in units of the series per unit of time."""

    slope: float
    error: float


def linear_drift(times: np.ndarray, values: np.ndarray) -> Drift | None:
    """Least-squares slope of values over times; None from fewer than three points.

    The total energy of a run swings with the vibrations, so that neighbouring points are not
    independent: the standard error of ordinary least squares is multiplied by sqrt(g), with the
    statistical inefficiency g of the residuals (Chodera et al., J. Chem. Theory Comput. 3, 26,
    2007, eq. 11).
    """
    n = len(times)
    if n < 3:
        return None
    arms = times - times.mean()
    spread = float(arms @ arms)
    slope = float(arms @ values) / spread
    residuals = values - values.mean() - slope * arms
    variance = float(residuals @ residuals) / (n - 2)
    return Drift(slope, float(np.sqrt(variance / spread * statistical_inefficiency(residuals))))


def statistical_inefficiency(series: np.ndarray) -> float:
    """How many correlated points weigh as much as one independent one, at least 1.

    g = 1 + 2 sum_t (1 - t/n) C(t), summed while pairs of neighbouring correlations stay positive
    (Geyer, Statist. Sci. 7, 473, 1992).
    """
    n = len(series)
    centred = series - series.mean()
    variance = float(centred @ centred)
    if variance == 0.0:
        return 1.0
    padded = np.fft.rfft(centred, 2 * n)
    correlation = np.fft.irfft(padded * padded.conj(), 2 * n)[:n] / variance
    total = 1.0
    for t in range(1, n - 1, 2):
        pair = correlation[t] + correlation[t + 1]
        if pair <= 0.0:
            break
        total += 2.0 * pair
    return max(1.0, float(total))
