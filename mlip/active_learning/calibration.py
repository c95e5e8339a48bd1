"""Predicted errors against found ones: the factor that makes an error bar of a spread.

If the error of a force is normal with standard deviation s u, u being what was predicted, the most
likely factor over N atoms is

    s^2 = 1/N sum_i |dF_i|^2 / u_i^2

(Musil, Willatt, Langovoy and Ceriotti, J. Chem. Theory Comput. 15, 906, 2019).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

#: Of the median: smaller predictions (atoms fixed by symmetry) say nothing.
_SMALLEST = 1e-3


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How predicted and found errors of forces compare.

    Attributes
    ----------
    scale : predicted times this is a standard deviation; 1 if the error bars were right
    correlation : of the logarithms of predicted and found errors; NaN if there is nothing to
        correlate
    found : root mean square of the errors, eV/Å
    n_atoms : over which
    """

    scale: float
    correlation: float
    found: float
    n_atoms: int


def calibrate(predicted: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> Calibration:
    """Compare errors, one number for each atom of each structure.

    Parameters
    ----------
    predicted : a measure of uncertainty; where it is infinite, an atom is left out
    found : |F - F_reference|, eV/Å

    Raises
    ------
    ValueError
        If there are no atoms, or nothing was predicted to be uncertain.
    """
    guess, error = np.concatenate(list(predicted)), np.concatenate(list(found))
    usable = np.isfinite(guess) & (guess > 0.0)
    if not usable.any():
        raise ValueError("there is no uncertainty to compare with errors")
    usable &= guess > _SMALLEST * np.median(guess[usable])
    ratio = error[usable] / guess[usable]
    return Calibration(
        scale=float(np.sqrt(np.mean(ratio**2))),
        correlation=_correlation(guess[usable], error[usable]),
        found=float(np.sqrt(np.mean(error**2))),
        n_atoms=len(error),
    )


def _correlation(guess: np.ndarray, error: np.ndarray) -> float:
    both = error > 0.0
    x, y = np.log(guess[both]), np.log(error[both])
    if len(x) < 2 or x.std() == 0.0 or y.std() == 0.0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
