"""Running sums over the validation set, which ranks can add up exactly."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.properties import PROPERTIES
from mlip.training.losses import RESIDUAL_UNITS, Loss, penalties, residuals
from mlip.units import convert

_DISTINCT = (0, 4, 8, 5, 2, 1)  # of nine components of a symmetric matrix, in Voigt order


class Tally:
    """Penalties, absolute and squared errors of the properties in a loss.

    Attributes
    ----------
    numbers : [properties, 5] penalties and their count; sums of |r| and r^2 and their count
    """

    def __init__(self, loss: Loss, device: torch.device | None = None) -> None:
        self._loss = loss
        self.numbers = torch.zeros(len(loss.terms), 5, dtype=torch.float64, device=device)

    def add(self, predictions: Mapping[str, Tensor], graph: AtomicGraph) -> None:
        """Take in one batch."""
        for place, (name, term) in enumerate(self._loss.terms.items()):
            if name not in graph.labels:
                continue
            r = residuals(name, predictions, graph).detach()
            penalty = penalties(r / RESIDUAL_UNITS[name], term.kind)
            distinct = r.reshape(-1, 9)[:, _DISTINCT] if PROPERTIES[name].shape == (3, 3) else r
            self.numbers[place, [0, 2, 3]] += torch.stack(
                [penalty, distinct.abs().sum(), (distinct**2).sum()]
            )
            self.numbers[place, 1] += r.numel()
            self.numbers[place, 4] += distinct.numel()

    def loss(self) -> float:
        """The loss over all that was added."""
        sums = {n: float(row[0]) for n, row in zip(self._loss.terms, self.numbers)}
        counts = {n: int(row[1]) for n, row in zip(self._loss.terms, self.numbers)}
        return float(self._loss.total(sums, counts))

    def errors(self) -> dict[str, float]:
        """``valid_<property>_mae`` and ``_rmse`` in printed units, of properties with labels."""
        found = {}
        for name, (_, _, absolute, squared, count) in zip(self._loss.terms, self.numbers.tolist()):
            if count:
                unit = PROPERTIES[name].unit, PROPERTIES[name].error_unit
                found[f"valid_{name}_mae"] = convert(absolute / count, *unit)
                found[f"valid_{name}_rmse"] = convert((squared / count) ** 0.5, *unit)
        return found
