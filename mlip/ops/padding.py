"""Edges as rectangles: the members of each row side by side, so that sums become matrix products.

A row is an atom, or an atom and a species of neighbours. Rows with similar counts share one
rectangle, so that one crowded atom does not fill the memory of all others with empty places.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor


@dataclass(frozen=True)
class Rectangle:
    """Places for the members of some rows, R rows with `width` places each.

    Attributes
    ----------
    rows : [R] which rows
    members : [M] which of all members lie here
    places : [M] where they lie, counted through the rows: row * width + column
    width : places in a row
    """

    rows: Int[Tensor, " rows"]
    members: Int[Tensor, " members"]
    places: Int[Tensor, " members"]
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), self.width

    def filled(
        self, values: Num[Tensor, " all_members *rest"], empty: Num[Tensor, " *rest"]
    ) -> Num[Tensor, " places *rest"]:
        """The members' values in their places, `empty` in the others."""
        out = empty.expand(len(self.rows) * self.width, *empty.shape).clone()
        return out.index_copy(0, self.places, values[self.members])

    def occupied(self) -> Bool[Tensor, " places"]:
        """Which places have a member."""
        taken = self.places.new_zeros(len(self.rows) * self.width, dtype=torch.bool)
        taken[self.places] = True
        return taken


def rectangles(
    row: Int[Tensor, " members"], n_rows: int, most: int, most_rows: int | None = None
) -> Iterator[Rectangle]:
    """Rectangles for all rows that have members, at least half filled.

    Parameters
    ----------
    row : the row of each member, any order
    most : places in one rectangle, unless a single row needs more
    most_rows : rows in one rectangle; None for any number
    """
    counts = torch.bincount(row, minlength=n_rows)
    for rows in _alike(counts, lambda width: min(most // width, most_rows or n_rows)):
        yield _rectangle(row, rows, n_rows)


def row_parts(
    row: Int[Tensor, " members"], n_rows: int, most: int, most_rows: int
) -> Iterator[tuple[slice, slice]]:
    """Consecutive rows and their members, for members that are sorted by row: no more than so many
    of each at a time, but at least one row. Each row is somewhere; one part without rows if there
    are no rows at all.

    Parameters
    ----------
    row : the row of each member, non-decreasing
    """
    ends = torch.cumsum(torch.bincount(row, minlength=n_rows), 0)
    first = before = 0
    while first < n_rows or n_rows == 0:
        fitting = int(torch.searchsorted(ends, before + most, right=True))
        last = min(max(fitting, first + 1), first + most_rows, n_rows)
        after = int(ends[last - 1]) if last else 0
        yield slice(first, last), slice(before, after)
        if last == n_rows:
            return
        first, before = last, after


def pair_rectangles(
    row: Int[Tensor, " members"],
    group: Int[Tensor, " members"],
    n_rows: int,
    n_groups: int,
    most: int,
) -> Iterator[list[Rectangle]]:
    """For all rows that have at least two members: one rectangle for the members of each group,
    with the same rows and an odd width, so that `cyclic_partners` can enumerate pairs.

    Parameters
    ----------
    row, group : of each member, any order
    most : pairs of places in the rectangles of all groups together, unless a row needs more
    """
    counts = torch.bincount(row, minlength=n_rows)
    counts[counts == 1] = 0
    for rows in _alike(counts, lambda width: most // width**2):
        yield [
            _rectangle(row, rows, n_rows, torch.nonzero(group == g).flatten(), odd=True)
            for g in range(n_groups)
        ]


def cyclic_partners(values: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width half"]:
    """The values of the (width - 1) / 2 next places after each place, in a circle of odd width:
    together with the place itself, every pair of places exactly once."""
    half = values.shape[-1] // 2
    circle = torch.cat([values, values[..., :half]], dim=-1)
    return circle.unfold(-1, half, 1)[..., 1:, :]


def _alike(counts: Int[Tensor, " rows"], most_rows: Callable[[int], int]) -> Iterator[Tensor]:
    """Rows with similar counts above zero: the places of the widest row are half used at least."""
    rest = counts > 0
    while bool(rest.any()):
        width = int(counts[rest].max())
        filled_half = 2 * int(counts[rest].sum()) >= width * int(rest.sum())
        chosen = rest if filled_half else rest & (2 * counts > width)
        rest = rest & ~chosen
        yield from torch.split(torch.nonzero(chosen).flatten(), max(1, most_rows(width)))


def _rectangle(
    row: Tensor, rows: Tensor, n_rows: int, among: Tensor | None = None, odd: bool = False
) -> Rectangle:
    """The members of some rows, out of all members or `among` some."""
    position = torch.full((n_rows,), -1, dtype=torch.int64, device=row.device)
    position[rows] = torch.arange(len(rows), device=row.device)
    place = position[row if among is None else row[among]]
    inside = torch.nonzero(place >= 0).flatten()
    order = torch.argsort(place[inside], stable=True)
    members, place = inside[order], place[inside][order]
    counts = torch.bincount(place, minlength=len(rows))
    column = torch.arange(len(place), device=row.device) - (torch.cumsum(counts, 0) - counts)[place]
    width = int(counts.max()) | odd
    members = members if among is None else among[members]
    return Rectangle(rows, members, place * width + column, width)
