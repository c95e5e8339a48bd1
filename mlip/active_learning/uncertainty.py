"""How far a potential may be wrong, atom by atom, in eV/Å; and a watch for molecular dynamics.

Every measure gives a number for each atom that grows with the error of its force; some also give
one for the energy. They become error bars by their calibration (`mlip.training.calibration`): a
factor for each property, with the unit that makes eV and eV/Å of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from ase import Atoms

from mlip.graph import AtomicGraph
from mlip.models import UNCERTAINTIES, Potential, evaluate
from mlip.neighbours import with_neighbours
from mlip.properties import PROPERTIES

#: What can measure uncertainty in a campaign.
MeasureName = Literal["committee", "laplace", "distance"]


class UncertaintyMeasure(ABC):
    """What tells how uncertain energies and forces are.

    Attributes
    ----------
    units : of what `of` gives, before calibration, by property: forces, and perhaps energy
    calibration : factors that make eV and eV/Å of it, by property, as far as they are known
    """

    units: Mapping[str, str]
    calibration: Mapping[str, float]

    @abstractmethod
    def of(self, structures: Sequence[Atoms]) -> list[dict[str, np.ndarray]]:
        """For each structure, before calibration: forces [atoms], one number for each atom, the
        length of the vector of standard deviations; energy [] of the whole structure."""

    def factor(self, name: str) -> float:
        """What uncertainties of one property are multiplied with; 1 if they are not calibrated, but
        in its unit.

        Raises
        ------
        ValueError
            If they are neither.
        """
        if name in self.calibration:
            return self.calibration[name]
        if self.units[name] == PROPERTIES[name].unit:
            return 1.0
        raise ValueError(
            f"the uncertainty of {name} is in {self.units[name]} and has no calibration that makes "
            f"{PROPERTIES[name].unit} of it: give the factor"
        )

    def calibrated(self, structures: Sequence[Atoms]) -> list[dict[str, np.ndarray]]:
        """As `of`, in eV and eV/Å; errors as of `factor`."""
        factors = {name: self.factor(name) for name in self.units}
        return [
            {name: np.asarray(factors[name] * value) for name, value in found.items()}
            for found in self.of(structures)
        ]


class ModelUncertainty(UncertaintyMeasure):
    """What a model says itself: the spread of a committee, or what a Laplace approximation tells.
    Calibrated, these are the numbers of the calculator.

    Raises
    ------
    ValueError
        If the model does not know its uncertainty.
    """

    units = MappingProxyType({"energy": "eV", "forces": "eV/Å"})

    def __init__(self, model: Potential) -> None:
        if not model.knows_its_uncertainty:
            raise ValueError(
                f"a single {type(model).__name__} does not know its uncertainty: use a committee "
                "of two or more models, or a Laplace approximation"
            )
        self._model = model
        self.calibration = {name: card.factor for name, card in model.calibration.items()}

    def of(self, structures: Sequence[Atoms]) -> list[dict[str, np.ndarray]]:
        predicted = evaluate(self._model, map(AtomicGraph.from_atoms, structures), UNCERTAINTIES)
        return [  # a model's predictions have its calibration in them
            {
                name: np.asarray(found[f"{name}_uncertainty"] / self.factor(name))
                for name in self.units
            }
            for found in predicted
        ]


class FeatureDistance(UncertaintyMeasure):
    """The distance of an atom's features to the nearest of an atom of the same element in the
    training data. Features are scaled to unit variance over the training data, those that hardly
    changed there by a tenth of the root mean square of all standard deviations: their noise does
    not drown the others, and what never changed counts once it does.

    Works for a single model; says nothing about how fast the energy varies between the two.

    Parameters
    ----------
    training : what the model was trained on
    calibration : if it is known, as of `UncertaintyMeasure`
    """

    units = MappingProxyType({"forces": "standard deviations of features"})

    def __init__(
        self,
        model: Potential,
        training: Sequence[Atoms],
        calibration: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._model = model
        self.calibration = calibration
        features = np.concatenate([atom_features(model, atoms) for atoms in training])
        numbers = np.concatenate([atoms.numbers for atoms in training])
        spread = features.std(axis=0)
        typical, magnitude = _root_mean_square(spread), _root_mean_square(features)
        if typical <= 1e-12 * magnitude:  # one perfect crystal
            typical = magnitude or 1.0
        self._scale = np.maximum(spread, 0.1 * typical)
        self._known = {z: features[numbers == z] / self._scale for z in set(numbers.tolist())}

    def of(self, structures: Sequence[Atoms]) -> list[dict[str, np.ndarray]]:
        return [{"forces": self._distances(atoms)} for atoms in structures]

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


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


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
    scale : the factor of the calibration; None for that of the measure, which is its model's
    stop : raise `TooUncertainError` when the threshold is passed; else only take note

    Attributes
    ----------
    history : the largest uncertainty at each look, eV/Å
    flagged : at which looks, counted from zero, it was above the threshold
    """

    def __init__(
        self,
        atoms: Atoms,
        measure: UncertaintyMeasure,
        threshold: float,
        scale: float | None = None,
        stop: bool = True,
    ) -> None:
        self._atoms = atoms
        self._measure = measure
        self._threshold = threshold
        self._scale = measure.factor("forces") if scale is None else scale
        self._stop = stop
        self.history: list[float] = []
        self.flagged: list[int] = []

    def __call__(self) -> None:
        """Look."""
        spread = self._measure.of([self._atoms])[0]["forces"]
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
