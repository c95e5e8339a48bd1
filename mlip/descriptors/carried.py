"""A graph that carries features which were just computed from it, for whoever needs them next."""

import dataclasses

from jaxtyping import Float
from torch import Tensor, nn

from mlip.graph import AtomicGraph


@dataclasses.dataclass(frozen=True)
class FeaturedGraph(AtomicGraph):
    """A graph with its features, part of the same graph of operations as its positions.

    Attributes
    ----------
    features : [A, F]
    descriptor : what they were computed by
    """

    features: Float[Tensor, "atoms features"] | None = None
    descriptor: nn.Module | None = None

    @classmethod
    def of(
        cls,
        graph: AtomicGraph,
        features: Float[Tensor, "atoms features"],
        descriptor: nn.Module,
    ) -> "FeaturedGraph":
        """A plain graph with features."""
        return cls(**graph.plain_fields(), features=features, descriptor=descriptor)
