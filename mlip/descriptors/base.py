"""What every descriptor is: features of each atom's environment within a cutoff."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from ase import Atoms
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.descriptors.jacobian import features_and_jacobian_by_sweeps
from mlip.descriptors.pull_back import PullBack, features_and_pull_back_by_autograd
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours
from mlip.settings import Settings


class Descriptor(nn.Module, ABC):
    """Base of all descriptors: built from a config and the species, ``SOAP(config, species)``.

    A subclass implements `evaluate` and `feature_names`. It works in float64 until it is cast,
    ``descriptor.float()``; tables that it registers as buffers keep float64 whatever it is cast to,
    and are cast where they are used.

    Attributes
    ----------
    Config : the settings of the descriptor, documented field by field
    cutoff : Å
    species : atomic numbers it distinguishes, sorted
    n_features : length of the feature vector of an atom
    """

    Config: ClassVar[type[Settings]]
    config: Settings
    species_lookup: Tensor
    precision: Tensor

    def __init_subclass__(cls, **rest: Any) -> None:
        """Shorter ways to derivatives are those of the features they were written for."""
        super().__init_subclass__(**rest)
        if "evaluate" in vars(cls):
            for name in ("features_and_pull_back", "features_and_jacobian"):
                if name not in vars(cls):
                    setattr(cls, name, getattr(Descriptor, name))

    def __init__(self, species: Sequence[int], cutoff: float, n_features: int) -> None:
        super().__init__()
        if not species:
            raise ValueError("a descriptor needs at least one species")
        self.species = tuple(sorted(set(species)))
        self.cutoff = float(cutoff)
        self.n_features = n_features
        lookup = torch.full((119,), -1, dtype=torch.int64)
        lookup[list(self.species)] = torch.arange(len(self.species))
        self.register_buffer("species_lookup", lookup, persistent=False)
        self.register_buffer("precision", torch.empty(0, dtype=torch.float64), persistent=False)

    @classmethod
    def build(cls, config: Any, species: Sequence[int]) -> "Descriptor":
        """A descriptor from its config."""
        return cls(config, species)  # type: ignore[arg-type,call-arg]  # as concrete ones have it

    def forward(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        """Features of every atom of a graph with neighbours, in the descriptor's precision;
        differentiable twice by positions and strain. Invariant to rotation, translation and the
        order of neighbours, and smooth (C2) as neighbours cross the cutoff.

        Raises
        ------
        ValueError
            If an element is unknown to the descriptor, or neighbours are missing or incomplete.
        """
        graph = graph.within(self.cutoff)
        species_index = self.index_of(graph.numbers)
        vectors = graph.edge_vectors().to(self.dtype)
        return self.evaluate(vectors, graph.centres, graph.neighbours, species_index)

    @abstractmethod
    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        """Features from edge vectors (Å), the atoms at both ends, with `centres` non-decreasing,
        and which of `self.species` each atom is."""

    def features_and_pull_back(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "atoms features"], PullBack]:
        """Features without graph of operations, and the function that makes dE/d(edge vectors) of
        dE/d(features), by the same rule as autograd does. A descriptor that knows a shorter way
        overrides it."""
        return features_and_pull_back_by_autograd(
            self.evaluate, vectors, centres, neighbours, species_index
        )

    def features_and_jacobian(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "atoms features"], Float[Tensor, "edges 3 features"]]:
        """Features, and the derivative of the features of each edge's centre by the edge vector,
        both without graph of operations. A descriptor that knows a shorter way overrides it."""
        return features_and_jacobian_by_sweeps(
            self.evaluate, vectors, centres, neighbours, species_index
        )

    @property
    def feature_counts(self) -> tuple[int, ...]:
        """How many features atoms of each species have; beyond them the vector is zero."""
        return (self.n_features,) * len(self.species)

    @abstractmethod
    def feature_names(self) -> list[str]:
        """What each feature is, in order."""

    @torch.no_grad()
    def create(self, atoms: Atoms) -> np.ndarray:
        """Features of one structure as numpy array (atoms, features).

        Raises
        ------
        ValueError
            As `forward` does, or if two atoms are in the same place, where features have no limit.
        """
        graph = with_neighbours(AtomicGraph.from_atoms(atoms), self.cutoff)
        closest = graph.closest_pair()
        apart = closest is None or closest[2] > 0.0
        features = self(graph.to(self.precision.device)).cpu().numpy() if apart else np.empty(0)
        if closest is not None and not (apart and np.isfinite(features).all()):
            i, j, distance = closest
            raise ValueError(
                f"atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) are {distance:.3g} Å "
                "apart: there are no features of atoms in the same place; remove one of them"
            )
        return features

    def index_of(self, numbers: Int[Tensor, " atoms"]) -> Int[Tensor, " atoms"]:
        """Which of `self.species` each atomic number is; an error names unknown elements."""
        index = self.species_lookup[numbers]
        if bool((index < 0).any()):
            unknown = sorted(set(numbers[index < 0].tolist()))
            raise ValueError(
                f"the descriptor does not know {_symbols(unknown)}; "
                f"it was built for {_symbols(self.species)}"
            )
        return index

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the features."""
        return self.precision.dtype

    def _apply(self, fn: Any, recurse: bool = True) -> "Descriptor":
        tables = {
            (module, name): buffer
            for module in self.modules()
            for name, buffer in module.named_buffers(recurse=False)
            if name != "precision" and buffer.dtype == torch.float64
        }
        super()._apply(fn, recurse)
        for (module, name), table in tables.items():
            module._buffers[name] = table.to(self.precision.device)
        return self


def _symbols(numbers: Sequence[int]) -> str:
    return ", ".join(chemical_symbols[z] for z in numbers)
