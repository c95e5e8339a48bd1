"""Neighbour lists by the compiled core, on the CPU and on GPUs.

cpp_ext/include/mlip/neighbours.h and neighbours_cuda.h say what it promises.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mlip import kernels


def available(device: torch.device) -> bool:
    """Whether the core is here and works on this device."""
    return kernels.runs_on(device)


def find_edges(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "structures 3 3"],
    pbc: Bool[Tensor, "structures 3"],
    first_atom: Int[Tensor, " borders"],
    cutoff: float,
) -> tuple[Int[Tensor, "2 edges"], Int[Tensor, "edges 3"]]:
    """All edges and shifts of all structures, sorted by centre; needs `available`.

    Parameters
    ----------
    first_atom : [S + 1] where the atoms of each structure start, and the number of atoms

    Raises
    ------
    ValueError
        If the cutoff is not a positive number, positions or cells are not finite, the cell of a
        structure is singular along its periodic directions, or atoms are so far outside it that
        rounding hides distances.
    """
    return torch.ops.mlip.neighbour_list(positions, cell, pbc, first_atom, cutoff)


def find_edges_and_vectors(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "structures 3 3"],
    pbc: Bool[Tensor, "structures 3"],
    first_atom: Int[Tensor, " borders"],
    cutoff: float,
) -> tuple[
    Int[Tensor, "2 edges"],
    Int[Tensor, "edges 3"],
    Float[Tensor, " edges"],
    Float[Tensor, "edges 3"],
]:
    """As `find_edges`, with distances and vectors (Å) that carry no gradient."""
    return torch.ops.mlip.neighbour_list_with_vectors(positions, cell, pbc, first_atom, cutoff)
