"""Neighbours of atoms within a cutoff: the front door of every list in the package."""

import math

import torch

from mlip.graph import AtomicGraph
from mlip.neighbours import reference

__all__ = ["with_neighbours"]


def with_neighbours(graph: AtomicGraph, cutoff: float) -> AtomicGraph:
    """The graph with all edges shorter than `cutoff` (Å), for any periodicity and cell.

    Raises
    ------
    ValueError
        If the cutoff is not a positive number, positions or cells are not finite, or the cell of
        a structure is singular along its periodic directions.
    """
    if not (math.isfinite(cutoff) and cutoff > 0):
        raise ValueError(f"the cutoff must be a positive number of Å, got {cutoff}")
    if not bool(torch.isfinite(graph.positions).all() and torch.isfinite(graph.cell).all()):
        raise ValueError("positions or cell are not finite: neighbours cannot be found")
    edges, shifts, start = [], [], 0
    with torch.no_grad():
        for s, n in enumerate(graph.atom_counts.tolist()):
            positions = graph.positions[start : start + n]
            _check_cell(graph, s)
            pairs, pair_shifts = reference.find_neighbours(
                positions, graph.cell[s], graph.pbc[s], cutoff
            )
            edges.append(pairs + start)
            shifts.append(pair_shifts)
            start += n
    device = graph.device
    none = (torch.empty(2, 0, dtype=torch.int64), torch.empty(0, 3, dtype=torch.int64))
    return graph.replace(
        edges=torch.cat(edges, dim=1).to(device) if edges else none[0],
        shifts=torch.cat(shifts).to(device) if shifts else none[1],
        edge_cutoff=float(cutoff),
    )


def _check_cell(graph: AtomicGraph, s: int) -> None:
    periodic = graph.cell[s][graph.pbc[s]]
    if len(periodic) and int(torch.linalg.matrix_rank(periodic)) < len(periodic):
        raise ValueError(
            f"structure {s}: the cell is singular along its periodic directions "
            f"(pbc {graph.pbc[s].tolist()}, cell {graph.cell[s].tolist()})"
        )
