"""Neighbours of the structures of a graph, on the device of the graph."""

from types import ModuleType

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
    find, device = _finder(graph.device)
    borders = torch.arange(graph.n_structures + 1, device=graph.device)
    edges, shifts = find.find_edges(
        graph.positions.detach().to(device),
        graph.cell.detach().to(device),
        graph.pbc.to(device),
        torch.searchsorted(graph.structure, borders).to(device),
        float(cutoff),
    )
    return graph.replace(
        edges=edges.to(graph.device), shifts=shifts.to(graph.device), edge_cutoff=float(cutoff)
    )


def _finder(device: torch.device) -> tuple[ModuleType, torch.device]:
    """What makes the lists of structures on a device, and where."""
    for place in (device, torch.device("cpu")):
        if compiled.available(place):
            return compiled, place
    return reference, device
