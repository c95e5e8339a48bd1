"""Segment sums, and their parity with torch-scatter where that is installed."""

import pytest
import torch

from mlip.ops.scatter import sum_by_index


def test_against_a_loop() -> None:
    values = torch.randn(20, 3, 2, dtype=torch.float64)
    index = torch.randint(0, 7, (20,))
    expected = torch.zeros(9, 3, 2, dtype=torch.float64)
    for row, i in zip(values, index):
        expected[i] += row
    torch.testing.assert_close(sum_by_index(values, index, 9), expected)


def test_nothing_to_add() -> None:
    assert torch.equal(sum_by_index(torch.zeros(0, 2), torch.zeros(0).long(), 3), torch.zeros(3, 2))


def test_derivatives() -> None:
    values = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([0, 2, 2, 1, 0, 2])
    assert torch.autograd.gradcheck(lambda v: sum_by_index(v, index, 4).square(), values)
    assert torch.autograd.gradgradcheck(lambda v: sum_by_index(v, index, 4).square(), values)


def test_parity_with_torch_scatter() -> None:
    scatter = pytest.importorskip("torch_scatter", reason="the extra `scatter` is not installed")
    values = torch.randn(50, 4, dtype=torch.float64)
    index = torch.randint(0, 9, (50,))
    expected = scatter.scatter_sum(values, index, dim=0, dim_size=9)
    torch.testing.assert_close(sum_by_index(values, index, 9), expected)
