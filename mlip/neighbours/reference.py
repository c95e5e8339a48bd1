"""The reference neighbour list: every pair of atoms, every image, in plain torch. Slow and obvious.

It judges all other lists. Its cost is O(N^2) in the atoms of a structure and its memory is bounded
by treating the centres in blocks.
"""

import itertools
import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mlip.graph import are_within

#: Distances computed at once; bounds the memory of one block of centres to some hundred MB.
_BLOCK = 4_000_000


def find_edges(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "structures 3 3"],
    pbc: Bool[Tensor, "structures 3"],
    first_atom: Int[Tensor, " borders"],
    cutoff: float,
) -> tuple[Int[Tensor, "2 edges"], Int[Tensor, "edges 3"]]:
    """All edges and shifts of all structures; arguments and errors as in `compiled.find_edges`."""
    if not (math.isfinite(cutoff) and cutoff > 0):
        raise ValueError(f"the cutoff must be a positive number of Å, got {cutoff}")
    edges, shifts = [first_atom.new_empty(2, 0)], [first_atom.new_empty(0, 3)]
    for s, (start, end) in enumerate(itertools.pairwise(first_atom.tolist())):
        _check(s, positions[start:end], cell[s], pbc[s])
        pairs, pair_shifts = find_neighbours(positions[start:end], cell[s], pbc[s], cutoff)
        edges.append(pairs + start)
        shifts.append(pair_shifts)
    return torch.cat(edges, dim=1), torch.cat(shifts)


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
    """As `find_edges`, with distances and vectors (Å)."""
    edges, shifts = find_edges(positions, cell, pbc, first_atom, cutoff)
    structure = torch.searchsorted(first_atom, edges[0], right=True) - 1
    moved = torch.einsum("ea,eab->eb", shifts.to(cell.dtype), cell[structure])
    vectors = positions[edges[1]] - positions[edges[0]] + moved
    return edges, shifts, torch.linalg.norm(vectors, dim=1), vectors


def find_neighbours(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "3 3"],
    pbc: Bool[Tensor, " 3"],
    cutoff: float,
) -> tuple[Int[Tensor, "2 edges"], Int[Tensor, "edges 3"]]:
    """All pairs of one structure with |r_j + shift @ cell - r_i| < cutoff (Å), sorted by centre,
    neighbour and shift.

    Returns
    -------
    edges : [2, E] centre and neighbour
    shifts : [E, 3] whole cell vectors, zero along directions that are not periodic
    """
    n_atoms = positions.shape[0]
    basis = _complete_basis(cell, pbc)
    wraps = torch.floor(positions @ torch.linalg.inv(basis)) * pbc
    wrapped = positions - wraps @ basis
    reach = cutoff + _rounding(cutoff, positions)
    images = _images(basis, pbc, reach)
    found = []
    block = max(1, _BLOCK // max(1, n_atoms * len(images)))
    for start in range(0, n_atoms, block):
        centres = wrapped[start : start + block]
        vectors = wrapped[None, :, None] - centres[:, None, None] + (images @ basis)[None, None]
        near = (vectors**2).sum(-1) < reach**2
        i, j, image = torch.nonzero(near, as_tuple=True)
        i = i + start
        other = (i != j) | (images[image] != 0).any(dim=1)
        found.append(torch.stack([i, j, image])[:, other])
    centre, neighbour, image = (
        torch.cat(found, dim=1)
        if found
        else torch.empty(3, 0, dtype=torch.int64, device=positions.device)
    )
    shifts = images[image] + wraps[centre] - wraps[neighbour]
    edges, shifts = torch.stack([centre, neighbour]), shifts.to(torch.int64)
    near = are_within(cutoff, positions, cell[None], edges, shifts)
    return edges[:, near], shifts[near]


def _rounding(cutoff: float, positions: Tensor) -> float:
    """Å by which distances between wrapped atoms may be wrong, generously: these atoms only have to
    be looked at."""
    return 1e-9 * cutoff + 1e-13 * float(positions.abs().max() if len(positions) else 0.0)


def _check(s: int, positions: Tensor, cell: Tensor, pbc: Tensor) -> None:
    if not bool(torch.isfinite(positions).all()):
        bad = torch.nonzero(~torch.isfinite(positions).all(dim=1)).flatten().tolist()
        raise ValueError(f"structure {s}: the position of atom {bad[0]} is not finite")
    if not bool(torch.isfinite(cell).all()):
        raise ValueError(f"structure {s}: the cell is not finite")
    periodic = cell[pbc]
    if len(periodic) and int(torch.linalg.matrix_rank(periodic)) < len(periodic):
        raise ValueError(
            f"structure {s}: the cell is singular along its periodic directions "
            f"(pbc {pbc.tolist()}, cell {cell.tolist()})"
        )


def _complete_basis(cell: Tensor, pbc: Tensor) -> Tensor:
    """Three independent rows: the periodic cell vectors, and unit vectors orthogonal to them in
    place of the others, whose given values must not matter."""
    periodic = cell[pbc]
    _, _, rows = torch.linalg.svd(periodic, full_matrices=True)
    basis = cell.clone()
    basis[~pbc] = rows[len(periodic) :]
    return basis


def _images(basis: Tensor, pbc: Tensor, cutoff: float) -> Tensor:
    """Whole shifts [images, 3] that can bring two wrapped atoms within the cutoff of each other."""
    heights = 1.0 / torch.linalg.norm(torch.linalg.inv(basis), dim=0)
    reach = [
        math.ceil(cutoff / height) if periodic else 0
        for height, periodic in zip(heights.tolist(), pbc.tolist())
    ]
    ranges = [torch.arange(-n, n + 1, dtype=basis.dtype, device=basis.device) for n in reach]
    return torch.cartesian_prod(*ranges)
