"""How harmonics turn: matrices that act on the components of each degree."""

import numpy as np
import torch

from mlip.ops.spherical import solid_harmonics


def turning_matrix(matrix: np.ndarray, l: int) -> np.ndarray:
    """D [2l + 1, 2l + 1] with Y_l(v @ matrix) = D Y_l(v), for an orthogonal matrix."""
    vectors = np.random.default_rng(0).normal(size=(40, 3))
    before, after = (
        solid_harmonics(torch.from_numpy(v.T.copy()), l)[l * l :].numpy()
        for v in (vectors, vectors @ matrix)
    )
    return np.linalg.lstsq(before.T, after.T, rcond=None)[0].T


def turned_features(features: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    """Features [harmonics, atoms, channels] in the turned frame."""
    parts = []
    for l in range(round(features.shape[0] ** 0.5)):
        turning = torch.from_numpy(turning_matrix(matrix, l)).to(features.dtype)
        parts.append(torch.einsum("mn,nac->mac", turning, features[l * l : (l + 1) ** 2]))
    return torch.cat(parts)
