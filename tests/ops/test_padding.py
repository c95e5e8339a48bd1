"""Rectangles hold every member once, at least half of them filled; circles hold every pair once."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlip.ops.padding import cyclic_partners, pair_rectangles, rectangles, row_parts

ROWS = st.lists(st.integers(0, 9), max_size=60)


@given(row=ROWS, most=st.sampled_from([1, 10, 1000]))
@settings(deadline=None)
def test_every_member_once_in_its_row(row: list[int], most: int) -> None:
    row = torch.tensor(row, dtype=torch.int64)
    seen, rows_seen = [], []
    for r in rectangles(row, 10, most):
        assert r.shape == (len(r.rows), r.width)
        assert len(r.rows) == 1 or len(r.rows) * r.width <= most
        assert torch.equal(r.rows[r.places // r.width], row[r.members])
        assert len(set(r.places.tolist())) == len(r.places)
        assert torch.equal(torch.nonzero(r.occupied()).flatten(), r.places.sort().values)
        seen += r.members.tolist()
        rows_seen += r.rows.tolist()
    assert sorted(seen) == list(range(len(row)))
    assert sorted(rows_seen) == sorted(set(row.tolist()))


def test_at_least_half_filled() -> None:
    counts = [1, 1, 1, 1, 2, 3, 5, 8, 100]
    row = torch.repeat_interleave(torch.arange(9), torch.tensor(counts))
    for r in rectangles(row, 9, 10**6):
        assert 2 * len(r.members) >= len(r.rows) * r.width


def test_alike_rows_share_one_rectangle() -> None:
    row = torch.repeat_interleave(torch.arange(4), torch.tensor([7, 8, 6, 8]))
    (only,) = rectangles(row, 4, 1000)
    assert only.shape == (4, 8)


def test_filling() -> None:
    row = torch.tensor([1, 0, 1])
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    (r,) = rectangles(row, 2, 100)
    filled = r.filled(values, torch.tensor([-1.0, -2.0]))
    assert filled.tolist() == [[3, 4], [-1, -2], [1, 2], [5, 6]]
    (gradient,) = torch.autograd.grad((filled * torch.arange(8).view(4, 2)).sum(), values)
    assert gradient.tolist() == [[4, 5], [0, 1], [6, 7]]


@given(members=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=50))
@settings(deadline=None)
def test_groups_share_rows(members: list[tuple[int, int]]) -> None:
    row = torch.tensor([m[0] for m in members], dtype=torch.int64)
    group = torch.tensor([m[1] for m in members], dtype=torch.int64)
    seen = []
    for group_rectangles in pair_rectangles(row, group, 7, 3, 100):
        for g, r in enumerate(group_rectangles):
            assert r.width % 2 == 1
            assert torch.equal(r.rows, group_rectangles[0].rows)
            assert (group[r.members] == g).all()
            assert torch.equal(r.rows[r.places // r.width], row[r.members])
            seen += r.members.tolist()
    counts = torch.bincount(row, minlength=7)
    assert sorted(seen) == [m for m in range(len(row)) if counts[row[m]] > 1]


@pytest.mark.parametrize("width", [1, 3, 5, 11])
def test_a_circle_pairs_everybody_once(width: int) -> None:
    places = torch.arange(float(width)).expand(2, width)
    partners = cyclic_partners(places)
    assert partners.shape == (2, width, width // 2)
    pairs = [tuple(sorted((a, int(b)))) for a in range(width) for b in partners[1, a].tolist()]
    assert sorted(pairs) == list(itertools.combinations(range(width), 2))


@pytest.mark.parametrize("most", [1, 3, 4, 100])
@pytest.mark.parametrize("most_rows", [1, 3, 100])
def test_parts_hold_every_row_and_member_in_order(most: int, most_rows: int) -> None:
    row = torch.tensor([0, 0, 3, 4, 4, 4, 6])
    parts = list(row_parts(row, 8, most, most_rows))
    assert [k for rows, _ in parts for k in range(rows.start, rows.stop)] == list(range(8))
    assert torch.equal(torch.cat([row[members] for _, members in parts]), row)
    for rows, members in parts:
        assert ((row[members] >= rows.start) & (row[members] < rows.stop)).all()
        assert rows.stop - rows.start <= most_rows
        assert members.stop - members.start <= most or rows.stop - rows.start == 1


def test_no_rows_at_all() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    assert list(row_parts(none, 0, 3, 3)) == [(slice(0, 0), slice(0, 0))]
    assert list(rectangles(none, 0, 3)) == []
