"""Products of equivariant features, channel by channel.

Features are [harmonics, atoms, channels] with the harmonics in the order of `mlip.ops.spherical`,
up to a largest degree. A product couples every degree of one with every degree of the other:

    out_(l3 m3) = n_l3^(-1/2) sum_(l1 l2) w_(l1 l2 l3) sum_(m1 m2) C_(m1 m2 m3) a_(l1 m1) b_(l2 m2)

with a weight for each of the n_l3 paths (l1, l2, l3) that lead to l3, for each atom and channel,
and the tables C of `mlip.ops.coupling`. Products of products give every body order (J. Nigam,
S. Pozdnyakov, M. Ceriotti, J. Chem. Phys. 153, 121101 (2020)).

All values a_(l1 m1) b_(l2 m2) that any path needs are formed first; then one matrix product with
all tables, one below the other, gives all paths. Sums of such products over neighbours, a of one
and b of the direction to it, are coupled the same way (`couple`).
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip.ops.constants import made_once
from mlip.ops.coupling import couples, coupling_table, degree_of

Path = tuple[int, int, int]


@cache
def product_paths(l_first: int, l_second: int, l_out: int) -> tuple[Path, ...]:
    """The paths (l1, l2, l3) of a product of features up to these degrees, l3 rising."""
    return tuple(
        (l1, l2, l3)
        for l3 in range(l_out + 1)
        for l1 in range(l_first + 1)
        for l2 in range(l_second + 1)
        if couples(l1, l2, l3)
    )


@cache
def square_paths(l_in: int, l_out: int) -> tuple[Path, ...]:
    """The paths of a product of features with themselves: those with l1 <= l2, since the others
    give the same."""
    return tuple(path for path in product_paths(l_in, l_in, l_out) if path[0] <= path[1])


def tensor_product(
    a: Float[Tensor, "harmonics_a atoms channels"],
    b: Float[Tensor, "harmonics_b atoms channels"],
    weights: Float[Tensor, "paths atoms channels"],
    l_out: int,
) -> Float[Tensor, "harmonics_out atoms channels"]:
    """The product up to degree `l_out`; `weights` for each path of `product_paths`."""
    return _product(a, b, weights, product_paths(degree_of(a), degree_of(b), l_out), square=False)


def tensor_square(
    a: Float[Tensor, "harmonics_a atoms channels"],
    weights: Float[Tensor, "paths atoms channels"],
    l_out: int,
) -> Float[Tensor, "harmonics_out atoms channels"]:
    """The product of `a` with itself; `weights` for each path of `square_paths`. It forms each
    product of two components once."""
    return _product(a, a, weights, square_paths(degree_of(a), l_out), square=True)


def couple(
    products: Float[Tensor, "harmonics_a harmonics_b atoms channels"],
    weights: Float[Tensor, "paths atoms channels"],
    paths: tuple[Path, ...],
) -> Float[Tensor, "harmonics_out atoms channels"]:
    """What `tensor_product` makes of products a_(l1 m1) b_(l2 m2), or of sums of them.

    Parameters
    ----------
    products : with the harmonics of a from the lowest degree in the paths on
    weights : for each path
    """
    table = _whole_table(paths, products.shape[:2], products.dtype, products.device)
    return _coupled(products.flatten(0, 1), table, weights, paths)


def _product(
    a: Tensor, b: Tensor, weights: Tensor, paths: tuple[Path, ...], square: bool
) -> Tensor:
    first, second, table = _tables(paths, square, a.dtype, a.device)
    pairs = a.index_select(0, first) * b.index_select(0, second)
    return _coupled(pairs, table, weights, paths)


def _coupled(
    pairs: Float[Tensor, "pairs atoms channels"],
    table: Float[Tensor, "components pairs"],
    weights: Float[Tensor, "paths atoms channels"],
    paths: tuple[Path, ...],
) -> Float[Tensor, "harmonics_out atoms channels"]:
    n_atoms, n_channels = pairs.shape[1:]
    coupled = table @ pairs.reshape(len(pairs), n_atoms * n_channels)
    outputs, row, path = [], 0, 0
    for l in range(paths[-1][2] + 1):
        count = sum(1 for _, _, l3 in paths if l3 == l)
        rows = count * (2 * l + 1)
        of_degree = coupled[row : row + rows].reshape(count, 2 * l + 1, n_atoms, n_channels)
        outputs.append((of_degree * weights[path : path + count, None]).sum(0))
        row, path = row + rows, path + count
    return torch.cat(outputs)


@made_once
def _tables(
    paths: tuple[Path, ...], square: bool, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    first, second, matrix = coupling_matrix(paths, square)
    return (
        torch.from_numpy(first).to(device),
        torch.from_numpy(second).to(device),
        torch.from_numpy(matrix).to(device, dtype),
    )


@made_once
def _whole_table(
    paths: tuple[Path, ...], shape: torch.Size, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "components pairs"]:
    """The matrix of `coupling_matrix` for all pairs of components: few are without any path."""
    first, second, matrix = coupling_matrix(paths, square=False)
    before = min(l1 for l1, _, _ in paths) ** 2
    table = np.zeros((len(matrix), *shape))
    table[:, first - before, second] = matrix
    return torch.from_numpy(table.reshape(len(matrix), -1)).to(device, dtype)


def coupling_matrix(
    paths: tuple[Path, ...], square: bool
) -> tuple[
    Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, "components pairs"]
]:
    """Which components of the first and of the second to multiply, and the matrix that couples
    these products to the components of all paths, one path below the other."""
    size = max(max(l1, l2) for l1, l2, _ in paths) + 1
    blocks = []
    for l1, l2, l3 in paths:
        block = np.zeros((2 * l3 + 1, size**2, size**2))
        block[:, l1 * l1 : (l1 + 1) ** 2, l2 * l2 : (l2 + 1) ** 2] = np.moveaxis(
            coupling_table(l1, l2, l3), 2, 0
        )
        if square and l1 == l2:
            block = _each_pair_once(block)
        blocks.append(block / np.sqrt(sum(1 for path in paths if path[2] == l3)))
    table = np.concatenate(blocks)
    first, second = np.nonzero((table != 0).any(0))
    return first, second, table[:, first, second]


def _each_pair_once(block: np.ndarray) -> np.ndarray:
    """Coefficients of a_i a_j with i <= j from those of all i and j, which are symmetric; smaller
    by sqrt(2), because sum_ij C_ij a_i a_j has twice the variance of sum_ij C_ij a_i b_j."""
    diagonal = np.einsum("kii->ki", block)
    upper = 2.0 * np.triu(block, 1)
    upper[:, np.arange(block.shape[1]), np.arange(block.shape[1])] = diagonal
    return upper / np.sqrt(2.0)
