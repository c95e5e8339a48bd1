"""Edges as rectangles: the members of each row side by side, so that sums become matrix products.

A row is an atom, or an atom and a species of neighbours. Rows with similar counts share one
rectangle, so that one crowded atom does not fill the memory of all others with empty places.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Rectangle:
    """Places for the members of some rows, R rows with `width` places each.

    Attributes
    ----------
    rows : [R] which rows
    members : [M] which of all members lie here
    places : [M] where they lie, counted through the rows: row * width + column
    width : the largest count among the rows
    """

    rows: Int[Tensor, " rows"]
    members: Int[Tensor, " members"]
    places: Int[Tensor, " members"]
    width: int

    def filled(
        self, values: Float[Tensor, "all_members *rest"], empty: Float[Tensor, " *rest"]
    ) -> Float[Tensor, "places *rest"]:
        """The members' values in their places, `empty` in the others."""
        size = len(self.rows) * self.width
        out = empty.expand(size, *empty.shape).clone()
        return out.index_copy(0, self.places, values[self.members])

    def occupied(self) -> Bool[Tensor, " places"]:
        """Which places have a member."""
        size = len(self.rows) * self.width
        taken = torch.zeros(size, dtype=torch.bool, device=self.places.device)
        taken[self.places] = True
        return taken


def rectangles(row: Int[Tensor, " members"], n_rows: int) -> Iterator[Rectangle]:
    """Rectangles for all rows that have members, at least half filled.

    Parameters
    ----------
    row : the row of each member, any order
    """
    order = torch.argsort(row, stable=True)
    counts = torch.bincount(row, minlength=n_rows)
    first = torch.cumsum(counts, 0) - counts
    column = torch.arange(len(row), device=row.device) - first[row[order]]
    rest = counts > 0
    while bool(rest.any()):
        width = int(counts[rest].max())
        filled_half = 2 * int(counts[rest].sum()) >= width * int(rest.sum())
        chosen = rest if filled_half else rest & (2 * counts > width)
        rest = rest & ~chosen
        rows = torch.nonzero(chosen).flatten()
        place = torch.cumsum(chosen, 0) - 1
        inside = chosen[row[order]]
        members = order[inside]
        yield Rectangle(rows, members, place[row[members]] * width + column[inside], width)
