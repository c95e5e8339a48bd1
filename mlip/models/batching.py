"""Many structures, some at a time."""

from collections.abc import Iterable, Iterator

from mlip.graph import AtomicGraph


def batches(graphs: Iterable[AtomicGraph], max_atoms: int) -> Iterator[AtomicGraph]:
    """The graphs in order, joined until the next would exceed `max_atoms`. A graph with more atoms
    than that comes alone."""
    waiting: list[AtomicGraph] = []
    n_atoms = 0
    for graph in graphs:
        if waiting and n_atoms + graph.n_atoms > max_atoms:
            yield AtomicGraph.batch(waiting)
            waiting, n_atoms = [], 0
        waiting.append(graph)
        n_atoms += graph.n_atoms
    if waiting:
        yield AtomicGraph.batch(waiting)
