"""The Verlet list: neighbours found once in a while, a little farther than needed, and looked
through every time.

L. Verlet, Phys. Rev. 159, 98 (1967). The list is found out to R = cutoff + skin. Later, structures
have positions r and cell h instead of r0 and h0. Let F be any matrix with S h = S h0 F for all
shifts S, and u_i = r_i - r0_i F what an atom has moved beyond the deformation. Then the vector of a
pair is, exactly,

    r_j + S h - r_i = (r0_j + S h0 - r0_i) F + u_j - u_i,

hence not shorter than sigma R - 2 max |u| if the pair was not in the list, with sigma the smallest
singular value of F. While that is at least the cutoff, no pair is missing. For an unchanged cell
F = 1, and the bound is the usual one: no atom has moved more than half the skin. An atom that is
wrapped back into the cell has moved by a cell vector: the list is found anew. The numbers of the
atoms do not matter. What is left of the list within the cutoff is decided by the arithmetic that
every list uses, and its order is canonical: it is the list that would be found anew.

Measured on one thread along dynamics at 300 K, steps of 1 fs (water 0.5 fs); ms a step:

    skin                                0       0.3     0.5     1.0 Å
    silicon 216, 5 Å, compiled core     0.10    0.37    0.42    0.50
    silicon 216, 5 Å, plain torch       59      3.3     1.4     1.5
    water 192, 6 Å, compiled core       0.20    1.1     1.1     1.4
    water 192, 6 Å, plain torch         32      6.5     4.4     3.6

so that a skin pays where plain torch finds the list. With the compiled core the list takes less
than 1 % of a step of dynamics with a small `behler_parrinello` model.
"""

import dataclasses
import math

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.neighbours import compiled
from mlip.neighbours.graphs import with_neighbours

#: Å; by the measurements above.
_SKIN_IN_PLAIN_TORCH = 0.5
#: Of the skin, kept for rounding, as are some units in the last place of the positions.
_SPARE, _ULPS = 1e-3, 64


class VerletList:
    """Finds the neighbours of structures that change little from call to call.

    What `find` returns is what `with_neighbours(graph, cutoff)` returns, the same edges in the same
    order, so that energies and forces are the same to the last bit whatever the list was asked
    before. Any graph may be given at any time: structures that do not continue the last ones are
    found anew. One object serves one thread.

    Parameters
    ----------
    cutoff : Å
    skin : Å, how much farther neighbours are kept; 0 finds them anew each time. None takes what is
        faster: 0 where the compiled core finds neighbours, which takes it less time than a look
        through a list in torch, and 0.5 where plain torch finds them

    Attributes
    ----------
    searches : how often neighbours were found anew

    Raises
    ------
    ValueError
        If the skin is negative or not finite; in `find`, what `with_neighbours` raises.
    """

    def __init__(self, cutoff: float, skin: float | None = None) -> None:
        if skin is not None and not (math.isfinite(skin) and skin >= 0):
            raise ValueError(f"the skin must be a number of Å, not negative, got {skin}")
        self.cutoff = float(cutoff)
        self.skin = skin
        self.searches = 0
        self._wide: AtomicGraph | None = None

    def find(self, graph: AtomicGraph) -> AtomicGraph:
        """The graph with all edges shorter than the cutoff."""
        skin = self._skin(graph.device)
        if skin == 0:
            self.searches += 1
            return with_neighbours(graph, self.cutoff)
        if self._wide is None or not self._complete(self._wide, graph):
            self._wide = _geometry(with_neighbours(graph, self.cutoff, skin))
            self.searches += 1
        wide = self._wide
        found = graph.replace(edges=wide.edges, shifts=wide.shifts, edge_cutoff=wide.edge_cutoff)
        return found.within(self.cutoff)

    def _skin(self, device: torch.device) -> float:
        if self.skin is not None:
            return self.skin
        return 0.0 if compiled.available(device) else _SKIN_IN_PLAIN_TORCH

    def _complete(self, wide: AtomicGraph, graph: AtomicGraph) -> bool:
        """Whether no pair within the cutoff is missing in `wide`."""
        if not _same_make(wide, graph) or wide.edge_cutoff is None:
            return False
        positions = graph.positions.detach()
        still = torch.equal(wide.cell, graph.cell)
        if still:
            moved, shrinking = positions - wide.positions, torch.ones_like(wide.cell[:, 0, 0])
        else:
            deformation = _deformation(wide.cell, graph.cell.detach(), graph.pbc)
            own = deformation[graph.structure]
            moved = positions - torch.einsum("ac,acd->ad", wide.positions, own)
            shrinking = torch.linalg.svdvals(deformation)[:, -1]
        spare = _SPARE * (wide.edge_cutoff - self.cutoff)
        spare += _ULPS * torch.finfo(positions.dtype).eps * float(_largest(positions))
        allowed = 0.5 * (shrinking * wide.edge_cutoff - self.cutoff - spare)
        # true only if every comparison is, so that positions that are not numbers are found out
        return bool((torch.linalg.norm(moved, dim=1) <= allowed[graph.structure]).all())


def _geometry(graph: AtomicGraph) -> AtomicGraph:
    """What the list needs of a graph, in memory that the caller cannot change."""
    return dataclasses.replace(
        graph,
        positions=graph.positions.detach().clone(),
        cell=graph.cell.detach().clone(),
        pbc=graph.pbc.clone(),
        structure=graph.structure.clone(),
        labels={},
    )


def _same_make(a: AtomicGraph, b: AtomicGraph) -> bool:
    """Whether atom for atom and structure for structure, one may have come from the other."""
    return (
        a.device == b.device and torch.equal(a.structure, b.structure) and torch.equal(a.pbc, b.pbc)
    )


def _deformation(
    before: Float[Tensor, "structures 3 3"],
    now: Float[Tensor, "structures 3 3"],
    pbc: Tensor,
) -> Float[Tensor, "structures 3 3"]:
    """F with S now = S before F for all shifts S along periodic directions.

    F = 1 + before^+ (now - before) of the periodic rows, since before before^+ = 1 there.
    """
    periodic = pbc[:, :, None].to(before.dtype)
    before, now = before * periodic, now * periodic
    identity = torch.eye(3, dtype=before.dtype, device=before.device)
    return identity + torch.linalg.pinv(before) @ (now - before)


def _largest(positions: Tensor) -> Tensor:
    return positions.abs().max() if len(positions) else positions.new_zeros(())
