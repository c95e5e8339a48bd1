"""Predicted uncertainties against errors found: the factor that makes an error bar of a spread, and
how well it then fits.

If an error is normal with standard deviation s u, u being what was predicted, the most likely
factor over N errors is

    s^2 = 1/N sum_i e_i^2 / u_i^2

(F. Musil, M. J. Willatt, M. A. Langovoy and M. Ceriotti, J. Chem. Theory Comput. 15, 906, 2019).
Energies are compared per atom; of forces u and e are the lengths of the vectors, one for each atom.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from mlip.data import Frame, fingerprint
from mlip.data.statistics import without_isolated_atoms
from mlip.graph import AtomicGraph
from mlip.models import UNCERTAINTIES, CalibrationCard, Potential, card_of, evaluate
from mlip.properties import PROPERTIES
from mlip.training.metrics import comparable
from mlip.units import convert

#: Standard deviations within which errors are counted.
DEVIATIONS = (1.0, 2.0)

#: The properties that a model can be uncertain of.
UNCERTAIN = ("energy", "forces")

#: Of the median: smaller predictions (atoms fixed by symmetry) say nothing.
_SMALLEST = 1e-3

Predictions = Sequence[Mapping[str, np.ndarray]]


class NothingToCompareError(ValueError):
    """No factor follows: nothing was predicted to be uncertain, or nothing was wrong."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Uncertainties and errors of one property over some structures.

    Attributes
    ----------
    factor : predicted times this is a standard deviation; 1 if the error bars were right, 0 if all
        errors are exactly zero
    correlation : of the logarithms of predicted and found errors; None if there is nothing to
        correlate
    n_components : of one error: 1 of an energy, 3 of a force
    n_structures : over which
    predicted, found : every uncertainty that is not infinite, and the size of the error there
    """

    factor: float
    correlation: float | None
    n_components: int
    n_structures: int
    predicted: Float[np.ndarray, " errors"]
    found: Float[np.ndarray, " errors"]

    @property
    def within(self) -> tuple[float, ...]:
        """The share of errors within 1 and within 2 predicted standard deviations."""
        return self.within_by(1.0)

    def within_by(self, factor: float) -> tuple[float, ...]:
        """The same if what was predicted is multiplied with a factor first."""
        guess, error = _telling(self.predicted, self.found)
        return tuple(float(np.mean(error <= many * factor * guess)) for many in DEVIATIONS)

    @property
    def expected_within(self) -> tuple[float, ...]:
        """What `within` would be if the uncertainties were right and the errors normal."""
        return tuple(expected_within(many, self.n_components) for many in DEVIATIONS)


def calibrate(
    predicted: Sequence[Float[np.ndarray, " _"]],
    errors: Sequence[Float[np.ndarray, "_ components"]],
) -> Calibration:
    """Compare uncertainties with errors, an array of each for every structure.

    Parameters
    ----------
    predicted : a measure of uncertainty; where it is infinite, or next to nothing beside the
        others (a thousandth of the median), it is left out
    errors : predictions minus labels

    Raises
    ------
    NothingToCompareError
        If nothing was predicted to be uncertain.
    """
    guess = np.concatenate([np.zeros(0), *predicted])
    parts = [np.linalg.norm(part, axis=1) for part in errors]
    error = np.concatenate([np.zeros(0), *parts])
    known = np.isfinite(guess)
    usable, wrong = _telling(guess[known], error[known])
    if not len(usable):
        raise NothingToCompareError("there is no uncertainty to compare with errors")
    return Calibration(
        factor=float(np.sqrt(np.mean((wrong / usable) ** 2))),
        correlation=_correlation(usable, wrong),
        n_components=errors[0].shape[1],
        n_structures=len(errors),
        predicted=guess[known],
        found=error[known],
    )


#: By property.
Calibrations = dict[str, Calibration]


def calibrate_model(model: Potential, frames: Sequence[Frame], source: str) -> Calibrations:
    """Calibrate the uncertainties of a model on labels that it was not trained on, and keep what
    was found on its card: from then on its uncertainties are multiplied by the factors.

    Parameters
    ----------
    model : that knows its uncertainty; a calibration it has is replaced
    source : what the labels are, for the card

    Returns
    -------
    How the uncertainties were until now

    Raises
    ------
    ValueError
        If the model does not know its uncertainty, was trained on these very frames, or no factor
        follows from the labels: there are none, every uncertainty is exactly zero, or every error
        is.
    """
    if are_training_data(model, frames):
        raise ValueError(
            f"{source}: these are the structures that the model was trained on, where its errors "
            "are smaller than elsewhere; calibrate it on others"
        )
    graphs = [AtomicGraph.from_atoms(frame.atoms) for frame in frames]
    predictions = evaluate(model, graphs, ("energy", "forces", *UNCERTAINTIES))
    found = calibrations(predictions, own_uncertainties(predictions), frames)
    if not found:
        raise NothingToCompareError(f"no factor follows from {source}: {_what_is_missing(frames)}")
    before = {name: card.factor for name, card in model.calibration.items()}
    cards = calibration_cards(found, source, before)
    kept = {"calibration": {**model.calibration, **cards}}
    model.card = card_of(model).model_copy(update=kept)
    return found


def are_training_data(model: Potential, frames: Sequence[Frame]) -> bool:
    """Whether the model, or a member of it, was trained on these very structures and labels, as far
    as its card tells; of isolated atoms nothing is learned but reference energies."""
    data = card_of(model).dataset
    own = data.fingerprint.split(", ") if data is not None else []
    return fingerprint(without_isolated_atoms(frames)) in own


def calibration_cards(
    found: Calibrations, source: str, before: Mapping[str, float] = MappingProxyType({})
) -> dict[str, CalibrationCard]:
    """For the card of the model whose predictions these are.

    Parameters
    ----------
    source : which structures they were
    before : the factors that the predictions had already in them, by property

    Raises
    ------
    NothingToCompareError
        If all errors of a property are exactly zero: error bars of zero would be sure of anything.
    """
    for name, one in found.items():
        if one.factor == 0.0:
            raise NothingToCompareError(
                f"every error of {name} in {source} is exactly zero, though the model is uncertain "
                "there: these seem to be its own predictions; calibrate with labels of the method "
                "that it has learned"
            )
    return {
        name: CalibrationCard(
            factor=before.get(name, 1.0) * one.factor,
            correlation=one.correlation,
            n_structures=one.n_structures,
            source=source,
        )
        for name, one in found.items()
    }


def own_uncertainties(predictions: Predictions) -> list[dict[str, np.ndarray]]:
    """The uncertainties among predictions, by the property that they are of."""
    return [{name: found[f"{name}_uncertainty"] for name in UNCERTAIN} for found in predictions]


def calibrations(
    predictions: Predictions, uncertainties: Predictions, frames: Sequence[Frame]
) -> Calibrations:
    """Those of energy (eV/atom) and forces (eV/Å), where there are labels and uncertainties.

    Parameters
    ----------
    predictions : energy and forces of each frame
    uncertainties : of energy and forces, under their names, in any unit
    """
    found = {}
    for name in UNCERTAIN:
        rows = [
            (uncertain[name], np.asarray(prediction[name] - frame.labels[name]), len(frame))
            for prediction, uncertain, frame in zip(predictions, uncertainties, frames)
            if name in frame.labels and name in uncertain
        ]
        width = math.prod(PROPERTIES[name].shape)
        guesses = [comparable(f"{name}_uncertainty", guess, n) for guess, _, n in rows]
        errors = [comparable(name, error, n).reshape(-1, width) for _, error, n in rows]
        try:
            found[name] = calibrate(guesses, errors)
        except NothingToCompareError:
            continue
    return found


def root_mean_squares(name: str, calibration: Calibration) -> tuple[float, float, str]:
    """Of predicted and found errors, by component, in the unit in which errors are printed."""
    prop = PROPERTIES[name]
    predicted, found = (
        float(np.sqrt(np.mean(values**2) / calibration.n_components))
        for values in (calibration.predicted, calibration.found)
    )
    unit = prop.error_unit
    return convert(predicted, prop.unit, unit), convert(found, prop.unit, unit), unit


def calibrated_in_words(cards: Mapping[str, CalibrationCard]) -> str:
    """Whether uncertainties are calibrated, and how."""
    if not cards:
        return "not calibrated"
    sources = dict.fromkeys(card.source for card in cards.values())
    return f"{' and '.join(cards)} calibrated on {', '.join(sources)}"


def expected_within(deviations: float, n_components: int) -> float:
    """The share of normal errors within so many standard deviations: of numbers, or of vectors with
    three equal components, sigma^2 being the sum of their variances (the distribution of Maxwell).

    Of numbers 0.683 within one and 0.954 within two, of vectors 0.608 and 0.993.
    """
    if n_components == 1:
        return math.erf(deviations / math.sqrt(2.0))
    x = math.sqrt(3.0) * deviations
    return math.erf(x / math.sqrt(2.0)) - math.sqrt(2.0 / math.pi) * x * math.exp(-0.5 * x * x)


def _telling(guess: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncertainties that say something, and the errors there."""
    usable = guess > 0.0
    if usable.any():
        usable &= guess > _SMALLEST * np.median(guess[usable])
    return guess[usable], error[usable]


def _what_is_missing(frames: Sequence[Frame]) -> str:
    if not any(name in frame.labels for frame in frames for name in UNCERTAIN):
        return "there is no label of an energy or a force"
    return (
        "every uncertainty there is exactly zero. Members of a committee must differ, and forces "
        "that vanish by symmetry tell nothing: use distorted structures"
    )


def _correlation(guess: np.ndarray, error: np.ndarray) -> float | None:
    both = error > 0.0
    x, y = np.log(guess[both]), np.log(error[both])
    if len(x) < 2 or x.std() == 0.0 or y.std() == 0.0:
        return None
    return float(np.corrcoef(x, y)[0, 1])
