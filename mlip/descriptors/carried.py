"""A graph that carries features which were just computed from it, for whoever needs them next."""

import dataclasses

from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.graph import AtomicGraph


@dataclasses.dataclass(frozen=True)
class FeaturedGraph(AtomicGraph):
    """A graph with its features, part of the same graph of operations as its positions.

    Attributes
    ----------
    features : [A, F]
    species_index : [A] which of the descriptor's species each atom is
    descriptor : what they were computed by
    """

    features: Float[Tensor, "atoms features"] | None = None
    species_index: Int[Tensor, " atoms"] | None = None
    descriptor: nn.Module | None = None

    @classmethod
    def of(
        cls,
        graph: AtomicGraph,
        features: Float[Tensor, "atoms features"],
        species_index: Int[Tensor, " atoms"],
        descriptor: nn.Module,
    ) -> "FeaturedGraph":
        """A plain graph with features."""
        return cls(
            **graph.plain_fields(),
            features=features,
            species_index=species_index,
            descriptor=descriptor,
        )
