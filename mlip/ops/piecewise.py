"""Smooth functions of the distance as polynomials on equal intervals: what compiled loops evaluate.

Where a Chebyshev series takes as many terms as the functions have wiggles, a polynomial on the
right interval takes a few, whatever the functions are.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.polynomial import chebyshev
from torch import Tensor

_FEWEST, _MOST = 32, 2048


def piecewise_polynomials(
    functions: Callable[[Tensor], Tensor], end: float, degree: int, tolerance: float
) -> Float[np.ndarray, "intervals terms functions"] | None:
    """Coefficients, constant first, of each function in t = -1..1 along each interval of [0, end].

    The slopes are interpolated at Chebyshev points and integrated, so that they are as exact as the
    values.

    Parameters
    ----------
    functions : distances [points] -> values [functions, points], differentiable float64 torch
    tolerance : largest error of a slope, relative to the largest slope of all functions

    Returns
    -------
    For as few intervals as it takes; None if that would be thousands.
    """
    intervals = _FEWEST
    while intervals <= _MOST:
        coefficients = _interpolate(functions, end, degree, intervals)
        if _error(coefficients, functions, end) <= tolerance:
            return coefficients
        intervals = -(-intervals * 5 // 4)
    return None


def _interpolate(
    functions: Callable[[Tensor], Tensor], end: float, degree: int, intervals: int
) -> np.ndarray:
    half, middles = _intervals(end, intervals)
    nodes = chebyshev.chebpts1(degree)
    slopes = half * _slopes(functions, middles[:, None] + half * nodes)
    monomials = np.linalg.inv(np.vander(nodes, degree, increasing=True))
    rising = np.einsum("kd,ifd->ikf", monomials, slopes) / np.arange(1, degree + 1)[:, None]
    with torch.no_grad():
        constants = functions(torch.from_numpy(middles)).numpy().T
    return np.concatenate([constants[:, None], rising], axis=1)


def _error(coefficients: np.ndarray, functions: Callable[[Tensor], Tensor], end: float) -> float:
    """Of the slopes, at places between the nodes."""
    half, middles = _intervals(end, len(coefficients))
    places = np.linspace(-1.0, 1.0, 5)[:-1] + 0.07
    expected = half * _slopes(functions, middles[:, None] + half * places)
    orders = np.arange(1, coefficients.shape[1])
    powers = orders * np.vander(places, len(orders), increasing=True)
    found = np.einsum("pk,ikf->ifp", powers, coefficients[:, 1:])
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300))


def _intervals(end: float, intervals: int) -> tuple[float, np.ndarray]:
    """Half their length, and their middles."""
    half = 0.5 * end / intervals
    return half, half * (2.0 * np.arange(intervals) + 1.0)


def _slopes(functions: Callable[[Tensor], Tensor], places: np.ndarray) -> np.ndarray:
    """Derivatives [intervals, functions, places] at places [intervals, places].

    Each distance moves one column of values only; the derivative of their weighted sum by the
    weights gives that column whole.
    """
    with torch.enable_grad():
        distances = torch.from_numpy(places.ravel()).requires_grad_()
        values = functions(distances)
        weights = torch.zeros_like(values, requires_grad=True)
        (weighted,) = torch.autograd.grad(values, distances, weights, create_graph=True)
        (slopes,) = torch.autograd.grad(weighted.sum(), weights)
    return slopes.numpy().reshape(len(values), *places.shape).transpose(1, 0, 2)
