"""How the uncertainties that a committee predicts compare with the errors it makes."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from mlip.data import Frame
from mlip.properties import PROPERTIES
from mlip.training.metrics import comparable
from mlip.units import convert

Predictions = Sequence[Mapping[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Uncertainty and error of one property over some structures.

    Attributes
    ----------
    predicted : root mean square of the predicted uncertainties
    found : root mean square of the errors, counted as everywhere
    factor : found / predicted; uncertainties times it have the size of the errors. A linear
        rescaling of the spread, as in F. Musil et al., J. Chem. Theory Comput. 15, 906 (2019),
        but from the two means, which no single small spread can spoil. None if there is no spread
    unit : of predicted and found
    """

    predicted: float
    found: float
    factor: float | None
    unit: str


def calibrate(predictions: Predictions, frames: Sequence[Frame]) -> dict[str, Calibration]:
    """Calibrations of energy (per atom) and forces (by component), where there are labels.

    Parameters
    ----------
    predictions : energy, forces and their uncertainties for each frame, in the package's units
    """
    found = {}
    for name in ("energy", "forces"):
        pairs = [(p, frame) for p, frame in zip(predictions, frames) if name in frame.labels]
        if pairs:
            found[name] = _calibrate(name, pairs)
    return found


def _calibrate(name: str, pairs: Sequence[tuple[Mapping[str, np.ndarray], Frame]]) -> Calibration:
    errors, spreads = [], []
    for prediction, frame in pairs:
        n = len(frame)
        given = comparable(name, prediction[name], n) - comparable(name, frame.labels[name], n)
        errors.append(given**2)
        # the spread of a force is that of a vector: a third of its square for each component
        components = math.prod(PROPERTIES[name].shape)
        spread = comparable(f"{name}_uncertainty", prediction[f"{name}_uncertainty"], n)
        spreads.append(spread**2 / components)
    rms = [float(np.sqrt(np.concatenate(squares).mean())) for squares in (spreads, errors)]
    unit = PROPERTIES[name].error_unit
    predicted, found = (convert(value, PROPERTIES[name].unit, unit) for value in rms)
    return Calibration(predicted, found, found / predicted if predicted else None, unit)
