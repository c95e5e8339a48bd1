"""A trained potential as an ASE calculator."""

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.data import chemical_symbols
from ase.outputs import Properties, all_outputs
from torch import Tensor

from mlip.calculators.succession import Succession
from mlip.graph import AtomicGraph
from mlip.models import UNCERTAINTIES, CalibrationCard, Potential, load_model, predict
from mlip.models.placement import as_device, as_dtype
from mlip.neighbours import VerletList
from mlip.properties import PROPERTIES, to_voigt

#: Energies of atoms, whose sum is the energy, and counts.
_FINITE_WITH_ENERGY = frozenset({"energies", "extrapolations"})


class NoStressError(PropertyNotImplementedError, ValueError):
    """Stress was asked of a structure that has no volume."""


class ExtrapolationWarning(UserWarning):
    """A model was asked about environments of atoms beyond those it was trained on."""


class MLIPCalculator(Calculator):
    """Energies, forces and stress of a trained potential, by ASE's rules.

    Results: energy and free_energy (eV, equal), energies (eV, one per atom), forces (eV/Å), stress
    (eV/Å^3, Voigt order xx yy zz yz xz xy, positive under tension); for a model that knows its
    uncertainty (a committee, a Laplace approximation) also energy_uncertainty (eV) and
    forces_uncertainty (eV/Å, one per atom), standard deviations, through
    ``calculator.get_property(name, atoms)``; for a model that knows the range of its features in
    the training data also extrapolations, the number of features of each atom outside of it, with
    an `ExtrapolationWarning` at the first structure that has any.

    What was computed is kept until positions, elements, cell or pbc change. An energy alone is
    computed without derivatives; once forces are needed, the stress comes along, because it costs
    next to nothing. Atoms are never changed.

    Parameters
    ----------
    model : a model file, or a model; of a model the calculator takes a copy
    device : where to compute, such as ``"cpu"`` or ``"cuda"``
    dtype : ``"float32"``, ``"float64"`` or None for the precision the model has
    skin : Å, how much farther than needed neighbours are looked for, so that they can be used again
        while atoms move little; results are the same to the last bit. None does what is faster:
        see `mlip.neighbours.VerletList`

    Raises
    ------
    ValueError
        When created: if the file holds no usable model or the device is not there. When used: if
        an element is unknown to the model, positions are not finite, or energy or forces are not.
    NoStressError
        If stress is asked of a structure that is not periodic in all three directions; a
        `PropertyNotImplementedError` of ASE. Energy and forces of such a structure are fine.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]
    ignored_changes = {"initial_charges", "initial_magmoms"}
    atoms: Atoms

    def __init__(
        self,
        model: str | Path | Potential,
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype | None = None,
        skin: float | None = None,
    ) -> None:
        super().__init__()
        place = as_device(device)
        loaded = copy.deepcopy(model) if isinstance(model, Potential) else load_model(model)
        if dtype is not None:
            loaded = loaded.to(as_dtype(dtype))
        self.model = loaded.to(place).requires_grad_(False)
        self._always = {"energy", "energies"}
        if self.model.knows_its_uncertainty:
            self.implemented_properties = [*self.implemented_properties, *UNCERTAINTIES]
            self._always |= {"energy_uncertainty"}
        if self.model.knows_its_range:
            self.implemented_properties = [*self.implemented_properties, "extrapolations"]
            self._always |= {"extrapolations"}
        self._has_warned = False
        self._structures = Succession()
        self.neighbours = VerletList(self.model.cutoff, skin)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute what is asked, and what comes for free with it, into ``results``."""
        if atoms is not None:  # all that the base class does, but for a folder for files
            self.atoms = atoms.copy()
        if system_changes:
            self.results = {}
        with torch.inference_mode(False):  # whatever the caller does with torch besides
            graph = self._graph(self.atoms)
            found = predict(self.model, graph, self._wanted(properties, self.atoms.pbc))
        results = {name: _for_ase(name, value) for name, value in found.items()}
        _check_finite(results, graph)
        self.results = self.results | results | {"free_energy": results["energy"]}
        if "extrapolations" in results:
            self._warn_of(np.asarray(results["extrapolations"]))

    @property
    def calibration(self) -> Mapping[str, CalibrationCard]:
        """What is known of the calibration of uncertainties, by property (energy, forces). Its
        factors are in the results; a property that is missing is not calibrated."""
        return self.model.calibration

    def export_properties(self) -> Properties:
        """The results ASE has a name for."""
        return Properties({k: v for k, v in self.results.items() if k in all_outputs})

    def _warn_of(self, extrapolations: np.ndarray) -> None:
        """Say once that the model extrapolates, and how much."""
        if self._has_warned or not extrapolations.any():
            return
        self._has_warned = True
        outside = np.flatnonzero(extrapolations)
        worst = int(extrapolations.argmax())
        warnings.warn(
            f"the model extrapolates: {extrapolations.sum()} features of {len(outside)} of "
            f"{len(extrapolations)} atoms are outside their range in the training data, most of "
            f"atom {worst} ({self.atoms.symbols[worst]}): {extrapolations[worst]}. The counts are "
            "in results['extrapolations']; later structures are counted without a warning",
            ExtrapolationWarning,
            stacklevel=2,
        )

    def _graph(self, atoms: Atoms) -> AtomicGraph:
        """The structure with its neighbours, where the model computes."""
        return self.neighbours.find(self._structures.graph(atoms)).to(self.model.device)

    def _wanted(self, properties: Sequence[str], pbc: np.ndarray) -> set[str]:
        wanted = set(self._always)
        if "forces_uncertainty" in properties:
            wanted |= {"forces_uncertainty"}
        solid = bool(pbc.all())
        if "stress" in properties and not solid:
            raise NoStressError(
                f"stress needs three periodic directions, but pbc is {pbc.tolist()}: a "
                "slab or a molecule has no volume. Energy and forces are fine; or set pbc to what "
                "you mean"
            )
        if not {"forces", "stress", "forces_uncertainty"}.isdisjoint(properties):
            wanted |= {"forces", "stress"} if solid else {"forces"}
        return wanted


def _for_ase(name: str, value: Tensor) -> float | np.ndarray:
    """A property of the single structure in the shape ASE expects."""
    if not PROPERTIES[name].shape and not PROPERTIES[name].per_atom:
        return value.item()
    array = value.cpu().numpy()
    return to_voigt(array)[0] if name == "stress" else array


def _is_finite(value: float | np.ndarray) -> bool:
    return math.isfinite(value) if isinstance(value, float) else bool(np.isfinite(value).all())


def _check_finite(results: dict[str, float | np.ndarray], graph: AtomicGraph) -> None:
    broken = [
        name
        for name, value in results.items()
        if name not in _FINITE_WITH_ENERGY and not _is_finite(value)
    ]
    if not broken:
        return
    closest = ""
    if pair := graph.closest_pair():
        i, j, distance = pair
        first, second = (chemical_symbols[int(graph.numbers[k])] for k in (i, j))
        closest = (
            f"; the closest are atoms {i} ({first}) and {j} ({second}), {distance:.3g} Å apart"
        )
    raise ValueError(f"the model gives no finite {', '.join(broken)} for these atoms{closest}")
