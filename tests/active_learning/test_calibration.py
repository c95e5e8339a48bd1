"""The factor that makes an error bar of a spread."""

import numpy as np
import pytest

from mlip.active_learning.calibration import calibrate


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_the_factor_is_found(scale: float) -> None:
    random = np.random.default_rng(1)
    predicted = random.uniform(0.01, 1.0, 20_000)
    errors = np.linalg.norm(random.normal(size=(20_000, 3)), axis=1) / np.sqrt(3)
    found_errors = scale * predicted * errors
    halves = slice(None, 5), slice(5, None)
    found = calibrate([predicted[h] for h in halves], [found_errors[h] for h in halves])
    # a mean over 20 000 squares with variance 2/3: relative error of the root 0.3 %
    assert found.scale == pytest.approx(scale, rel=0.012)
    assert found.correlation > 0.7
    assert found.n_atoms == 20_000


def test_a_spread_that_knows_nothing_does_not_correlate() -> None:
    random = np.random.default_rng(2)
    found = calibrate([random.uniform(0.1, 1.0, 5000)], [random.uniform(0.1, 1.0, 5000)])
    assert abs(found.correlation) < 0.05  # 3.5 / sqrt(5000)


def test_atoms_fixed_by_symmetry_and_unknown_elements_do_not_decide() -> None:
    found = calibrate([np.array([1.0, 2.0, 1e-9, np.inf])], [np.array([1.0, 2.0, 0.1, 5.0])])
    assert found.scale == pytest.approx(1.0, rel=1e-12)
    assert found.found == pytest.approx(np.sqrt((1 + 4 + 0.01 + 25) / 4), rel=1e-12)


@pytest.mark.parametrize("predicted", [[], [0.0, 0.0], [np.inf]])
def test_nothing_to_compare_is_an_error(predicted: list[float]) -> None:
    with pytest.raises(ValueError, match="no uncertainty"):
        calibrate([np.array(predicted)], [np.ones(len(predicted))])
