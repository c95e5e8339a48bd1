"""Graphs of structures that come one after the other, most of which differ in positions only."""

import numpy as np
import torch
from ase import Atoms

from mlip.graph import AtomicGraph, check_positions


class Succession:
    """Makes graphs as `AtomicGraph.from_atoms` does, and keeps what the next structure is likely to
    have too: elements, cell and pbc. In dynamics that takes half the time."""

    def __init__(self) -> None:
        self._last: AtomicGraph | None = None

    def graph(self, atoms: Atoms) -> AtomicGraph:
        """The graph of a structure, without neighbours; a ValueError as by `from_atoms`."""
        if self._last is None or not _same_but_positions(self._last, atoms):
            self._last = AtomicGraph.from_atoms(atoms)
            return self._last
        positions = atoms.positions.astype(np.float64)
        check_positions(positions)
        return self._last.replace(positions=torch.from_numpy(positions))


def _same_but_positions(graph: AtomicGraph, atoms: Atoms) -> bool:
    return (
        np.array_equal(graph.numbers.numpy(), atoms.numbers)
        and np.array_equal(graph.cell.numpy()[0], atoms.cell.array)
        and np.array_equal(graph.pbc.numpy()[0], atoms.pbc)
    )
