"""Potentials that learn from the features of a descriptor."""

from abc import abstractmethod
from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.descriptors.base import Descriptor
from mlip.descriptors.carried import FeaturedGraph
from mlip.descriptors.linearised import DescribedGraph, describe, features_of, jacobian_bytes
from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.feature_range import FeatureRange


class DescriptorPotential(Potential):
    """Energies of atoms as a regression on the features of their environments.

    Members of a committee that use equal descriptors, of which nothing is learned, share one
    evaluation of them. A model that knows the range of its features in the training data counts
    those outside it.
    """

    def __init__(
        self, species: Sequence[int], descriptor: Descriptor, repulsion: nn.Module | None = None
    ) -> None:
        super().__init__(species, descriptor.cutoff, repulsion)
        self.descriptor = descriptor
        self.feature_range = FeatureRange(len(self.species), descriptor.n_features)

    @abstractmethod
    def regress(
        self, features: Float[Tensor, "atoms features"], species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        """Learned energies of atoms, in units of the scale, from their features."""

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        if isinstance(graph, FeaturedGraph) and graph.descriptor is self.descriptor:
            return graph.features.to(self.dtype)
        near, index = graph.within(self.cutoff), self.index_of(graph.numbers)
        return features_of(self.descriptor, near, index).to(self.dtype)

    def species_index(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:
        if isinstance(graph, FeaturedGraph) and graph.descriptor is self.descriptor:
            return graph.species_index
        return super().species_index(graph)

    @property
    def knows_its_range(self) -> bool:
        return self.feature_range.known

    def with_features(self, graph: AtomicGraph) -> AtomicGraph:
        if isinstance(graph, DescribedGraph):  # which carries them already
            return graph
        near = graph.within(self.cutoff)
        return FeaturedGraph.of(near, self.index_of(graph.numbers), self.descriptor)

    def extrapolations(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:
        if not self.knows_its_range:
            return super().extrapolations(graph)
        return self.feature_range.outside(self.features(graph), self.species_index(graph))

    def preparation_bytes(self, graphs: Sequence[AtomicGraph]) -> int:
        return jacobian_bytes(self.descriptor, graphs, self.dtype) if self.fixed_features else 0

    def prepare(self, graph: AtomicGraph) -> AtomicGraph:
        return describe(self.descriptor, graph) if self.fixed_features else graph

    @property
    def fixed_features(self) -> bool:
        """Whether nothing of the descriptor is learned, such as the channels of SOAP."""
        return not any(p.requires_grad for p in self.descriptor.parameters())

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        return self.regress(self.features(graph), species_index)
