"""Potentials that learn from the fixed features of a descriptor."""

from abc import abstractmethod
from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.descriptors.base import Descriptor
from mlip.descriptors.linearised import describe, features_of, jacobian_bytes
from mlip.graph import AtomicGraph
from mlip.models.base import Potential


class DescriptorPotential(Potential):
    """Energies of atoms as a regression on the features of their environments.

    Because the features are not learned, members of a committee that use equal descriptors share
    one evaluation of them.
    """

    def __init__(
        self, species: Sequence[int], descriptor: Descriptor, repulsion: nn.Module | None = None
    ) -> None:
        super().__init__(species, descriptor.cutoff, repulsion)
        self.descriptor = descriptor

    @abstractmethod
    def regress(
        self, features: Float[Tensor, "atoms features"], species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        """Learned energies of atoms, in units of the scale, from their features."""

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        return features_of(self.descriptor, graph.within(self.cutoff)).to(self.dtype)

    def preparation_bytes(self, graphs: Sequence[AtomicGraph]) -> int:
        return jacobian_bytes(self.descriptor, graphs, self.dtype)

    def prepare(self, graph: AtomicGraph) -> AtomicGraph:
        return describe(self.descriptor, graph)

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        return self.regress(self.features(graph), species_index)
