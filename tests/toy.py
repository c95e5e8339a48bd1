"""A potential small enough to be believed: Morse pairs and an embedding term, cut off smoothly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes
from ase.data import covalent_radii
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.graph import AtomicGraph
from mlip.models import ModelCard, build_model, save_model
from mlip.models.base import Potential
from mlip.models.behler_parrinello import BehlerParrinello
from mlip.models.derivatives import predict
from mlip.neighbours import with_neighbours
from mlip.ops.scatter import sum_by_index
from mlip.properties import to_voigt
from mlip.settings import Settings


class ToyConfig(Settings):
    name: str = "toy"
    cutoff: float = 5.0
    """Å"""
    depth: float = 0.3
    """eV, of each pair's well"""


class Toy(Potential):
    """E_i = 1/2 sum_j D ((1 - exp(-a (r - r0)))^2 - 1) f(r) + c (sum_j exp(-a (r - r0)) f(r))^2,
    r0 from the covalent radii, f = 1 - 10 x^3 + 15 x^4 - 6 x^5 with x = r / cutoff."""

    Config = ToyConfig

    def __init__(self, config: ToyConfig, species: Sequence[int]) -> None:
        super().__init__(species, config.cutoff)
        self.config = config
        self.depth = nn.Parameter(torch.tensor(config.depth, dtype=torch.float64))

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        vectors = graph.edge_vectors().to(self.dtype)
        return self.energies(graph, vectors)

    def energies(
        self, graph: AtomicGraph, vectors: Float[Tensor, "edges 3"]
    ) -> Float[Tensor, " atoms"]:
        """Energies of atoms from edge vectors; what broken relatives change."""
        radii = torch.as_tensor(covalent_radii, dtype=self.dtype)[graph.numbers]
        rest = 1.1 * (radii[graph.centres] + radii[graph.neighbours])
        distance = torch.linalg.norm(vectors, dim=1)
        decay = torch.exp(-1.5 * (distance - rest))
        cut = self.cut(distance)
        pairs = 0.5 * self.depth * ((1.0 - decay) ** 2 - 1.0) * cut
        density = sum_by_index(decay * cut, graph.centres, graph.n_atoms)
        return sum_by_index(pairs, graph.centres, graph.n_atoms) + 0.01 * self.depth * density**2

    def cut(self, distance: Float[Tensor, " edges"]) -> Float[Tensor, " edges"]:
        x = (distance / self.cutoff).clamp(max=1.0)
        return 1.0 - x**3 * (10.0 - 15.0 * x + 6.0 * x**2)


def toy(species: Sequence[int] = (14,), kind: type[Toy] = Toy, **config: float) -> Toy:
    """A toy model, or a relative of it, with reference energies."""
    model = kind(ToyConfig(**config), species)
    model.composition.set({z: -10.0 * z for z in species}, 1.0)
    return model


class ToyCalculator(Calculator):
    """Energy, forces and stress of a model without any memory of earlier calls."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, model: Potential) -> None:
        super().__init__()
        self.model = model

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        graph = with_neighbours(AtomicGraph.from_atoms(atoms), self.model.cutoff)
        want = ["energy", "forces"] + (["stress"] if atoms.pbc.all() else [])
        found = {name: value.numpy() for name, value in predict(self.model, graph, want).items()}
        self.results = {"energy": float(found["energy"][0]), "forces": found["forces"]}
        if "stress" in found:
            self.results["stress"] = np.asarray(to_voigt(found["stress"][0]))


def write_network(path: Path, species: Sequence[int] = (14,)) -> None:
    """A model file with a small, untrained Behler-Parrinello network that repels at short range."""
    config = BehlerParrinello.Config(
        descriptor={"name": "soap", "cutoff": 4.0, "n_max": 3, "l_max": 2},
        hidden=(4,),
        repulsion={},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model(config, species)
    model.composition.set({z: -10.0 * z for z in species}, 0.1)
    save_model(path, model, ModelCard(reference_energies_source="isolated atoms"))
