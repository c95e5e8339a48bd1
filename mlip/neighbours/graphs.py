"""Neighbours of the structures of a graph, on the device of the graph."""

import torch

from mlip.graph import AtomicGraph
from mlip.neighbours import compiled, reference


def with_neighbours(graph: AtomicGraph, cutoff: float) -> AtomicGraph:
    """The graph with all edges shorter than `cutoff` (Å), for any periodicity and cell.

    Edges are sorted by centre, then by neighbour, then by shift, its first component first. Lists
    of the same edges are therefore equal, however they were found: with the compiled core or
    without, on any number of threads, or out of a longer list by `AtomicGraph.within`.

    Raises
    ------
    ValueError
        If the cutoff is not a positive number, positions or cells are not finite, or the cell of
        a structure is singular along its periodic directions.
    """
    find = compiled if compiled.available(graph.device) else reference
    borders = torch.arange(graph.n_structures + 1, device=graph.device)
    edges, shifts = find.find_edges(
        graph.positions.detach(),
        graph.cell.detach(),
        graph.pbc,
        torch.searchsorted(graph.structure, borders),
        float(cutoff),
    )
    return graph.replace(edges=edges, shifts=shifts, edge_cutoff=float(cutoff))
