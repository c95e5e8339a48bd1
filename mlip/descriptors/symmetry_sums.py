"""Sums of Behler's functions over neighbours and over pairs of neighbours, many at once.

Functions that share an envelope exp(-eta r^2) f(r) or a power of the angle share its evaluation:
with n envelopes and p powers, all n p angular functions cost n + p passes over the pairs and one
matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.descriptors.behler_functions import AngularFunction, RadialFunction
from mlip.ops.cutoffs import CutoffFunction
from mlip.ops.padding import Rectangle, cyclic_partners
from mlip.ops.radial import gaussians
from mlip.ops.scatter import sum_by_index

#: Å. Atoms that are closer to each other are an error: no direction could be told between them.
CLOSEST = 1e-3


class RadialSums(nn.Module):
    """sum_j weight_j exp(-eta (r_j - shift)^2) for several functions."""

    eta: Tensor
    shift: Tensor

    def __init__(self, functions: Sequence[RadialFunction]) -> None:
        super().__init__()
        eta = torch.tensor([f.eta for f in functions], dtype=torch.float64)
        shift = torch.tensor([f.shift for f in functions], dtype=torch.float64)
        self.register_buffer("eta", eta, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(
        self,
        distances: Float[Tensor, " edges"],
        weights: Float[Tensor, " edges"],
        row: Int[Tensor, " edges"],
        n_rows: int,
    ) -> Float[Tensor, "rows functions"]:
        """Sums over the edges of each row; weights contain the cutoff function."""
        terms = gaussians(distances, self.eta.to(distances.dtype), self.shift.to(distances.dtype))
        return sum_by_index((terms * weights).T, row, n_rows)


@dataclass(frozen=True)
class Neighbourhoods:
    """Neighbours of several atoms, side by side.

    Attributes
    ----------
    directions : [R, 3, width] unit vectors
    distances : [R, width] Å
    weights : [R, width] cutoff function times any other weight; zero in empty places
    """

    directions: Float[Tensor, "rows 3 width"]
    distances: Float[Tensor, "rows width"]
    weights: Float[Tensor, "rows width"]

    @classmethod
    def of(
        cls,
        rectangle: Rectangle,
        vectors: Float[Tensor, "edges 3"],
        distances: Float[Tensor, " edges"],
        weights: Float[Tensor, " edges"],
    ) -> "Neighbourhoods":
        """The edges of a rectangle; empty places hold a vector of 1 Å with weight zero."""
        directions = rectangle.filled(vectors / distances[:, None], vectors.new_tensor([0, 0, 1.0]))
        return cls(
            directions.unflatten(0, rectangle.shape).transpose(1, 2).contiguous(),
            rectangle.filled(distances, distances.new_tensor(1.0)).unflatten(0, rectangle.shape),
            rectangle.filled(weights, weights.new_tensor(0.0)).unflatten(0, rectangle.shape),
        )


class AngularSums(nn.Module):
    """sum_{j<k} weight_j weight_k 2^(1-zeta) (1 + sign cos theta)^zeta
    exp(-eta sum (r - shift)^2) [f(r_jk)] for several functions."""

    selected: Tensor

    def __init__(
        self, functions: Sequence[AngularFunction], cutoff: float, cutoff_function: CutoffFunction
    ) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.cutoff_function = cutoff_function
        self.envelopes = list(dict.fromkeys((f.type, f.eta, f.shift) for f in functions))
        self.powers = list(dict.fromkeys((f.sign, f.zeta) for f in functions))
        selected = [
            self.envelopes.index((f.type, f.eta, f.shift)) * len(self.powers)
            + self.powers.index((f.sign, f.zeta))
            for f in functions
        ]
        self.register_buffer("selected", torch.tensor(selected), persistent=False)

    def forward(
        self, some: Neighbourhoods, others: Neighbourhoods | None = None
    ) -> Float[Tensor, "rows functions"]:
        """Sums over pairs of one of `some` and one of `others` of the same atom, or, without
        others, over all pairs among `some`, whose width must then be odd."""
        pairs = _Pairs(some, others)
        cosines = pairs.cosines()
        envelopes = torch.stack(self._envelopes(pairs, cosines), dim=1).flatten(2)
        powers = torch.stack(self._powers(cosines), dim=1).flatten(2)
        products = envelopes @ powers.transpose(1, 2)
        return 2.0 * products.flatten(1)[:, self.selected]

    def _envelopes(self, pairs: "_Pairs", cosines: Tensor) -> list[Tensor]:
        """What depends on distances, for each pair."""
        found = [pairs.products(eta, shift) for _, eta, shift in self.envelopes]
        if not any(kind == "G4" for kind, _, _ in self.envelopes):
            return found
        third = pairs.third_sides(cosines)
        cutoff = self.cutoff_function(third, self.cutoff)
        return [
            envelope * cutoff * torch.exp(-eta * (third - shift) ** 2) if kind == "G4" else envelope
            for envelope, (kind, eta, shift) in zip(found, self.envelopes)
        ]

    def _powers(self, cosines: Tensor) -> list[Tensor]:
        """((1 + sign cos theta) / 2)^zeta for each pair."""
        known = {sign: {1.0: 0.5 + 0.5 * sign * cosines} for sign in (1, -1)}
        return [_power(known[sign], zeta) for sign, zeta in self.powers]


class _Pairs:
    """Pairs of neighbours [R, width, partners]: first is one of some, second one of others."""

    def __init__(self, some: Neighbourhoods, others: Neighbourhoods | None) -> None:
        self.some = some
        self.others = some if others is None else others
        self.same = others is None

    def first(self, values: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width 1"]:
        return values.unsqueeze(-1)

    def second(self, values: Float[Tensor, "rows width"]) -> Float[Tensor, " rows #width partners"]:
        return cyclic_partners(values) if self.same else values.unsqueeze(-2)

    def cosines(self) -> Float[Tensor, "rows width partners"]:
        """Of the angle between the two."""
        products = [
            self.first(self.some.directions[:, axis]) * self.second(self.others.directions[:, axis])
            for axis in range(3)
        ]
        return products[0] + products[1] + products[2]

    def third_sides(
        self, cosines: Float[Tensor, "rows width partners"]
    ) -> Float[Tensor, "rows width partners"]:
        """Distance between the two, Å; below `CLOSEST` only in empty places."""
        a, b = self.first(self.some.distances), self.second(self.others.distances)
        return torch.sqrt((a * a + b * b - 2.0 * a * b * cosines).clamp(min=CLOSEST**2))

    def products(self, eta: float, shift: float) -> Float[Tensor, "rows width partners"]:
        """Product of weight and exp(-eta (r - shift)^2) of both."""
        one = _weighted(self.some, eta, shift)
        other = one if self.same else _weighted(self.others, eta, shift)
        return self.first(one) * self.second(other)


def _weighted(neighbours: Neighbourhoods, eta: float, shift: float) -> Tensor:
    return neighbours.weights * torch.exp(-eta * (neighbours.distances - shift) ** 2)


def _power(known: dict[float, Tensor], exponent: float) -> Tensor:
    """A power of known[1], from the powers that are already known.

    Exponents that are not whole have infinite derivatives at a base of zero, where the true
    function of the positions is smooth; hence the smallest base."""
    if exponent not in known:
        if exponent.is_integer():
            half = float(exponent // 2)
            known[exponent] = _power(known, half) * _power(known, exponent - half)
        else:
            known[exponent] = known[1.0].clamp(min=1e-12) ** exponent
    return known[exponent]
