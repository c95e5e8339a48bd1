"""The card of a model: what it is, what it was trained on, how well it did. Kept in its file."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from mlip.settings import Settings


class DatasetCard(Settings):
    """The data a model was trained on."""

    fingerprint: str
    """sha256 over atoms, cells and labels."""
    n_structures: int
    n_atoms: int
    level_of_theory: str | None = None
    """For instance PBE-D3(BJ)/def2-SVP."""


class ErrorCard(Settings):
    """Errors of one property on one part of the data."""

    mae: float
    rmse: float
    unit: str


class CalibrationCard(Settings):
    """How predicted and found errors of one property compared on labels that were not trained
    on."""

    factor: float = Field(gt=0.0, allow_inf_nan=False)
    """What the model's own uncertainties are multiplied with, to be standard deviations."""
    correlation: float | None
    """Of the logarithms of predicted and found errors; null if there was nothing to correlate."""
    n_structures: int
    """Labelled structures that were compared."""
    source: str
    """Which they were."""


class ModelCard(Settings):
    """What is known of a model.

    The first group is taken from the model itself whenever it is saved, so that the card never
    contradicts the weights; the second is for whoever made the model to tell.
    """

    format_version: int = 3
    """Of the file; readers upgrade older ones."""
    model: str | None = None
    """Name of the kind of model, such as behler_parrinello."""
    config: dict[str, Any] = Field(default_factory=dict)
    """The config of the model, every default written out."""
    species: tuple[str, ...] = ()
    """Symbols of the elements the model knows."""
    cutoff: float | None = None
    """Å."""
    dtype: str | None = None
    """Precision of the weights, float32 or float64."""
    units: dict[str, str] = Field(default_factory=dict)
    """Unit of each property."""
    reference_energies: dict[str, float] = Field(default_factory=dict)
    """eV for each element."""
    scale: float | None = None
    """eV for one unit of the learned energies."""

    reference_energies_source: str | None = None
    """Isolated atoms, least squares or given."""
    dataset: DatasetCard | None = None
    errors: dict[str, dict[str, ErrorCard]] = Field(default_factory=dict)
    """By split (train, valid, test) and property."""
    calibration: dict[str, CalibrationCard] = Field(default_factory=dict)
    """Of uncertainties, by property (energy, forces); empty if they are not calibrated."""
    seed: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    """Of the packages that made the model."""
    created: str | None = None
    """Date in ISO 8601."""
    licence: str | None = None
    citation: str | None = None


def joint_card(cards: Sequence[ModelCard]) -> ModelCard:
    """The card of a committee from those of its members: what all say alike. Data that differ are
    counted as those of the member that saw least; errors are means over the members, and say so:
    those of the committee are smaller."""
    if not cards:
        return ModelCard()
    return ModelCard(
        reference_energies_source=_alike(cards, lambda card: card.reference_energies_source),
        dataset=_joint_dataset([card.dataset for card in cards if card.dataset is not None]),
        errors=_mean_errors(cards),
        versions=_alike(cards, lambda card: card.versions) or {},
        licence=_alike(cards, lambda card: card.licence),
        citation=_alike(cards, lambda card: card.citation),
    )


def _alike(cards: Sequence[Any], told: Callable[[Any], Any]) -> Any:
    first, *others = (told(card) for card in cards)
    return first if all(other == first for other in others) else None


def _joint_dataset(datasets: Sequence[DatasetCard]) -> DatasetCard | None:
    if not datasets:
        return None
    fingerprints = dict.fromkeys(data.fingerprint for data in datasets)
    least = min(datasets, key=lambda data: data.n_structures)
    level = _alike(datasets, lambda data: data.level_of_theory)
    changes = {"fingerprint": ", ".join(fingerprints), "level_of_theory": level}
    return least.model_copy(update=changes)


def _mean_errors(cards: Sequence[ModelCard]) -> dict[str, dict[str, ErrorCard]]:
    """By split, named as means, the properties that all members have errors of."""
    if len(cards) == 1:
        return cards[0].errors
    return {
        f"{split}, mean of {len(cards)} members": {
            name: ErrorCard(
                mae=sum(card.errors[split][name].mae for card in cards) / len(cards),
                rmse=sum(card.errors[split][name].rmse for card in cards) / len(cards),
                unit=error.unit,
            )
            for name, error in errors.items()
            if all(name in card.errors.get(split, {}) for card in cards)
        }
        for split, errors in cards[0].errors.items()
    }
