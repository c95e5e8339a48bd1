"""Terms: Behler's functions with whom they see, and their sums in plain torch.

Every descriptor made of Behler's functions is a list of terms for each element at the centre; what
is computed here for such lists is the judge of the compiled core.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.descriptors.behler_functions import AngularFunction, BehlerFunction, RadialFunction
from mlip.descriptors.symmetry_sums import AngularSums, Neighbourhoods, RadialSums
from mlip.ops.cutoffs import CutoffFunction
from mlip.ops.padding import pair_rectangles

#: Pairs of neighbours treated at once; bounds memory and keeps results in a core's cache.
_PAIRS = 65536


@dataclass(frozen=True)
class Term:
    """A function of an atom's environment.

    Attributes
    ----------
    function : of the distance, or of the angle
    cutoff : of this function, Å
    sees : which species the neighbours are: one for a radial, two for an angular function, the
        smaller one first; None for neighbours of all species, weighted by their atomic numbers
    """

    function: BehlerFunction
    cutoff: float
    sees: tuple[int, ...] | None


@dataclass(frozen=True)
class Edges:
    """Edges of some centres.

    Attributes
    ----------
    vectors : [E, 3] Å
    distances : [E] Å
    centres : [E] non-decreasing
    species : [E] of the neighbours
    n_atoms : how many centres there could be
    """

    vectors: Float[Tensor, "edges 3"]
    distances: Float[Tensor, " edges"]
    centres: Int[Tensor, " edges"]
    species: Int[Tensor, " edges"]
    n_atoms: int

    def of(self, which: Tensor) -> "Edges":
        """Some of them, by a mask."""
        index = torch.nonzero(which).flatten()
        return Edges(
            self.vectors[index],
            self.distances[index],
            self.centres[index],
            self.species[index],
            self.n_atoms,
        )


class TermSums(nn.Module):
    """Sums of the terms of one list over neighbours and pairs of neighbours.

    Parameters
    ----------
    numbers : atomic numbers of the species
    """

    numbers: Tensor
    places: Tensor

    def __init__(
        self, terms: Sequence[Term], numbers: Sequence[int], cutoff_function: CutoffFunction
    ) -> None:
        super().__init__()
        radial = _groups(terms, RadialFunction)
        angular = _groups(terms, AngularFunction)
        self.cutoff_function = cutoff_function
        self.radial = nn.ModuleList(
            _RadialGroup(sees, [terms[t] for t in group], cutoff_function)
            for (_, sees), group in radial.items()
        )
        self.angular = nn.ModuleList(
            _AngularGroup(
                cutoff,
                {sees: [terms[t] for t in angular[cutoff, sees]] for sees in together},
                cutoff_function,
            )
            for cutoff, together in _seen_together(angular)
        )
        order = [t for group in radial.values() for t in group]
        for cutoff, together in _seen_together(angular):
            order += [t for sees in together for t in angular[cutoff, sees]]
        places = torch.argsort(torch.tensor(order, dtype=torch.int64))
        self.register_buffer("places", places, persistent=False)
        self.register_buffer(
            "numbers", torch.tensor(numbers, dtype=torch.float64), persistent=False
        )

    def forward(self, edges: Edges) -> Float[Tensor, "atoms terms"]:
        """Values of the terms, zero for atoms without edges."""
        numbers = self.numbers.to(edges.vectors.dtype)
        found = [edges.vectors.new_zeros(edges.n_atoms, 0)]
        found += [group(edges, numbers) for group in (*self.radial, *self.angular)]
        return torch.cat(found, dim=1)[:, self.places]


class _RadialGroup(nn.Module):
    """Radial terms that see the same neighbours within the same cutoff."""

    def __init__(
        self, sees: tuple[int, ...] | None, terms: Sequence[Term], cutoff_function: CutoffFunction
    ) -> None:
        super().__init__()
        self.sees, self.cutoff, self.cutoff_function = sees, terms[0].cutoff, cutoff_function
        self.sums = RadialSums([t.function for t in terms])  # type: ignore[misc]  # all radial

    def forward(self, edges: Edges, numbers: Tensor) -> Tensor:
        if self.sees is not None:
            edges = edges.of(edges.species == self.sees[0])
        weights = self.cutoff_function(edges.distances, self.cutoff)
        if self.sees is None:
            weights = weights * numbers[edges.species]
        return self.sums(edges.distances, weights, edges.centres, edges.n_atoms)


class _AngularGroup(nn.Module):
    """Angular terms within the same cutoff: for each pair of species some, or for all neighbours
    together."""

    def __init__(
        self,
        cutoff: float,
        terms: dict[tuple[int, ...] | None, list[Term]],
        cutoff_function: CutoffFunction,
    ) -> None:
        super().__init__()
        self.cutoff, self.cutoff_function = cutoff, cutoff_function
        self.weighted = None in terms
        self.pairs = [(0, 0) if sees is None else sees for sees in terms]
        self.sums = nn.ModuleList(
            AngularSums([t.function for t in group], cutoff, cutoff_function)  # type: ignore[misc]
            for group in terms.values()
        )
        self.width = sum(len(group) for group in terms.values())

    def forward(self, edges: Edges, numbers: Tensor) -> Tensor:
        edges = edges.of(edges.distances < self.cutoff)
        weights = self.cutoff_function(edges.distances, self.cutoff)
        groups, n_groups = edges.species, len(numbers)
        if self.weighted:
            weights = weights * numbers[edges.species]
            groups, n_groups = torch.zeros_like(edges.species), 1
        found = edges.vectors.new_zeros(edges.n_atoms, self.width)
        for rectangles in pair_rectangles(edges.centres, groups, edges.n_atoms, n_groups, _PAIRS):
            around = [
                Neighbourhoods.of(r, edges.vectors, edges.distances, weights) for r in rectangles
            ]
            sums = [
                one(around[a], None if a == b else around[b])
                for one, (a, b) in zip(self.sums, self.pairs)
            ]
            found = found.index_add(0, rectangles[0].rows, torch.cat(sums, dim=1))
        return found


def _groups(
    terms: Sequence[Term], kind: type
) -> dict[tuple[float, tuple[int, ...] | None], list[int]]:
    """Terms of one kind, by their number in the list, that have the same cutoff and neighbours."""
    groups: dict[tuple[float, tuple[int, ...] | None], list[int]] = {}
    for t, term in enumerate(terms):
        if isinstance(term.function, kind):
            groups.setdefault((term.cutoff, term.sees), []).append(t)
    return groups


def _seen_together(
    angular: dict[tuple[float, tuple[int, ...] | None], list[int]],
) -> list[tuple[float, list[tuple[int, ...] | None]]]:
    """Each cutoff, once with its pairs of species and once with all neighbours together."""
    found: dict[tuple[float, bool], list[tuple[int, ...] | None]] = {}
    for cutoff, sees in angular:
        found.setdefault((cutoff, sees is None), []).append(sees)
    return [(cutoff, together) for (cutoff, _), together in found.items()]
