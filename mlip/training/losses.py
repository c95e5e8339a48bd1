"""The loss: how far predictions are from labels, over all labelled properties of a batch.

    L = sum over properties p of  weight_p * mean over labelled entries of penalty(r / unit_p)

Residuals are measured in `RESIDUAL_UNITS`: 10 meV/atom, 100 meV/Å and 10 meV/Å^3. These are errors
of equal seriousness for most solids and molecules, so that weights of one are a good start, and the
loss is near one when the potential begins to be useful.

A label that a structure does not carry (NaN in a batch) takes no part, neither in the sum nor in
the mean; a batch without any label of a property contributes nothing for it.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.properties import LABELS, PROPERTIES
from mlip.settings import Settings

#: Residual that counts as one, in the package's units (per atom for the energy).
RESIDUAL_UNITS = MappingProxyType({"energy": 0.01, "forces": 0.1, "stress": 0.01})


class LossTerm(Settings):
    """How much one property counts, and how residuals are penalised."""

    weight: float = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    """Factor of this property; 0 leaves it out."""
    kind: Literal["mse", "mae", "huber", "length"] = "mse"
    """Squared, absolute, or squared up to one residual unit and linear beyond (robust against
    outliers), component by component; or the length of each residual vector, which is absolute too
    but does not depend on the axes: times the square root of the number of its components."""


class LossConfig(Settings):
    """The loss. Residuals count in units of 10 meV/atom, 100 meV/Å and 10 meV/Å^3, so that weights
    of one are a good start. A term that is written down makes its label required; `null` leaves
    the property out; left unsaid, it is trained on if the data carry it."""

    energy: LossTerm | None = LossTerm()
    """Energy per atom."""
    forces: LossTerm | None = LossTerm()
    """Components of forces."""
    stress: LossTerm | None = LossTerm()
    """Components of stress, of the structures that carry one."""

    def terms(self) -> dict[str, LossTerm]:
        """The terms that count, by property."""
        terms = {name: getattr(self, name) for name in LABELS}
        return {name: term for name, term in terms.items() if term is not None and term.weight}

    def required(self) -> tuple[str, ...]:
        """Properties written down by the user: their labels must be in the data."""
        return tuple(name for name in self.terms() if name in self.model_fields_set)

    def restricted_to(self, found: set[str]) -> "LossConfig":
        """The same loss with terms only for the labels that were found."""
        return LossConfig(**{n: getattr(self, n) if n in found else None for n in LABELS})


class Loss:
    """The loss of a config, as sums and counts, so that ranks and batches can be added exactly."""

    def __init__(self, config: LossConfig) -> None:
        self.terms = config.terms()
        if not self.terms:
            raise ValueError("the loss has no term: give energy, forces or stress a weight")

    def wanted(self, graph: AtomicGraph) -> tuple[str, ...]:
        """What must be predicted of a graph: the virial stands for the stress, since molecules in
        the same batch have no volume."""
        names = [name for name in self.terms if name in graph.labels]
        return tuple("virial" if name == "stress" else name for name in names)

    def sums(
        self, predictions: Mapping[str, Tensor], graph: AtomicGraph
    ) -> dict[str, Float[Tensor, ""]]:
        """Sum of penalties over the labelled entries of each property, not weighted."""
        return {
            name: penalties(residuals(name, predictions, graph) / RESIDUAL_UNITS[name], term.kind)
            for name, term in self.terms.items()
            if name in graph.labels
        }

    def total(
        self, sums: Mapping[str, Tensor] | Mapping[str, float], counts: Mapping[str, int]
    ) -> Tensor:
        """The loss from sums and counts, which may come from several batches or ranks."""
        total = torch.zeros((), dtype=torch.float64)
        for name, value in sums.items():
            if counts[name]:
                total = total + self.terms[name].weight * value / counts[name]
        return total


def label_counts(graph: AtomicGraph) -> dict[str, int]:
    """Number of labelled entries of each property that can be trained on."""
    return {
        name: int(_labelled(name, graph).sum()) * math.prod(PROPERTIES[name].shape)
        for name in LABELS
    }


def residuals(
    name: str, predictions: Mapping[str, Tensor], graph: AtomicGraph
) -> Float[Tensor, "labelled ..."]:
    """Prediction minus label where there is a label, in the package's units; of extensive
    properties per atom. The stress is made from the predicted virial."""
    rows = _labelled(name, graph)
    if name == "stress":
        predicted = -predictions["virial"][rows] / graph.volumes[rows, None, None]
    else:
        predicted = predictions[name][rows]
    difference = predicted - graph.labels[name][rows]
    if PROPERTIES[name].extensive:
        difference = difference / graph.atom_counts[rows]
    return difference


def penalties(residual: Float[Tensor, "..."], kind: str) -> Float[Tensor, ""]:
    """Sum of the penalties of dimensionless residuals."""
    if kind == "mse":
        return (residual**2).sum()
    if kind == "length" and residual.ndim > 1:
        vectors = residual.flatten(1)
        return math.sqrt(vectors.shape[1]) * torch.linalg.vector_norm(vectors, dim=1).sum()
    if kind in ("mae", "length"):
        return residual.abs().sum()
    size = residual.abs()
    return torch.where(size <= 1.0, residual**2, 2.0 * size - 1.0).sum()


def _labelled(name: str, graph: AtomicGraph) -> Tensor:
    """Which rows of a property carry a label."""
    rows = graph.n_atoms if PROPERTIES[name].per_atom else graph.n_structures
    if name not in graph.labels:
        return torch.zeros(rows, dtype=torch.bool, device=graph.device)
    return ~torch.isnan(graph.labels[name].reshape(rows, -1)).any(dim=1)
