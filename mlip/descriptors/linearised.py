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
from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.graph import AtomicGraph
from mlip.settings import Settings

#: Å; edge vectors of a structure in a batch differ from those of the structure alone by less.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """What features depend on besides the graph: a descriptor as it was when they were made."""

    kind: type[Descriptor]
    settings: Settings | None
    species: tuple[int, ...]
    dtype: torch.dtype
    parameters: tuple[Tensor, ...]

    @classmethod
    def of(cls, descriptor: Descriptor) -> "Origin":
        """A descriptor as it is now."""
        return cls(
            type(descriptor),
            getattr(descriptor, "config", None),
            descriptor.species,
            descriptor.dtype,
            tuple(p.detach().to("cpu", copy=True) for p in descriptor.parameters()),
        )

    def is_same(self, other: "Origin") -> bool:
        """Whether both give the same features of a graph."""
        fixed = ("kind", "settings", "species", "dtype")
        return all(getattr(self, name) == getattr(other, name) for name in fixed) and all(
            map(torch.equal, self.parameters, other.parameters)
        )


@dataclasses.dataclass(frozen=True)
class DescribedGraph(AtomicGraph):
    """A graph that carries its features and their derivatives, at its present geometry.

    Attributes
    ----------
    origin : what the features are of
    features : [A, F]
    jacobian : [E, 3, F] derivative of the centre's features by the edge vector, per Å
    described_at : [E, 3] Å, the edge vectors of that geometry
    described_as : [A] the atomic numbers then
    """

    origin: Origin | None = None
    features: Float[Tensor, "atoms features"] | None = None
    jacobian: Float[Tensor, "edges 3 features"] | None = None
    described_at: Float[Tensor, "edges 3"] | None = None
    described_as: Int[Tensor, " atoms"] | None = None

    @classmethod
    def batch(cls, graphs: Sequence[AtomicGraph]) -> "DescribedGraph":
        """Several described graphs as one; a ValueError if they are so by different descriptors."""
        origins = [graph.origin for graph in graphs if isinstance(graph, DescribedGraph)]
        if not all(one and origins[0] and one.is_same(origins[0]) for one in origins):
            raise ValueError("graphs with features of different descriptors cannot be one batch")
        named = ("features", "jacobian", "described_at", "described_as")
        carried: dict[str, Any] = {n: torch.cat([getattr(g, n) for g in graphs]) for n in named}
        return cls(**AtomicGraph.batch(graphs).plain_fields(), origin=origins[0], **carried)


def describe(descriptor: Descriptor, graph: AtomicGraph) -> DescribedGraph:
    """The graph with its features and their Jacobian, in the descriptor's precision."""
    graph = graph.within(descriptor.cutoff)
    vectors = graph.edge_vectors().detach()
    features, jacobian = descriptor.features_and_jacobian(
        vectors.to(descriptor.dtype),
        graph.centres,
        graph.neighbours,
        descriptor.index_of(graph.numbers),
    )
    return DescribedGraph(
        **graph.plain_fields(),
        origin=Origin.of(descriptor),
        features=features,
        jacobian=jacobian,
        described_at=vectors,
        described_as=graph.numbers,
    )


def features_of(
    descriptor: Descriptor, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
) -> Float[Tensor, "atoms features"]:
    """Features of a graph: carried by it, or else computed; either way differentiable.

    Carried features have exact first derivatives, and mixed ones (forces by the parameters of a
    model on top); their second derivative by positions is not known and counts as zero.

    Parameters
    ----------
    graph : with neighbours within the descriptor's cutoff
    species_index : which of the descriptor's species each atom is

    Raises
    ------
    ValueError
        If atoms moved or are of another element since the graph was described, or it was so by
        another descriptor.
    """
    vectors = graph.edge_vectors()
    if not isinstance(graph, DescribedGraph) or graph.described_at is None:
        edges = (graph.centres, graph.neighbours, species_index)
        return descriptor.evaluate(vectors.to(descriptor.dtype), *edges)
    if graph.origin is None or not graph.origin.is_same(Origin.of(descriptor)):
        raise ValueError(
            "the graph carries features of another descriptor, or of this one with other "
            "parameters: prepare it again, with this model"
        )
    if vectors.numel() and float((vectors.detach() - graph.described_at).abs().max()) > _ROUNDING:
        raise ValueError("the atoms or the cell moved since the graph was described")
    if graph.described_as is None or not torch.equal(graph.numbers, graph.described_as):
        raise ValueError("the elements changed since the graph was described")
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
