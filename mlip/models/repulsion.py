"""The screened repulsion of nuclei at short distances, where no training data reach.

J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Solids (Pergamon,
1985):

    V(r) = e^2 / (4 pi eps_0) * Z_i Z_j / r * phi(r / a),    a = 0.8854 a_0 / (Z_i^0.23 + Z_j^0.23)
    phi(x) = 0.18175 exp(-3.1998 x) + 0.50986 exp(-0.94229 x)
           + 0.28022 exp(-0.4029 x) + 0.02817 exp(-0.20162 x)

switched to zero well before the distances of chemical bonds, which are the learned part's.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from ase.data import chemical_symbols, covalent_radii
from ase.units import Bohr, Hartree
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.exact import ExactModule
from mlip.ops.scatter import sum_by_index
from mlip.settings import Settings

_PHI = ((0.18175, 3.1998), (0.50986, 0.94229), (0.28022, 0.4029), (0.02817, 0.20162))

#: Curium, where the table of covalent radii ends.
_LAST_RADIUS = 96


class ZBL(ExactModule):
    """Pair energies of Ziegler, Biersack and Littmark, half of each given to either atom.

    Between two radii, per pair of elements fractions of the sum of their covalent radii
    (B. Cordero et al., Dalton Trans. 2832 (2008)), the energy goes to zero with two continuous
    derivatives; it is full below the inner and exactly zero beyond the outer one. No outer radius
    exceeds the cutoff of the model: where it would, both radii shrink together.

    Parameters
    ----------
    species : atomic numbers of the model
    cutoff : Å, of the model

    Raises
    ------
    ValueError
        If an element has no covalent radius in the tables.
    """

    class Config(Settings):
        """Short-range repulsion of nuclei."""

        name: Literal["zbl"] = "zbl"
        inner: float = Field(default=0.4, gt=0, allow_inf_nan=False)
        """Below this fraction of the sum of two covalent radii the repulsion is full."""
        outer: float = Field(default=0.75, gt=0, allow_inf_nan=False)
        """Beyond this fraction there is none."""

        @model_validator(mode="after")
        def _ordered(self) -> "ZBL.Config":
            if self.inner >= self.outer:
                raise ValueError(f"inner ({self.inner}) must be below outer ({self.outer})")
            return self

    radii: Tensor

    def __init__(self, config: "ZBL.Config", species: Sequence[int], cutoff: float) -> None:
        super().__init__()
        without = [chemical_symbols[z] for z in species if z > _LAST_RADIUS]
        if without:
            raise ValueError(f"no covalent radius is known for {', '.join(without)}: no ZBL")
        self.config = config
        self.cutoff = float(cutoff)
        radii = torch.tensor(covalent_radii[:119], dtype=torch.float64)
        self.register_buffer("radii", radii, persistent=False)

    def forward(self, graph: AtomicGraph) -> Float[Tensor, " atoms"]:
        """Repulsion energies of atoms, eV, float64; `graph` has edges within the cutoff."""
        vectors = graph.edge_vectors()
        first, second = graph.numbers[graph.centres], graph.numbers[graph.neighbours]
        inner, outer = self._switching_radii(first, second)
        near = torch.linalg.norm(vectors.detach(), dim=1) < outer  # few edges, or none
        distances = torch.linalg.norm(vectors[near], dim=1)
        pairs = screened_repulsion(distances, first[near], second[near])
        pairs = pairs * switch(distances, inner[near], outer[near])
        return 0.5 * sum_by_index(pairs, graph.centres[near], graph.n_atoms)

    def _switching_radii(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        bond = self.radii[first] + self.radii[second]
        bond = torch.clamp(bond, max=self.cutoff / self.config.outer)
        return self.config.inner * bond, self.config.outer * bond


def screened_repulsion(
    distances: Float[Tensor, " pairs"],
    first: Int[Tensor, " pairs"],
    second: Int[Tensor, " pairs"],
) -> Float[Tensor, " pairs"]:
    """Energies in eV of pairs of nuclei with given atomic numbers, distances in Å."""
    z_i, z_j = first.to(distances.dtype), second.to(distances.dtype)
    x = distances * (z_i**0.23 + z_j**0.23) / (0.8854 * Bohr)
    phi = sum((c * torch.exp(-d * x) for c, d in _PHI), torch.zeros_like(x))
    return Hartree * Bohr * z_i * z_j / distances * phi


def switch(
    distances: Float[Tensor, " pairs"],
    inner: Float[Tensor, " pairs"],
    outer: Float[Tensor, " pairs"],
) -> Float[Tensor, " pairs"]:
    """One below `inner`, zero beyond `outer`, in between the polynomial of lowest degree whose
    first two derivatives vanish at both ends."""
    t = torch.clamp((distances - inner) / (outer - inner), 0.0, 1.0)
    return 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t**2)
