"""Errors of predictions against labels: by property, element and config_type, in printed units.

Energies are compared per atom, forces by component, stresses by their six distinct components, as
ASE lists them. A frame without a label takes no part in the errors of that property.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from mlip.data import Frame
from mlip.properties import LABELS, PROPERTIES, to_voigt
from mlip.units import convert

Predictions = Sequence[Mapping[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class ErrorStatistics:
    """Errors of one property over some frames, in `unit`."""

    mae: float
    rmse: float
    largest: float
    unit: str
    count: int

    @classmethod
    def of(cls, residuals: np.ndarray, unit: str) -> "ErrorStatistics":
        """Statistics of residuals, any shape but empty."""
        size = np.abs(residuals)
        rmse = float(np.sqrt(np.mean(residuals**2)))
        return cls(float(size.mean()), rmse, float(size.max()), unit, residuals.size)

    def to_json(self) -> dict[str, Any]:
        return {"mae": self.mae, "rmse": self.rmse, "unit": self.unit}


@dataclasses.dataclass(frozen=True)
class FrameErrors:
    """One frame and its errors.

    Attributes
    ----------
    residuals : prediction minus label by property, flat, in printed units
    references : the labels, flat, in the package's units; of extensive properties per atom
    numbers : [atoms] atomic numbers
    """

    source: str
    composition: str
    config_type: str
    residuals: Mapping[str, np.ndarray]
    references: Mapping[str, np.ndarray]
    numbers: np.ndarray

    def rmse(self, name: str) -> float:
        """Root mean square error of one property of this frame."""
        return float(np.sqrt(np.mean(self.residuals[name] ** 2)))

    def predictions(self, name: str) -> np.ndarray:
        """Predicted values of one property, comparable with `references`."""
        prop = PROPERTIES[name]
        residuals = convert(self.residuals[name], prop.error_unit, prop.unit)
        return self.references[name] + residuals


@dataclasses.dataclass(frozen=True)
class Errors:
    """All errors of a set of frames; properties that no frame is labelled with are absent."""

    frames: tuple[FrameErrors, ...]
    overall: Mapping[str, ErrorStatistics]
    by_config_type: Mapping[str, Mapping[str, ErrorStatistics]]
    by_element: Mapping[str, Mapping[str, ErrorStatistics]]

    @property
    def n_structures(self) -> int:
        return len(self.frames)

    @property
    def n_atoms(self) -> int:
        return sum(len(frame.numbers) for frame in self.frames)

    def worst(self, name: str, count: int) -> list[FrameErrors]:
        """The frames with the largest errors of one property, worst first."""
        labelled = [frame for frame in self.frames if name in frame.residuals]
        return sorted(labelled, key=lambda frame: -frame.rmse(name))[:count]

    def to_json(self) -> dict[str, Any]:
        """Plain data: ``{"energy": {"mae", "rmse", "unit"}, ..., "n_structures", "n_atoms"}``."""
        return {
            **_plain(self.overall),
            "n_structures": self.n_structures,
            "n_atoms": self.n_atoms,
            "by_config_type": {kind: _plain(part) for kind, part in self.by_config_type.items()},
            "by_element": {symbol: _plain(part) for symbol, part in self.by_element.items()},
        }


def errors(predictions: Predictions, frames: Sequence[Frame]) -> Errors:
    """Errors of the predictions of frames, each a dict by property in the package's units.

    Raises
    ------
    ValueError
        If there is not one prediction for each frame, or a prediction is not finite.
    """
    if len(predictions) != len(frames):
        raise ValueError(f"{len(predictions)} predictions for {len(frames)} frames")
    judged = tuple(_judge(p, frame) for p, frame in zip(predictions, frames))
    return Errors(
        frames=judged,
        overall=_statistics(judged),
        by_config_type=_grouped(judged, lambda frame: frame.config_type),
        by_element=_by_element(judged),
    )


def comparable(name: str, value: np.ndarray, n_atoms: int) -> np.ndarray:
    """A property of one structure as its errors are counted: flat, per atom if it is extensive,
    the distinct components of a matrix; in the package's units."""
    prop = PROPERTIES[name]
    array = np.asarray(value, dtype=np.float64)
    array = array / n_atoms if prop.extensive else array
    return np.ravel(to_voigt(array) if prop.shape == (3, 3) else array)


def _judge(prediction: Mapping[str, np.ndarray], frame: Frame) -> FrameErrors:
    n_atoms = len(frame.atoms)
    names = [name for name in LABELS if name in frame.labels and name in prediction]
    for name in names:
        if not np.isfinite(prediction[name]).all():
            raise ValueError(f"the predicted {name} of {frame.source} is not finite")
    references = {name: comparable(name, frame.labels[name], n_atoms) for name in names}
    return FrameErrors(
        source=frame.source,
        composition=frame.atoms.get_chemical_formula(),
        config_type=frame.config_type,
        residuals={
            name: convert(
                comparable(name, prediction[name], n_atoms) - references[name],
                PROPERTIES[name].unit,
                PROPERTIES[name].error_unit,
            )
            for name in names
        },
        references=references,
        numbers=frame.atoms.numbers,
    )


def _statistics(frames: Iterable[FrameErrors]) -> dict[str, ErrorStatistics]:
    frames = list(frames)
    found = {}
    for name in LABELS:
        parts = [frame.residuals[name] for frame in frames if name in frame.residuals]
        if parts and (joined := np.concatenate(parts)).size:
            found[name] = ErrorStatistics.of(joined, PROPERTIES[name].error_unit)
    return found


def _grouped(
    frames: Sequence[FrameErrors], key: Callable[[FrameErrors], str]
) -> dict[str, dict[str, ErrorStatistics]]:
    groups: dict[str, list[FrameErrors]] = {}
    for frame in frames:
        groups.setdefault(key(frame), []).append(frame)
    return {name: _statistics(groups[name]) for name in sorted(groups)}


def _by_element(frames: Sequence[FrameErrors]) -> dict[str, dict[str, ErrorStatistics]]:
    """Only properties of atoms have errors by element."""
    elements = sorted({int(z) for frame in frames for z in frame.numbers})
    names = [name for name in LABELS if PROPERTIES[name].per_atom]
    found: dict[str, dict[str, ErrorStatistics]] = {}
    for z in elements:
        for name in names:
            parts = [
                f.residuals[name].reshape(len(f.numbers), -1)[f.numbers == z]
                for f in frames
                if name in f.residuals
            ]
            if parts and (joined := np.concatenate(parts)).size:
                statistics = ErrorStatistics.of(joined, PROPERTIES[name].error_unit)
                found.setdefault(chemical_symbols[z], {})[name] = statistics
    return found


def _plain(statistics: Mapping[str, ErrorStatistics]) -> dict[str, Any]:
    return {name: part.to_json() for name, part in statistics.items()}
