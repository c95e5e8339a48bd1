"""Drift: the slope is right, and its error is honest for correlated series too."""

import numpy as np
import pytest

from mlip.calculators.drift import linear_drift, statistical_inefficiency


def correlated(n: int, memory: float, seed: int) -> np.ndarray:
    """An autoregressive series of unit variance, g = (1 + memory) / (1 - memory)."""
    noise = np.random.default_rng(seed).normal(size=n) * np.sqrt(1 - memory**2)
    series = np.zeros(n)
    for t in range(1, n):
        series[t] = memory * series[t - 1] + noise[t]
    return series


def test_a_line_is_found_exactly() -> None:
    times = np.linspace(3.0, 7.0, 50)
    drift = linear_drift(times, 2.5e-6 * times - 100.0)
    assert drift is not None
    assert drift.slope == pytest.approx(2.5e-6, rel=1e-6)
    assert drift.error < 1e-12


def test_too_few_points_have_no_drift() -> None:
    assert linear_drift(np.array([0.0, 1.0]), np.array([0.0, 1.0])) is None


def test_a_constant_has_no_drift_and_no_error() -> None:
    drift = linear_drift(np.arange(5.0), np.ones(5))
    assert drift is not None
    assert (drift.slope, drift.error) == (0.0, 0.0)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_the_statistical_inefficiency_of_known_series(memory: float) -> None:
    found = [statistical_inefficiency(correlated(4000, memory, seed)) for seed in range(5)]
    assert np.mean(found) == pytest.approx((1 + memory) / (1 - memory), rel=0.2)


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_the_error_is_the_spread_of_slopes(memory: float) -> None:
    times = np.arange(2000.0)
    drifts = [linear_drift(times, correlated(2000, memory, seed)) for seed in range(40)]
    slopes = [drift.slope for drift in drifts if drift is not None]
    errors = [drift.error for drift in drifts if drift is not None]
    assert np.std(slopes) == pytest.approx(np.mean(errors), rel=0.35)
