"""Descriptors made of Behler's functions: a list of terms for each element at the centre."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip import kernels
from mlip.descriptors.behler_functions import CutoffSettings
from mlip.descriptors.compiled import CompiledDescriptor
from mlip.descriptors.fused_symmetry_functions import FusedSymmetryFunctions
from mlip.descriptors.symmetry_sums import CLOSEST
from mlip.descriptors.term_sums import Edges, Term, TermSums
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.cutoffs import CUTOFF_FUNCTIONS, from_inside


class BehlerDescriptor(CompiledDescriptor):
    """Feature c of an atom is the c-th term of its element's list; beyond its list it is zero.

    Parameters
    ----------
    lists : terms for each species in the order of atomic numbers, or one list for all
    """

    undefined = "symmetry functions are not defined"
    config: CutoffSettings

    def __init__(
        self, config: CutoffSettings, species: Sequence[int], lists: Sequence[Sequence[Term]]
    ) -> None:
        super().__init__(species, config.cutoff, max(len(terms) for terms in lists))
        self.config = config
        self.lists = [tuple(terms) for terms in lists]
        function = from_inside(CUTOFF_FUNCTIONS[config.cutoff_function], config.cutoff_start)
        self.fused = FusedSymmetryFunctions(self.lists, self.species, config)
        self.sums = nn.ModuleList(TermSums(terms, self.species, function) for terms in self.lists)

    @property
    def feature_counts(self) -> tuple[int, ...]:
        if len(self.lists) == 1:
            return super().feature_counts
        return tuple(max(1, len(terms)) for terms in self.lists)

    def in_the_core(
        self, vectors: Tensor, edges: tuple[Tensor, Tensor, Tensor]
    ) -> CompiledFunction | None:
        if not kernels.runs_on(vectors.device):
            return None
        return self.fused.function(*edges, self.evaluate_in_torch)

    def evaluate_in_torch(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        distances = torch.linalg.vector_norm(vectors, dim=1)
        _check_apart(distances, centres, neighbours)
        edges = Edges(
            vectors, distances, centres, species_index[neighbours], n_atoms=len(species_index)
        )
        if len(self.sums) == 1:
            return self.sums[0](edges)  # type: ignore[no-any-return]
        features = vectors.new_zeros(len(species_index), self.n_features)
        for species, sums in enumerate(self.sums):
            found = sums(edges.of(species_index[centres] == species))
            features = features + nn.functional.pad(found, (0, self.n_features - found.shape[1]))
        return features


def _check_apart(distances: Tensor, centres: Tensor, neighbours: Tensor) -> None:
    close = torch.nonzero(distances.detach() < CLOSEST).flatten()
    if len(close):
        one, other = int(centres[close[0]]), int(neighbours[close[0]])
        raise ValueError(
            f"atoms {one} and {other} are less than {CLOSEST} Å apart: symmetry functions need "
            "directions between atoms; look for atoms that are there twice"
        )
