"""Descriptors that the compiled core computes, with their first derivatives."""

from abc import abstractmethod

from jaxtyping import Float, Int
from torch import Tensor

from mlip.descriptors.base import Descriptor
from mlip.descriptors.edges import check_edges, check_precision
from mlip.descriptors.pull_back import PullBack
from mlip.ops.compiled_function import CompiledFunction


class CompiledDescriptor(Descriptor):
    """A descriptor whose features are written twice: in torch, where they are differentiable as
    often as one likes, and as a function of the compiled core, which is used wherever it can be.

    A subclass implements `evaluate_in_torch` and `in_the_core`; both give the same.
    """

    #: What there is not of atoms at the same place, in words.
    undefined: str

    @abstractmethod
    def evaluate_in_torch(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        """The features in plain torch: what the compiled core is judged by."""

    @abstractmethod
    def in_the_core(
        self, vectors: Tensor, edges: tuple[Tensor, Tensor, Tensor]
    ) -> CompiledFunction | None:
        """The same features as a function of `inputs`; none where the core is not, or cannot do it.

        Parameters
        ----------
        vectors : as `evaluate` takes them; the function takes vectors like these
        edges : centres, neighbours and species of the atoms
        """

    def inputs(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """What features are differentiated by: edge vectors first, then parameters."""
        return (vectors,)

    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        check_precision(vectors)
        edges = (centres, neighbours, species_index)
        if (function := self.in_the_core(vectors, edges)) is not None:
            return function(*self.inputs(vectors))
        check_edges(vectors, centres, neighbours, self.undefined)
        return self.evaluate_in_torch(vectors, *edges)

    def features_and_pull_back(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "atoms features"], PullBack]:
        check_precision(vectors)
        edges = (centres, neighbours, species_index)
        if (function := self.in_the_core(vectors, edges)) is not None:
            return function.with_pull_back(*self.inputs(vectors))
        return super().features_and_pull_back(vectors, *edges)
