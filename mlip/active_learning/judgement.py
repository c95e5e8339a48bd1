"""A potential against new labels: its errors, and whether it knew of them.

A handful of new labels tells little of the factor that makes error bars of its uncertainties: of n
structures whose atoms all err alike, normally distributed, it has a standard deviation of
1 / sqrt(2 n), a third for five. So those of the last iterations count together, as many iterations
as it takes to have `POOLED_LABELS`; each label is compared with what the potential before it said.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from mlip.active_learning.uncertainty import UncertaintyMeasure
from mlip.data import Frame
from mlip.graph import AtomicGraph
from mlip.models import Potential, evaluate
from mlip.training.calibration import (
    Calibrations,
    NothingToCompareError,
    Predictions,
    calibration_cards,
    calibrations,
)

#: The factor is then known to a sixth, even if the atoms of a structure all err alike.
POOLED_LABELS = 20

#: Fields of `mlip.models.CalibrationCard`, by property.
PlainCards = Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Labels beside what a potential says of them.

    Attributes
    ----------
    frames : with the labels, at least one
    predictions : of each
    uncertainties : of each, not calibrated
    """

    frames: Sequence[Frame]
    predictions: Predictions
    uncertainties: Predictions

    @property
    def wrong(self) -> list[np.ndarray]:
        """Errors of the forces of each structure, vectors in eV/Å."""
        return _wrong(self.predictions, self.frames)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What new labels say of a potential.

    Attributes
    ----------
    energy_rms : of the errors, eV/atom
    force_rms : of the components, eV/Å
    scale : of the calibration of its uncertainty of forces, from then on
    correlation : of predicted and found errors of forces, of those that the scale is from; NaN if
        there is nothing to correlate
    calibration : all that is known of it by property, as `mlip.models.CalibrationCard`
    keys : names of the labels, in the order of the next two
    predicted, found : the largest of each structure, eV/Å; predicted ones not calibrated
    used_scale : by which predictions were multiplied before the labels were there; None if there
        was no calibration yet
    within : share of the atoms whose error is within 1 and within 2 standard deviations so
        predicted; None likewise, or if nothing was predicted to be uncertain
    """

    energy_rms: float
    force_rms: float
    scale: float
    correlation: float
    calibration: dict[str, dict[str, Any]]
    keys: list[str]
    predicted: list[float]
    found: list[float]
    used_scale: float | None
    within: list[float] | None

    def to_plain(self) -> dict[str, Any]:
        """As plain data."""
        return dataclasses.asdict(self)


def compare(model: Potential, measure: UncertaintyMeasure, frames: Sequence[Frame]) -> Comparison:
    """Ask a potential about labelled structures."""
    uncertainties = measure.of([frame.atoms for frame in frames])
    return Comparison(frames, _predictions(model, frames), uncertainties)


def errors_on(model: Potential, frames: Sequence[Frame]) -> dict[str, float]:
    """Root mean squares: energy_rms, eV/atom; force_rms, of the components, eV/Å."""
    return _errors(_predictions(model, frames), frames)


def pooled_iterations(new_labels: Mapping[int, int]) -> list[int]:
    """The last iterations that have `POOLED_LABELS` together, or all; the earliest first.

    Parameters
    ----------
    new_labels : how many each iteration added
    """
    found: list[int] = []
    for iteration in sorted(new_labels, reverse=True):
        if sum(new_labels[one] for one in found) >= POOLED_LABELS:
            break
        found.insert(0, iteration)
    return found


def pool_in_words(iterations: Sequence[int], n_labels: int) -> str:
    """Which labels they have, for a card."""
    first, last = iterations[0], iterations[-1]
    if first == last:
        return f"{n_labels} new labels of iteration {last}, by the model before"
    return f"{n_labels} new labels of iterations {first} to {last}, each by the model before it"


def judge(
    latest: Comparison,
    earlier: Sequence[Comparison],
    source: str,
    used_scale: float | None = None,
    used: PlainCards = MappingProxyType({}),
) -> Judgement:
    """Judge a potential by the latest labels, and calibrate on them and earlier ones together.

    Where every error is exactly zero no factor follows, and the calibration stays what it was.

    Parameters
    ----------
    earlier : with potentials before it, each on labels it had not seen
    source : what all these labels are, for the cards
    used_scale, used : the calibration until now

    Raises
    ------
    NothingToCompareError
        If forces are wrong where nothing is said to be uncertain, or there is neither a factor nor
        one from before.
    """
    pooled = _pooled([*earlier, latest])
    telling = {name: one for name, one in pooled.items() if one.factor > 0.0}
    cards = calibration_cards(telling, source)
    if "forces" not in cards:
        _require_nothing_wrong([*earlier, latest], source, used_scale)
    alone = _pooled([latest]).get("forces")
    within = None
    if used_scale is not None and alone is not None:
        within = list(alone.within_by(used_scale))
    correlation = cards["forces"].correlation if "forces" in cards else None
    return Judgement(
        **_errors(latest.predictions, latest.frames),
        scale=cards["forces"].factor if "forces" in cards else float(used_scale or 0.0),
        correlation=float("nan") if correlation is None else correlation,
        calibration={name: dict(card) for name, card in used.items()}
        | {name: card.model_dump() for name, card in cards.items()},
        keys=[frame.source for frame in latest.frames],
        predicted=[float(one["forces"].max()) for one in latest.uncertainties],
        found=[float(np.linalg.norm(one, axis=1).max()) for one in latest.wrong],
        used_scale=used_scale,
        within=within,
    )


def _predictions(model: Potential, frames: Sequence[Frame]) -> Predictions:
    return evaluate(model, [AtomicGraph.from_atoms(frame.atoms) for frame in frames])


def _wrong(predictions: Predictions, frames: Sequence[Frame]) -> list[np.ndarray]:
    pairs = zip(predictions, frames)
    return [found["forces"] - frame.labels["forces"] for found, frame in pairs]


def _errors(predictions: Predictions, frames: Sequence[Frame]) -> dict[str, float]:
    energies = [
        float(found["energy"] - frame.labels["energy"]) / len(frame)
        for found, frame in zip(predictions, frames)
    ]
    return {
        "energy_rms": float(np.sqrt(np.mean(np.square(energies)))),
        "force_rms": float(np.sqrt(np.mean(np.concatenate(_wrong(predictions, frames)) ** 2))),
    }


def _pooled(comparisons: Sequence[Comparison]) -> Calibrations:
    return calibrations(
        [found for one in comparisons for found in one.predictions],
        [found for one in comparisons for found in one.uncertainties],
        [frame for one in comparisons for frame in one.frames],
    )


def _require_nothing_wrong(
    comparisons: Sequence[Comparison], source: str, used_scale: float | None
) -> None:
    """Without a factor a campaign can go on with the one before, if there is no error either."""
    worst = max(float(np.abs(wrong).max()) for one in comparisons for wrong in one.wrong)
    if worst > 0.0:
        raise NothingToCompareError(
            f"no uncertainty of a force is finite and above zero in {source}, yet forces are wrong "
            f"by up to {1e3 * worst:.3g} meV/Å: this uncertainty cannot tell where the potential "
            "errs. Begin in a new folder with another `uncertainty`, or with members that differ"
        )
    if used_scale is None:
        raise NothingToCompareError(
            f"every error of forces in {source} is exactly zero, so that no factor makes error "
            "bars of uncertainties: the labels are this potential's own predictions, or all "
            "vanish by symmetry. Begin in a new folder with labels of another method, or with "
            "more distorted structures (initial.amplitude)"
        )
