"""Graphs of structures that come one after the other, most of which differ in positions only."""

import numpy as np
import torch
from ase import Atoms

from mlip.graph import AtomicGraph, check_positions


class Succession:
    """Makes graphs as `AtomicGraph.from_atoms` does, and keeps what the next structure is likely to
    have too: elements, cell and pbc."""

    def __init__(self) -> None:
        self._last: AtomicGraph | None = None
        self._fixed: list[np.ndarray] = []

    def graph(self, atoms: Atoms) -> AtomicGraph:
        """The graph of a structure, without neighbours; a ValueError as by `from_atoms`."""
        fixed = [atoms.numbers, atoms.cell.array, atoms.pbc]
        if self._last is None or not all(map(np.array_equal, fixed, self._fixed)):
            self._last = AtomicGraph.from_atoms(atoms)
            self._fixed = [array.copy() for array in fixed]
            return self._last
        positions = atoms.positions.astype(np.float64)
        check_positions(positions)
        return self._last.replace(positions=torch.from_numpy(positions))
