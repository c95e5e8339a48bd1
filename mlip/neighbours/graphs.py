"""Neighbours of the structures of a graph, on the device of the graph."""

from types import ModuleType

import torch

from mlip.graph import AtomicGraph
from mlip.neighbours import compiled, reference


def with_neighbours(graph: AtomicGraph, cutoff: float, skin: float = 0.0) -> AtomicGraph:
    """The graph with all edges shorter than `cutoff` (Å), for any periodicity and cell.

    Edges are sorted by centre, then by neighbour, then by shift, its first component first. Lists
    of the same edges are therefore equal, however they were found: with the compiled core or
    without, on any number of threads, or out of a longer list by `AtomicGraph.within`.

    Parameters
    ----------
    skin : Å; edges longer than the cutoff by up to this are kept too. The graph then stays complete
        while the cell is the same and no atom moves farther than half the skin, and
        `AtomicGraph.within`, which every model calls, leaves the edges within the cutoff: the same
        energies and forces, to the last bit. `VerletList` watches the atoms and the cell for you.

    Raises
    ------
    ValueError
        If the cutoff is not a positive number, the skin is negative, positions or cells are not
        finite, or the cell of a structure is singular along its periodic directions.
    """
    if not skin >= 0:
        raise ValueError(f"the skin must be a number of Å, not negative, got {skin}")
    # a skin must not turn a cutoff that is no use into one that is: the list refuses it
    reach = float(cutoff) + float(skin) if cutoff > 0 else float(cutoff)
    find, device = _finder(graph.device)
    borders = torch.arange(graph.n_structures + 1, device=graph.device)
    edges, shifts = find.find_edges(
        graph.positions.detach().to(device),
        graph.cell.detach().to(device),
        graph.pbc.to(device),
        torch.searchsorted(graph.structure, borders).to(device),
        reach,
    )
    return graph.replace(
        edges=edges.to(graph.device), shifts=shifts.to(graph.device), edge_cutoff=reach
    )


def _finder(device: torch.device) -> tuple[ModuleType, torch.device]:
    """What makes the lists of structures on a device, and where."""
    for place in (device, torch.device("cpu")):
        if compiled.available(place):
            return compiled, place
    return reference, device
