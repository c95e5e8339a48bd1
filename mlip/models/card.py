"""The card of a model: what it is, what it was trained on, how well it did. Kept in its file."""

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


class ModelCard(Settings):
    """What is known of a model.

    The first group is taken from the model itself whenever it is saved, so that the card never
    contradicts the weights; the second is for whoever made the model to tell.
    """

    format_version: int = 2
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
    seed: int | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    """Of the packages that made the model."""
    created: str | None = None
    """Date in ISO 8601."""
    licence: str | None = None
    citation: str | None = None
