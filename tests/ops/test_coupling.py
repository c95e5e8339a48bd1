"""Couplings of harmonics: their definition, what turns how, and the tables of e3nn."""

import itertools

import numpy as np
import pytest
from conformance.structures import rotation
from turning import turning_matrix

from mlip.ops.coupling import couples, coupling_table

TRIPLES = [t for t in itertools.product(range(5), repeat=3) if couples(*t)]


def ids(triple: tuple[int, int, int]) -> str:
    return "".join(map(str, triple))


def test_triangles_and_parity() -> None:
    assert couples(1, 1, 0)
    assert couples(2, 3, 5)
    assert not couples(1, 1, 1)  # the cross product is no true vector
    assert not couples(1, 1, 4)
    with pytest.raises(ValueError, match="do not couple"):
        coupling_table(1, 2, 2)


def test_scalars_and_vectors() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 3))
    product = np.einsum("ijk,i,j->k", coupling_table(1, 1, 0), a, b)
    np.testing.assert_allclose(product, [a @ b / np.sqrt(3)], rtol=1e-14)
    np.testing.assert_allclose(coupling_table(0, 1, 1)[0], np.eye(3), atol=1e-14)
    # xy, the first of degree 2, of components in the order y, z, x
    xy = np.zeros((3, 3))
    xy[0, 2] = xy[2, 0] = np.sqrt(0.5)
    np.testing.assert_allclose(coupling_table(1, 1, 2)[..., 0], xy, atol=1e-14)


@pytest.mark.parametrize("triple", TRIPLES, ids=ids)
def test_orthonormal(triple: tuple[int, int, int]) -> None:
    table = coupling_table(*triple)
    found = np.einsum("ijk,ijn->kn", table, table)
    np.testing.assert_allclose(found, np.eye(table.shape[2]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("triple", TRIPLES, ids=ids)
@pytest.mark.parametrize("reflect", [False, True])
def test_results_turn_like_harmonics(triple: tuple[int, int, int], reflect: bool) -> None:
    table, matrix = coupling_table(*triple), rotation(2, reflect)
    one, two, three = (turning_matrix(matrix, l) for l in triple)
    turned_before = np.einsum("ijk,ia,jb->abk", table, one, two)
    np.testing.assert_allclose(turned_before, table @ three.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("triple", TRIPLES, ids=ids)
def test_any_order_of_degrees(triple: tuple[int, int, int]) -> None:
    l1, l2, l3 = triple
    table = coupling_table(l1, l2, l3)
    np.testing.assert_allclose(coupling_table(l2, l1, l3), table.swapaxes(0, 1), atol=1e-13)
    other = coupling_table(l1, l3, l2) * np.sqrt((2 * l3 + 1) / (2 * l2 + 1))
    np.testing.assert_allclose(other, table.swapaxes(1, 2), atol=1e-13)


@pytest.mark.parametrize("triple", TRIPLES, ids=ids)
def test_against_e3nn(triple: tuple[int, int, int]) -> None:
    """The same up to sign: its order x, y, z of l = 1 is ours in axes named anew, so that the
    components of all degrees agree one by one."""
    o3 = pytest.importorskip("e3nn.o3", reason="e3nn is not installed")
    theirs = o3.wigner_3j(*triple, dtype=None).double().numpy() * np.sqrt(2 * triple[2] + 1)
    ours = coupling_table(*triple)
    sign = np.sign((ours * theirs).sum())
    np.testing.assert_allclose(ours, sign * theirs, rtol=0, atol=1e-6)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        coupling_table(1, 1, 0)[:] = 0.0
