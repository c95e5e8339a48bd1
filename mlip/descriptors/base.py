"""What every descriptor is: features of each atom's environment within a cutoff."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from ase import Atoms
from jaxtyping import Float
from torch import Tensor, nn

from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours
from mlip.settings import Settings


class Descriptor(nn.Module, ABC):
    """Base of all descriptors: built from a config and the species, ``SOAP(config, species)``.

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

    def __init__(self, species: Sequence[int], cutoff: float, n_features: int) -> None:
        super().__init__()
        self.species = tuple(sorted(set(species)))
        self.cutoff = float(cutoff)
        self.n_features = n_features
        lookup = torch.full((119,), -1, dtype=torch.int64)
        lookup[list(self.species)] = torch.arange(len(self.species))
        self.register_buffer("species_lookup", lookup, persistent=False)

    @abstractmethod
    def forward(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        """Features of every atom of a graph with neighbours, in the descriptor's precision;
        differentiable twice by positions and strain. Invariant to rotation, translation and the
        order of neighbours, and smooth (C2) as neighbours cross the cutoff."""

    @torch.no_grad()
    def create(self, atoms: Atoms) -> np.ndarray:
        """Features of one structure as numpy array (atoms, features)."""
        graph = with_neighbours(AtomicGraph.from_atoms(atoms), self.cutoff)
        return self(graph).numpy()
