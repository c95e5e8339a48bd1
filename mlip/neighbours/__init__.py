"""Neighbours of atoms within a cutoff: the front door of every list in the package."""

from mlip.neighbours.arrays import neighbour_list
from mlip.neighbours.graphs import with_neighbours
from mlip.neighbours.verlet import VerletList

__all__ = ["VerletList", "neighbour_list", "with_neighbours"]
