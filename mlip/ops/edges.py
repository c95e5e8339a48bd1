"""The vectors of edges, which are linear in positions and cells, and the transpose of that map.

    v_e = r_j - r_i + n_e h

for the edge e from atom i to atom j in a structure of cell h, with whole numbers n_e. Backwards,
from dE/dv to what E changes by with positions, with cells, and under a strain, which makes every v
into v (1 + strain):

    dE/dr_a = sum of dE/dv over edges that end at a, minus that over edges that begin at a
    dE/dh = sum_e n_e^T dE/dv_e,  dE/d(strain) = sum_e v_e^T dE/dv_e  over edges of a structure

By the compiled core where it is there; in torch elsewhere, and for derivatives of derivatives. On
a GPU the core's sums are always the same to the last bit, those of torch are not.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip import kernels
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.scatter import sum_by_index


def edge_vectors(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "structures 3 3"],
    structure: Int[Tensor, " atoms"],
    edges: Int[Tensor, "2 edges"],
    shifts: Int[Tensor, "edges 3"],
) -> Float[Tensor, "edges 3"]:
    """r_j + shift @ cell - r_i of each edge, differentiable by positions and cells as often as one
    likes.

    Parameters
    ----------
    structure : of each atom
    edges : centre i and neighbour j
    """
    if not kernels.runs_on(positions.device):
        return edge_vectors_in_torch(positions, cell, structure, edges, shifts)
    core, fixed = torch.ops.mlip, (structure, edges)
    function = CompiledFunction(
        lambda r, h: core.edge_vectors(r, h, *fixed, shifts),
        lambda by, _r, h: core.edge_sums(by, shifts, *fixed, len(h)),
        lambda r, h: edge_vectors_in_torch(r, h, *fixed, shifts),
    )
    return function(positions, cell)


def edge_sums(
    by_vectors: Float[Tensor, "edges 3"],
    vectors: Float[Tensor, "edges 3"],
    structure: Int[Tensor, " atoms"],
    edges: Int[Tensor, "2 edges"],
    n_structures: int,
) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "structures 3 3"]]:
    """Derivatives by positions and by strain from those by edge vectors, which may be
    differentiated again; `vectors` are constant."""
    if by_vectors.requires_grad or not kernels.runs_on(by_vectors.device):
        return edge_sums_in_torch(by_vectors, vectors, structure, edges, n_structures)
    return torch.ops.mlip.edge_sums(by_vectors, vectors, structure, edges, n_structures)


def edge_vectors_in_torch(
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "structures 3 3"],
    structure: Int[Tensor, " atoms"],
    edges: Int[Tensor, "2 edges"],
    shifts: Int[Tensor, "edges 3"],
) -> Float[Tensor, "edges 3"]:
    """What `edge_vectors` does, without the compiled core: its judge."""
    centre, neighbour = edges
    # index_select has a faster derivative than indexing, and one cell needs no copies
    vectors = positions.index_select(0, neighbour) - positions.index_select(0, centre)
    rows = shifts.to(cell.dtype)
    if len(cell) == 1:
        return torch.addmm(vectors, rows, cell[0])
    cells = cell.index_select(0, structure.index_select(0, centre))
    return torch.baddbmm(vectors[:, None], rows[:, None], cells)[:, 0]


def edge_sums_in_torch(
    by_vectors: Float[Tensor, "edges 3"],
    vectors: Float[Tensor, "edges 3"],
    structure: Int[Tensor, " atoms"],
    edges: Int[Tensor, "2 edges"],
    n_structures: int,
) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "structures 3 3"]]:
    """What `edge_sums` does, without the compiled core: its judge."""
    centre, neighbour = edges
    n_atoms = len(structure)
    by_positions = sum_by_index(by_vectors, neighbour, n_atoms)
    by_positions = by_positions.index_add(0, centre, by_vectors, alpha=-1)
    if n_structures == 1:
        return by_positions, (vectors.T @ by_vectors)[None]
    products = vectors[:, :, None] * by_vectors[:, None, :]
    of_edges = structure.index_select(0, centre)
    return by_positions, sum_by_index(products, of_edges, n_structures)
