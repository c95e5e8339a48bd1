"""A graph that carries features which were just computed from it, for whoever needs them next."""

import dataclasses
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.descriptors.pull_back import PullBack
from mlip.graph import AtomicGraph

#: What features depend on.
_OF_FEATURES = frozenset(
    {"numbers", "positions", "cell", "pbc", "structure", "edges", "shifts", "vectors"}
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeaturedGraph(AtomicGraph):
    """A graph with its features, which are variables of their own as its edge vectors are.

    Attributes
    ----------
    features : [A, F] in the descriptor's precision
    species_index : [A] which of the descriptor's species each atom is
    descriptor : what they were computed by
    pull_back : brings derivatives by the features to edge vectors, in the descriptor's precision;
        None where nothing is to be differentiated
    """

    features: Float[Tensor, "atoms features"]
    species_index: Int[Tensor, " atoms"]
    descriptor: Descriptor
    pull_back: PullBack | None = None

    @classmethod
    def of(
        cls, graph: AtomicGraph, species_index: Int[Tensor, " atoms"], descriptor: Descriptor
    ) -> "FeaturedGraph":
        """A graph with neighbours within the descriptor's cutoff and its features; with a way back
        from them unless gradients are disabled."""
        vectors = graph.edge_vectors().detach().to(descriptor.dtype)
        described = (vectors, graph.centres, graph.neighbours, species_index)
        pull_back = None
        if torch.is_grad_enabled():
            features, pull_back = descriptor.features_and_pull_back(*described)
            features.requires_grad_()
        else:
            features = descriptor.evaluate(*described)
        return cls(
            **graph.plain_fields(),
            features=features,
            species_index=species_index,
            descriptor=descriptor,
            pull_back=pull_back,
        )

    def replace(self, **changes: Any) -> AtomicGraph:
        """A copy with some fields exchanged; without features, if they depend on one of these."""
        if _OF_FEATURES.isdisjoint(changes):
            return super().replace(**changes)
        return AtomicGraph(**self.plain_fields()).replace(**changes)
