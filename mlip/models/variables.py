"""What the energies of a graph are differentiated by.

Edge vectors are variables of their own, beside positions and cells, which a model may look at too.
Derivatives by edge vectors are brought to positions and strain by sums over edges
(`AtomicGraph.edge_sums`): that takes fewer operations than to follow each vector back to the atoms,
and is as exact far from the origin as near it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.ops.scatter import sum_by_index


@dataclass(frozen=True)
class Variables:
    """The variables of one graph with neighbours, at its present geometry.

    Attributes
    ----------
    graph : made of the variables, for a model
    vectors : [E, 3] Å
    positions : [A, 3] Å
    cell : [S, 3, 3] Å
    """

    graph: AtomicGraph
    vectors: Float[Tensor, "edges 3"]
    positions: Float[Tensor, "atoms 3"]
    cell: Float[Tensor, "structures 3 3"]

    @classmethod
    def of(cls, graph: AtomicGraph) -> "Variables":
        """Those of a graph, whatever its own tensors are part of."""
        vectors = graph.edge_vectors().detach().requires_grad_()
        positions = graph.positions.detach().requires_grad_()
        cell = graph.cell.detach().requires_grad_()
        free = graph.replace(positions=positions, cell=cell, vectors=vectors)
        return cls(free, vectors, positions, cell)

    def gradients(
        self, energies: Float[Tensor, " energies"], *, training: bool, keep: bool = False
    ) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "structures 3 3"]]:
        """Derivatives of the sum of some energies by positions, and by a strain of all vectors,
        v -> v (1 + strain); zero where it does not depend on them.

        Parameters
        ----------
        training : keep the graph of operations of the derivatives too
        keep : what another derivative will need
        """
        if energies.grad_fn is None:  # no edges at all, and no parameters to train
            return torch.zeros_like(self.positions), torch.zeros_like(self.cell)
        by_vectors, by_own_positions, by_own_cell = torch.autograd.grad(
            energies, (self.vectors, self.positions, self.cell), torch.ones_like(energies),
            create_graph=training, retain_graph=training or keep, allow_unused=True,
        )  # fmt: skip
        if by_vectors is None:
            by_vectors = torch.zeros_like(self.vectors)
        by_positions, by_strain = self.graph.edge_sums(by_vectors)
        if by_own_positions is not None:
            products = self.positions.detach()[:, :, None] * by_own_positions[:, None, :]
            by_positions = by_positions + by_own_positions
            by_strain = by_strain + sum_by_index(products, self.graph.structure, len(by_strain))
        if by_own_cell is not None:
            by_strain = by_strain + self.cell.detach().transpose(1, 2) @ by_own_cell
        return by_positions, by_strain
