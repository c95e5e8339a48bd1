"""Training on a fixed descriptor without evaluating it again and again.

The features G of an atom depend on the vectors of its own edges only, and do not change while a
network on top of them is trained. What energies, forces and stress need of them is G and its
derivative by the edge vectors, J = dG/dv. Both are computed once for each structure; from then on a
training step is two products with J: forces and virial contract dE/dG with J, their derivative by
the network's parameters contracts J with the error of the forces.

J takes 3 x features numbers for each edge, so this is for data sets that fit in memory
(`jacobian_bytes` says how much); the result is that of the descriptor itself.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.graph import AtomicGraph

#: Features differentiated in one sweep; bounds the memory of a sweep.
_COPIES = 32


@dataclasses.dataclass(frozen=True)
class DescribedGraph(AtomicGraph):
    """A graph that carries its features and their derivatives, at its present geometry.

    Attributes
    ----------
    features : [A, F]
    jacobian : [E, 3, F] derivative of the centre's features by the edge vector, per Å
    described_at : [E, 3] Å, the edge vectors of that geometry
    """

    features: Float[Tensor, "atoms features"] | None = None
    jacobian: Float[Tensor, "edges 3 features"] | None = None
    described_at: Float[Tensor, "edges 3"] | None = None

    @classmethod
    def batch(cls, graphs: Sequence[AtomicGraph]) -> "DescribedGraph":
        """Several described graphs as one."""
        named = ("features", "jacobian", "described_at")
        carried: dict[str, Any] = {n: torch.cat([getattr(g, n) for g in graphs]) for n in named}
        return cls(**_fields(AtomicGraph.batch(graphs)), **carried)


def describe(descriptor: Descriptor, graph: AtomicGraph) -> DescribedGraph:
    """The graph with its features and their Jacobian, in the descriptor's precision.

    Takes about as long as F evaluations of forces, once.
    """
    graph = graph.within(descriptor.cutoff)
    vectors = graph.edge_vectors().detach()
    features, jacobian = _features_and_jacobian(descriptor, graph, vectors)
    return DescribedGraph(
        **_fields(graph), features=features, jacobian=jacobian, described_at=vectors
    )


def features_of(descriptor: Descriptor, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
    """Features of a graph: carried by it, or else computed; either way differentiable.

    Carried features have exact first derivatives, and mixed ones (forces by the parameters of a
    model on top); their second derivative by positions is not known and counts as zero.

    Raises
    ------
    ValueError
        If the graph was moved since it was described.
    """
    if not isinstance(graph, DescribedGraph) or graph.described_at is None:
        return descriptor(graph)
    vectors = graph.edge_vectors()
    if not torch.equal(vectors.detach(), graph.described_at):
        raise ValueError("the atoms or the cell moved since the graph was described")
    return _Carried.apply(vectors, graph.features, graph.jacobian, graph.centres)


def jacobian_bytes(
    descriptor: Descriptor, graphs: Sequence[AtomicGraph], dtype: torch.dtype
) -> int:
    """Memory that describing all the graphs takes, in bytes, for features of this precision."""
    edges = sum(graph.within(descriptor.cutoff).n_edges for graph in graphs)
    return 3 * edges * descriptor.n_features * dtype.itemsize


class _Carried(torch.autograd.Function):
    """Known features, as a function of the edge vectors they were computed from."""

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, features: Tensor, jacobian: Tensor, centres: Tensor
    ) -> Tensor:
        ctx.save_for_backward(jacobian, centres)
        ctx.dtype = vectors.dtype
        return features.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        jacobian, centres = ctx.saved_tensors
        by_edge = torch.bmm(jacobian, gradient[centres].unsqueeze(2)).squeeze(2)
        return by_edge.to(ctx.dtype), None, None, None


def _features_and_jacobian(
    descriptor: Descriptor, graph: AtomicGraph, vectors: Float[Tensor, "edges 3"]
) -> tuple[Float[Tensor, "atoms features"], Float[Tensor, "edges 3 features"]]:
    """Each edge belongs to one centre, so the sum of a feature over all atoms has as its gradient
    every atom's own derivative. A sweep treats copies of the structure side by side, each with one
    feature of its own to be differentiated."""
    vectors = vectors.to(descriptor.dtype)
    species_index = descriptor.index_of(graph.numbers)
    features = descriptor.evaluate(vectors, graph.centres, graph.neighbours, species_index)
    jacobian = features.new_zeros(*vectors.shape, descriptor.n_features)
    for columns in torch.split(torch.arange(descriptor.n_features), _COPIES):
        copies = torch.arange(len(columns), device=vectors.device)
        atoms_before = (copies * graph.n_atoms).repeat_interleave(graph.n_edges)
        free = vectors.repeat(len(columns), 1).requires_grad_(True)
        with torch.enable_grad():
            of_copies = descriptor.evaluate(
                free,
                graph.centres.repeat(len(columns)) + atoms_before,
                graph.neighbours.repeat(len(columns)) + atoms_before,
                species_index.repeat(len(columns)),
            )
            own = of_copies.unflatten(0, (len(columns), -1))[copies, :, columns].sum()
        if own.requires_grad and graph.n_edges:
            (gradient,) = torch.autograd.grad(own, free)
            jacobian[:, :, columns] = gradient.unflatten(0, (len(columns), -1)).permute(1, 2, 0)
    return features.detach(), jacobian


def _fields(graph: AtomicGraph) -> dict[str, Any]:
    """The plain graph's fields, to build a richer graph from."""
    return {f.name: getattr(graph, f.name) for f in dataclasses.fields(AtomicGraph)}
