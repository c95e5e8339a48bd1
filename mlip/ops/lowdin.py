"""Löwdin orthonormalisation to the last digit.

Overlap matrices of radial functions are nearly singular: for eight functions their condition
number reaches 1e16, and overlap^(-1/2) in float64 has lost everything from the sixth digit on, in a
way that depends on the linear algebra library. A model that rebuilds its functions on another
machine must find the same ones; so they are made once, in decimal arithmetic.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, localcontext

import numpy as np

_DIGITS = 80
_MOST_STEPS = 300

#: A numpy array of `Decimal`.
DecimalArray = np.ndarray


@contextmanager
def many_digits() -> Iterator[None]:
    """Decimal arithmetic with enough digits for every condition number met here."""
    with localcontext() as context:
        context.prec = _DIGITS
        yield


def decimals(values: np.ndarray) -> DecimalArray:
    """Floating-point numbers as decimals, exactly."""
    return np.vectorize(lambda v: Decimal(float(v)), otypes=[object])(values)


def lowdin(overlap: DecimalArray) -> DecimalArray:
    """overlap^(-1/2) of a symmetric positive matrix; call it within `many_digits`.

    The iteration of Denman and Beavers, Appl. Math. Comput. 2, 63 (1976), on the matrix scaled to
    a unit diagonal.

    Raises
    ------
    ValueError
        If the matrix is singular to 80 digits.
    """
    scale = max(overlap[i, i] for i in range(len(overlap)))
    root, inverse_root = overlap / scale, decimals(np.eye(len(overlap)))
    try:
        for _ in range(_MOST_STEPS):
            previous = root
            root = (previous + _inverse(inverse_root)) / 2
            inverse_root = (inverse_root + _inverse(previous)) / 2
            if abs(root - previous).max() < Decimal(10) ** (-_DIGITS // 2):
                return inverse_root / scale.sqrt()
    except ArithmeticError:
        pass
    raise ValueError("the radial functions are linearly dependent; use fewer of them (n_max)")


def _inverse(matrix: DecimalArray) -> DecimalArray:
    """By Gauss-Jordan elimination; positive definite matrices need no pivoting."""
    n = len(matrix)
    work = np.concatenate([matrix, decimals(np.eye(n))], axis=1)
    for k in range(n):
        work[k] = work[k] / work[k, k]
        others = np.arange(n) != k
        work[others] = work[others] - work[others, k : k + 1] * work[k]
    return work[:, n:]
