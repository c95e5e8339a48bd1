"""The map: the plane in which points vary most, whatever their number."""

import numpy as np
import pytest
import torch
from ase.build import molecule
from toy import Toy, toy

from mlip.active_learning.feature_map import mean_features, principal_plane


def test_points_of_a_plane_keep_their_distances() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(20, 2)) * [3.0, 1.0]
    turn, _ = np.linalg.qr(random.normal(size=(7, 7)))
    coordinates, shares = principal_plane(flat @ turn[:2] + 5.0)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert shares[0] > shares[1]
    between = np.linalg.norm(flat[:, None] - flat, axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(coordinates[:, None] - coordinates, axis=-1), between, atol=1e-12
    )


def test_shares_are_those_of_the_covariance() -> None:
    points = np.random.default_rng(1).normal(size=(50, 5)) * [1, 2, 3, 4, 5]
    coordinates, shares = principal_plane(points)
    variances = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    np.testing.assert_allclose(shares, variances[:2] / variances.sum(), rtol=1e-12)
    np.testing.assert_allclose(coordinates.var(axis=0, ddof=1), variances[:2], rtol=1e-12)


@pytest.mark.parametrize("points", [np.ones((1, 3)), np.ones((4, 3)), np.array([[1.0], [2.0]])])
def test_few_or_equal_points_lie_somewhere(points: np.ndarray) -> None:
    coordinates, shares = principal_plane(points)
    assert coordinates.shape == (len(points), 2)
    assert np.isfinite(coordinates).all()
    assert shares.sum() in (0.0, 1.0)


def test_directions_do_not_depend_on_the_order_of_points() -> None:
    points = np.random.default_rng(2).normal(size=(9, 4))
    forwards, _ = principal_plane(points)
    backwards, _ = principal_plane(points[::-1])
    np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-12)


class Numbered(Toy):
    """A toy whose only features are the atomic number and the number of neighbours."""

    def features(self, graph):
        counts = torch.bincount(graph.centres, minlength=graph.n_atoms)
        return torch.stack([graph.numbers, counts], dim=1)


def test_a_structure_is_the_mean_of_its_atoms() -> None:
    water, model = molecule("H2O"), toy(kind=Numbered)
    assert mean_features(model, [water, water]).tolist() == [[10 / 3, 2.0]] * 2
    assert mean_features(model, []).shape[0] == 0
