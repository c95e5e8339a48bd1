"""Structures as points: mean features of their atoms, and the plane in which they differ most."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from jaxtyping import Float

from mlip.active_learning.uncertainty import atom_features
from mlip.models import Potential


def mean_features(
    model: Potential, structures: Sequence[Atoms]
) -> Float[np.ndarray, "structures features"]:
    """The mean features of each structure's atoms."""
    rows = [atom_features(model, atoms).mean(axis=0) for atoms in structures]
    return np.array(rows).reshape(len(rows), -1) if rows else np.zeros((0, 0))


def principal_plane(
    points: Float[np.ndarray, "points features"],
) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, " 2"]]:
    """Principal component analysis (Pearson, Phil. Mag. 2, 559, 1901): coordinates of the points in
    the plane in which they vary most, and each direction's share of the whole variance.

    Features keep their own scale, so that distances are those by which candidates are chosen. The
    sign of a direction is such that the coordinate farthest from zero is positive.
    """
    centred = points - points.mean(axis=0)
    left, spread, _ = np.linalg.svd(centred, full_matrices=False)
    coordinates, shares = np.zeros((len(points), 2)), np.zeros(2)
    n = min(2, len(spread))
    coordinates[:, :n] = left[:, :n] * spread[:n]
    if spread.any():
        shares[:n] = spread[:n] ** 2 / np.sum(spread**2)
    for axis in range(n):
        farthest = np.abs(coordinates[:, axis]).argmax()
        coordinates[:, axis] *= np.sign(coordinates[farthest, axis]) or 1.0
    return coordinates, shares
