"""What the energies of a graph are differentiated by.

Edge vectors are variables of their own, beside positions and cells, which a model may look at too.
Derivatives by edge vectors are brought to positions and strain by sums over edges
(`AtomicGraph.edge_sums`): that takes fewer operations than to follow each vector back to the atoms,
and is as exact far from the origin as near it. In the same way the features of a descriptor are
variables, and derivatives by them are brought to edge vectors by the descriptor itself
(`Descriptor.features_and_pull_back`); not in training, which needs second derivatives.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.descriptors.carried import FeaturedGraph
from mlip.graph import AtomicGraph
from mlip.models.base import Potential
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
    training : whether derivatives are to be differentiated again
    """

    graph: AtomicGraph
    vectors: Float[Tensor, "edges 3"]
    positions: Float[Tensor, "atoms 3"]
    cell: Float[Tensor, "structures 3 3"]
    training: bool

    @classmethod
    def of(cls, model: Potential, graph: AtomicGraph, *, training: bool) -> "Variables":
        """Those of a graph within the model's cutoff, whatever its own tensors are part of."""
        near = graph.within(model.cutoff)
        vectors = near.edge_vectors().detach().requires_grad_()
        positions = near.positions.detach().requires_grad_()
        cell = near.cell.detach().requires_grad_()
        free = near.replace(positions=positions, cell=cell, vectors=vectors)
        free = free if training else model.with_features(free)
        return cls(free, vectors, positions, cell, training)

    def gradients(
        self, energies: Float[Tensor, " energies"], *, keep: bool = False
    ) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "structures 3 3"]]:
        """Derivatives of the sum of some energies by positions, and by a strain of all vectors,
        v -> v (1 + strain); zero where it does not depend on them.

        Parameters
        ----------
        keep : what another derivative will need
        """
        if energies.grad_fn is None:  # no edges at all, and no parameters to train
            return torch.zeros_like(self.positions), torch.zeros_like(self.cell)
        features = [self.graph.features] if isinstance(self.graph, FeaturedGraph) else []
        by_vectors, by_own_positions, by_own_cell, *by_features = torch.autograd.grad(
            energies, (self.vectors, self.positions, self.cell, *features),
            torch.ones_like(energies), create_graph=self.training,
            retain_graph=self.training or keep, allow_unused=True,
        )  # fmt: skip
        by_positions, by_strain = self.graph.edge_sums(self._by_vectors(by_vectors, *by_features))
        if by_own_positions is not None:
            products = self.positions.detach()[:, :, None] * by_own_positions[:, None, :]
            by_positions = by_positions + by_own_positions
            by_strain = by_strain + sum_by_index(products, self.graph.structure, len(by_strain))
        if by_own_cell is not None:
            by_strain = by_strain + self.cell.detach().transpose(1, 2) @ by_own_cell
        return by_positions, by_strain

    def _by_vectors(
        self, directly: Tensor | None, by_features: Tensor | None = None
    ) -> Float[Tensor, "edges 3"]:
        """The derivative by edge vectors, directly and through features."""
        if by_features is None:
            return torch.zeros_like(self.vectors) if directly is None else directly
        assert isinstance(self.graph, FeaturedGraph)
        assert self.graph.pull_back is not None
        through = self.graph.pull_back(by_features).to(self.vectors.dtype)
        return through if directly is None else directly + through
