"""The edges of a structure, a part of the atoms at a time, so that memory is bounded."""

from dataclasses import dataclass

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.ops.padding import row_parts


@dataclass(frozen=True)
class Surroundings:
    """The edges of some atoms, one after the other.

    Attributes
    ----------
    atoms : which atoms
    centres : [E] the atom of each edge, counted from the first of them
    neighbours : [E] any atom
    vectors : [E, 3] from one to the other, Å
    """

    atoms: slice
    centres: Int[Tensor, " edges"]
    neighbours: Int[Tensor, " edges"]
    vectors: Float[Tensor, "edges 3"]

    @property
    def n_atoms(self) -> int:
        return self.atoms.stop - self.atoms.start


def surroundings_in(
    graph: AtomicGraph, dtype: torch.dtype, most_edges: int, most_atoms: int
) -> list[Surroundings]:
    """The surroundings of all atoms, for no more than so many edges and atoms at a time.

    Raises
    ------
    ValueError
        If two atoms are in the same place.
    """
    vectors = graph.edge_vectors().to(dtype)
    _check_apart(graph, vectors)
    found = []
    for atoms, edges in row_parts(graph.centres, graph.n_atoms, most_edges, most_atoms):
        centres = graph.centres[edges] - atoms.start
        found.append(Surroundings(atoms, centres, graph.neighbours[edges], vectors[edges]))
    return found


def _check_apart(graph: AtomicGraph, vectors: Tensor) -> None:
    together = torch.nonzero((vectors == 0).all(dim=1)).flatten()
    if len(together):
        edge = int(together[0])
        i, j = int(graph.centres[edge]), int(graph.neighbours[edge])
        first, second = (chemical_symbols[int(graph.numbers[k])] for k in (i, j))
        raise ValueError(
            f"atoms {i} ({first}) and {j} ({second}) are in the same place: there is no direction "
            "from one to the other; remove one of them"
        )
