"""How far a potential may be wrong, atom by atom, in eV/Å; and a watch for molecular dynamics.

Every measure gives a number for each atom that grows with the error of its force. It becomes an
error bar by its calibration (`mlip.active_learning.calibration`): a factor with the unit that makes
eV/Å of it.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from ase import Atoms

from mlip.graph import AtomicGraph
from mlip.models import Potential, evaluate
from mlip.neighbours import with_neighbours

Measure = Literal["committee", "distance"]


@runtime_checkable
class ForceUncertainty(Protocol):
    """A measure of how uncertain the forces are."""

    unit: str

    def of(self, structures: Sequence[Atoms]) -> list[np.ndarray]:
        """One number for each atom of each structure, before calibration."""


class CommitteeSpread:
    """The spread of the forces over the members of a committee: for each atom the root of the
    summed variances of the three components, eV/Å."""

    unit = "eV/Å"

    def __init__(self, model: Potential) -> None:
        if model.n_members < 2:
            raise ValueError("a spread needs a committee of two or more models")
        self._model = model

    def of(self, structures: Sequence[Atoms]) -> list[np.ndarray]:
        found = evaluate(self._model, map(AtomicGraph.from_atoms, structures), _SPREAD)
        return [result["forces_uncertainty"] for result in found]


_SPREAD = ("forces_uncertainty",)


class FeatureDistance:
    """The distance of an atom's features to the nearest of an atom of the same element in the
    training data. Features are scaled to unit variance over the training data.

    Works for a single model; says nothing about how fast the energy varies between the two.
    """

    unit = "standard deviations of features"

    def __init__(self, model: Potential, training: Sequence[Atoms]) -> None:
        self._model = model
        features = np.concatenate([atom_features(model, atoms) for atoms in training])
        numbers = np.concatenate([atoms.numbers for atoms in training])
        spread = features.std(axis=0)
        self._scale = np.where(spread > 1e-12 * spread.max(initial=1e-300), spread, np.inf)
        self._known = {z: features[numbers == z] / self._scale for z in set(numbers.tolist())}

    def of(self, structures: Sequence[Atoms]) -> list[np.ndarray]:
        return [self._distances(atoms) for atoms in structures]

    def _distances(self, atoms: Atoms) -> np.ndarray:
        features = atom_features(self._model, atoms) / self._scale
        distances = np.full(len(atoms), np.inf)  # of elements that are not in the training data
        for number, known in self._known.items():
            own = np.flatnonzero(atoms.numbers == number)
            if len(own):
                distances[own] = _nearest(features[own], known)
        return distances


def atom_features(model: Potential, atoms: Atoms) -> np.ndarray:
    """What a model knows of each atom's environment, shape (atoms, features)."""
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff).to(model.device)
    with torch.no_grad():
        return model.features(graph.within(model.cutoff)).double().cpu().numpy()


def _nearest(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest known one."""
    squared = (points**2).sum(1)[:, None] - 2.0 * points @ known.T + (known**2).sum(1)
    return np.sqrt(np.maximum(squared.min(axis=1), 0.0))


class TooUncertainError(RuntimeError):
    """A run was stopped because the potential does not know the structure it came to."""


class UncertaintyWatch:
    """Looks at the calibrated uncertainty of forces during a run; ``dynamics.attach(watch, 10)``.

    Parameters
    ----------
    atoms : of the run
    measure : of the potential that drives it
    threshold : eV/Å, of the largest uncertainty of a force on an atom
    scale : the factor of the calibration
    stop : raise `TooUncertainError` when the threshold is passed; else only take note

    Attributes
    ----------
    history : the largest uncertainty at each look, eV/Å
    flagged : at which looks, counted from zero, it was above the threshold
    """

    def __init__(
        self,
        atoms: Atoms,
        measure: ForceUncertainty,
        threshold: float,
        scale: float = 1.0,
        stop: bool = True,
    ) -> None:
        self._atoms = atoms
        self._measure = measure
        self._threshold = threshold
        self._scale = scale
        self._stop = stop
        self.history: list[float] = []
        self.flagged: list[int] = []

    def __call__(self) -> None:
        """Look."""
        (spread,) = self._measure.of([self._atoms])
        worst = int(np.argmax(spread))
        value = self._scale * float(spread[worst])
        self.history.append(value)
        if value <= self._threshold:
            return
        self.flagged.append(len(self.history) - 1)
        if self._stop:
            raise TooUncertainError(
                f"the force on atom {worst} ({self._atoms.symbols[worst]}) is uncertain by "
                f"{1e3 * value:.0f} meV/Å (limit {1e3 * self._threshold:.0f})"
            )
