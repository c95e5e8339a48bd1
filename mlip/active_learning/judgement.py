"""A potential against new labels: its errors, and whether it knew of them."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlip.active_learning.coverage import shares_within
from mlip.active_learning.uncertainty import UncertaintyMeasure
from mlip.data import Frame
from mlip.graph import AtomicGraph
from mlip.models import Potential, evaluate
from mlip.training.calibration import NothingToCompareError, calibrations


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What new labels say of a potential.

    Attributes
    ----------
    energy_rms : of the errors, eV/atom
    force_rms : of the components, eV/Å
    scale : of the calibration of its uncertainty of forces
    correlation : of predicted and found errors of forces; NaN if there is nothing to correlate
    calibration : all that is known of it by property, as `mlip.models.CalibrationCard`
    keys : names of the labels, in the order of the next two
    predicted, found : the largest of each structure, eV/Å; predicted ones not calibrated
    used_scale : by which predictions were multiplied before the labels were there; None if there
        was no calibration yet
    within : share of the atoms whose error is within 1 and within 2 standard deviations so
        predicted; None likewise
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


def judge_on(
    model: Potential,
    measure: UncertaintyMeasure,
    frames: Sequence[Frame],
    source: str,
    used_scale: float | None = None,
) -> Judgement:
    """Compare a potential with labels.

    Parameters
    ----------
    source : what the labels are, for the cards
    used_scale : the factor of the calibration that its uncertainties had until now

    Raises
    ------
    ValueError
        If there are no forces to compare, or they are not uncertain.
    """
    results = evaluate(model, [AtomicGraph.from_atoms(frame.atoms) for frame in frames])
    wrong = [result["forces"] - frame.labels["forces"] for result, frame in zip(results, frames)]
    found = [np.linalg.norm(difference, axis=1) for difference in wrong]
    uncertainties = measure.of([frame.atoms for frame in frames])
    predicted = [uncertain["forces"] for uncertain in uncertainties]
    energies = [
        float(result["energy"] - frame.labels["energy"]) / len(frame)
        for result, frame in zip(results, frames)
    ]
    compared = calibrations(results, uncertainties, frames)
    if "forces" not in compared:
        raise NothingToCompareError("there is no uncertainty of forces to compare with errors")
    cards = {name: one.card(source) for name, one in compared.items()}
    correlation = cards["forces"].correlation
    within = None
    if used_scale is not None:
        within = shares_within([used_scale * one for one in predicted], found)
    return Judgement(
        energy_rms=float(np.sqrt(np.mean(np.square(energies)))),
        force_rms=float(np.sqrt(np.mean(np.concatenate(wrong) ** 2))),
        scale=cards["forces"].factor,
        correlation=float("nan") if correlation is None else correlation,
        calibration={name: card.model_dump() for name, card in cards.items()},
        keys=[frame.source for frame in frames],
        predicted=[float(one.max()) for one in predicted],
        found=[float(one.max()) for one in found],
        used_scale=used_scale,
        within=within,
    )
