"""The SOAP power spectrum by the compiled core: features and first derivatives without a tape.

Derivatives go backwards, from dE/d(feature) to dE/d(edge vector); nothing as large as the
derivative of the features is ever made, and nothing is kept between the two passes. Second
derivatives, which training on forces asks for, come from the same expression in torch.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip import kernels
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.piecewise import piecewise_polynomials

#: For each precision the degree that the core is compiled for, and the largest relative error of
#: slopes, below what rounding does to a sum over neighbours.
_DEGREE_AND_ERROR = {torch.float64: (9, 1e-13), torch.float32: (5, 3e-7)}

#: Radial functions in a row of the core's tables, which are padded with zeros.
_ROWS = (8, 16)

#: (vectors, mixing) -> features, in differentiable torch.
Reference = Callable[[Tensor, Tensor], Tensor]


class FusedSOAP:
    """What the compiled core needs to know of a SOAP descriptor.

    Parameters
    ----------
    radial : distances [points] -> R_nl [(l, n), points] with cutoff function and prefactors
    own : [n_max] what an atom adds to the density of its own species
    """

    def __init__(
        self,
        radial: Callable[[Tensor], Tensor],
        own: Float[Tensor, " n_max"],
        cutoff: float,
        n_species: int,
        with_total: bool,
    ) -> None:
        self.numbers = (n_species, len(own), cutoff, with_total)
        self._tables = {
            dtype: table
            for dtype in _DEGREE_AND_ERROR
            if (table := _tables(radial, own, cutoff, dtype)) is not None
        }
        self._carried: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def can_do(self, vectors: Tensor) -> bool:
        """Whether the core is here and works on this device in this precision."""
        return vectors.dtype in self._tables and kernels.runs_on(vectors.device)

    def _tables_on(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        if device.type == "cpu":
            return self._tables[dtype]
        key = (device, dtype)
        if key not in self._carried:
            radial, own = self._tables[dtype]
            self._carried[key] = (radial.to(device), own.to(device))
        return self._carried[key]

    def function(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
        reference: Reference,
    ) -> CompiledFunction:
        """The power spectrum as a function of vectors like these and of the mixing, which says how
        densities of species make those that are multiplied: [channels, species], without rows if
        they are those of the species. Needs `can_do`; a ValueError if two atoms are at the same
        place.

        Parameters
        ----------
        reference : the same in torch, for higher derivatives
        """
        tables = self._tables_on(vectors.device, vectors.dtype)
        fixed = (centres, neighbours, species_index, *tables)
        numbers = self.numbers

        def gradients(by_features: Tensor, v: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
            arguments = (by_features, v, *fixed, m, *numbers)
            by_vectors, of_atoms = torch.ops.mlip.soap_gradients(*arguments)
            return by_vectors, of_atoms.sum(0) if len(m) else m

        return CompiledFunction(
            lambda v, m: torch.ops.mlip.soap(v, *fixed, m, *numbers), gradients, reference
        )


def _tables(
    radial: Callable[[Tensor], Tensor], own: Tensor, cutoff: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor] | None:
    """Radial functions [intervals, l, terms, row] and own density [row], padded with zeros; None if
    they vary too fast for a table or are too many."""
    n_max = len(own)
    row = next((length for length in _ROWS if length >= n_max), None)
    if row is None:
        return None
    coefficients = piecewise_polynomials(radial, cutoff, *_DEGREE_AND_ERROR[dtype])
    if coefficients is None:
        return None
    intervals, terms, _ = coefficients.shape
    table = np.zeros((intervals, coefficients.shape[2] // n_max, terms, row))
    table[..., :n_max] = coefficients.reshape(intervals, terms, -1, n_max).transpose(0, 2, 1, 3)
    padded = torch.nn.functional.pad(own, (0, row - n_max))
    return torch.from_numpy(table).to(dtype), padded.to(dtype)
