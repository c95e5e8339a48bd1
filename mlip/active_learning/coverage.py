"""How many errors are as small as they were predicted to be, and how many should be."""

from collections.abc import Sequence

import numpy as np

from mlip.training import calibration
from mlip.training.calibration import DEVIATIONS


def shares_within(predicted: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> list[float]:
    """The share of atoms whose error is at most 1, and at most 2 predicted standard deviations.

    Parameters
    ----------
    predicted : standard deviation of the error of each atom's force, an array for each structure;
        atoms for which it is infinite are left out
    found : |F - F_reference|
    """
    sigma, error = np.concatenate(list(predicted)), np.concatenate(list(found))
    known = np.isfinite(sigma)
    return [float(np.mean(error[known] <= many * sigma[known])) for many in DEVIATIONS]


def expected_within(deviations: float) -> float:
    """The share of vectors within so many standard deviations of a normal error with three equal
    components, sigma^2 being the sum of their variances: the distribution of Maxwell.

    0.608 within one, 0.993 within two.
    """
    return calibration.expected_within(deviations, 3)
