"""Errors within what was predicted: counted, and as many as a normal distribution has."""

import numpy as np
import pytest

from mlip.active_learning.coverage import DEVIATIONS, expected_within, shares_within


def test_what_is_expected_is_what_normal_errors_do() -> None:
    """Three components of variance 1/3 each; 10^5 draws leave 0.0015 of one standard deviation."""
    errors = np.linalg.norm(np.random.default_rng(0).normal(0, 3**-0.5, (100_000, 3)), axis=1)
    found = shares_within([np.ones(100_000)], [errors])
    assert found == pytest.approx([expected_within(many) for many in DEVIATIONS], abs=0.006)
    assert expected_within(1.0) == pytest.approx(0.60837482, abs=1e-8)
    assert expected_within(2.0) == pytest.approx(0.99261684, abs=1e-8)


def test_errors_are_counted_over_all_atoms() -> None:
    predicted = [np.array([1.0, 1.0]), np.array([0.5, np.inf])]
    found = [np.array([0.5, 1.5]), np.array([1.5, 0.1])]
    assert shares_within(predicted, found) == pytest.approx([1 / 3, 2 / 3])
