"""Products of features: against sums written out, how they turn, their size, their derivatives."""

import numpy as np
import pytest
import torch
from conformance.structures import rotation
from turning import turned_features

from mlip.ops.coupling import coupling_table
from mlip.ops.stacking import stacked
from mlip.ops.tensor_product import (
    couple,
    product_paths,
    square_paths,
    tensor_product,
    tensor_square,
)

ATOMS, CHANNELS = 3, 2


def features(l_max: int, seed: int, atoms: int = ATOMS, channels: int = CHANNELS) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = ((l_max + 1) ** 2, atoms, channels)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def weights_for(paths: tuple, seed: int = 9, atoms: int = ATOMS) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(paths), atoms, CHANNELS, dtype=torch.float64, generator=generator)


def written_out(a: torch.Tensor, b: torch.Tensor, weights: torch.Tensor, paths: tuple,
                l_out: int, square: bool) -> torch.Tensor:  # fmt: skip
    out = torch.zeros((l_out + 1) ** 2, *a.shape[1:], dtype=a.dtype)
    for (l1, l2, l3), weight in zip(paths, weights):
        table = torch.from_numpy(coupling_table(l1, l2, l3).copy())
        one, two = a[l1 * l1 : (l1 + 1) ** 2], b[l2 * l2 : (l2 + 1) ** 2]
        coupled = torch.einsum("ijk,iac,jac->kac", table, one, two)
        n_paths = sum(path[2] == l3 for path in paths)
        alike = 2.0 if square and l1 == l2 else 1.0
        out[l3 * l3 : (l3 + 1) ** 2] += weight * coupled / np.sqrt(alike * n_paths)
    return out


@pytest.mark.parametrize("l_out", [0, 1, 3])
@pytest.mark.parametrize(("l_a", "l_b"), [(0, 3), (1, 2), (1, 3), (3, 0), (3, 2), (3, 3)])
def test_products_against_the_sum_written_out(l_a: int, l_b: int, l_out: int) -> None:
    a, b, paths = features(l_a, 0), features(l_b, 1), product_paths(l_a, l_b, l_out)
    found = tensor_product(a, b, weights_for(paths), l_out)
    expected = written_out(a, b, weights_for(paths), paths, l_out, square=False)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("l_in", [0, 1, 2, 3, 4])
def test_squares_against_the_sum_written_out(l_in: int) -> None:
    a, paths = features(l_in, 0), square_paths(l_in, l_in)
    found = tensor_square(a, weights_for(paths), l_in)
    expected = written_out(a, a, weights_for(paths), paths, l_in, square=True)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_paths() -> None:
    assert product_paths(1, 1, 1) == ((0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1))
    assert square_paths(1, 1) == ((0, 0, 0), (1, 1, 0), (0, 1, 1))
    for paths in (product_paths(3, 3, 3), square_paths(3, 3)):
        assert [path[2] for path in paths] == sorted(path[2] for path in paths)


@pytest.mark.parametrize("reflect", [False, True])
def test_products_turn_like_their_factors(reflect: bool) -> None:
    a, b, matrix = features(3, 0), features(2, 1), rotation(5, reflect)
    weights = weights_for(product_paths(3, 2, 3))
    before = tensor_product(a, b, weights, 3)
    after = tensor_product(turned_features(a, matrix), turned_features(b, matrix), weights, 3)
    torch.testing.assert_close(after, turned_features(before, matrix), rtol=0, atol=1e-12)


def test_unit_variance() -> None:
    """Of features and weights with unit variance; the squares of the norms, which have a mean
    besides, have the variance of one path."""
    a, b = features(3, 0, atoms=40_000), features(3, 1, atoms=40_000)
    product = tensor_product(a, b, weights_for(product_paths(3, 3, 3), atoms=40_000), 3)
    np.testing.assert_allclose(product.var((1, 2)), 1.0, atol=0.1)  # a sample of 80,000
    square = tensor_square(a, weights_for(square_paths(3, 3), atoms=40_000), 3)
    np.testing.assert_allclose(square[1:].var((1, 2)), 1.0, atol=0.1)


def test_derivatives() -> None:
    a, b = features(2, 0, 1, 1).requires_grad_(), features(1, 1, 1, 1).requires_grad_()
    weights = weights_for(product_paths(2, 1, 2))[:, :1, :1].clone().requires_grad_()
    product = (lambda *x: tensor_product(*x, 2), (a, b, weights))
    weights = weights_for(square_paths(2, 2))[:, :1, :1].clone().requires_grad_()
    square = (lambda *x: tensor_square(*x, 2), (a, weights))
    for function, inputs in (product, square):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def test_single_precision() -> None:
    a, paths = features(3, 0), square_paths(3, 3)
    double = tensor_square(a, weights_for(paths), 3)
    single = tensor_square(a.float(), weights_for(paths).float(), 3)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-5)


def test_no_atoms() -> None:
    a, weights = features(3, 0, atoms=0), weights_for(square_paths(3, 3), atoms=0)
    assert tensor_square(a, weights, 3).shape == (16, 0, CHANNELS)


@pytest.mark.parametrize("lowest", [0, 1])
@pytest.mark.parametrize(("l_a", "l_b", "l_out"), [(1, 3, 3), (2, 3, 2), (3, 1, 3)])
def test_sums_of_products_are_coupled_as_the_products_are(
    lowest: int, l_a: int, l_b: int, l_out: int
) -> None:
    """Of three pairs; with all degrees of the first, or those from one on."""
    paths = tuple(p for p in product_paths(l_a, l_b, l_out) if p[0] >= lowest)
    weights = weights_for(paths)
    pairs = [(features(l_a, seed), features(l_b, seed + 10)) for seed in (0, 1, 2)]
    products = sum(a[lowest**2 :, None] * b[None] for a, b in pairs)
    expected = sum(written_out(a, b, weights, paths, l_out, square=False) for a, b in pairs)
    assert isinstance(products, torch.Tensor)
    torch.testing.assert_close(couple(products, weights, paths), expected, rtol=1e-12, atol=1e-12)


def test_stacked_tensors_and_their_derivatives() -> None:
    parts = [features(1, seed).requires_grad_() for seed in (0, 1, 2)]
    assert torch.equal(stacked(parts), torch.stack(parts))
    assert torch.autograd.gradcheck(lambda *p: stacked(p).sin(), parts)
    assert torch.autograd.gradgradcheck(lambda *p: stacked(p).sin(), parts)
