"""Small labelled structures, and a model small enough to train on them in a second."""

from collections.abc import Sequence

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from jaxtyping import Float, Int
from torch import Tensor, nn
from toy import toy

from mlip.data import Frame, GraphDataset
from mlip.graph import AtomicGraph
from mlip.models import Potential, predict
from mlip.neighbours import with_neighbours
from mlip.ops.scatter import sum_by_index
from mlip.properties import to_voigt
from mlip.settings import Settings

CUTOFF = 4.0


class SmallConfig(Settings):
    name: str = "small"
    dropout: float = 0.0


class Small(Potential):
    """A network on six radial sums: has all that training must handle, and nothing more."""

    Config = SmallConfig

    def __init__(self, config: SmallConfig, species: Sequence[int]) -> None:
        super().__init__(species, CUTOFF)
        self.config = config
        self.register_buffer("centres", torch.linspace(1.5, 3.5, 6, dtype=torch.float64))
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(6, 8), nn.Tanh(), nn.Dropout(config.dropout), nn.Linear(8, 1)
            ).double()
            for _ in self.species
        )

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        distance = torch.linalg.norm(graph.edge_vectors(), dim=1).to(self.dtype)
        x = distance / CUTOFF
        cut = 1 - 10 * x**3 + 15 * x**4 - 6 * x**5
        bumps = torch.exp(-2.0 * (distance[:, None] - self.centres) ** 2) * cut[:, None]
        sums = sum_by_index(bumps, graph.centres, graph.n_atoms)
        every = torch.stack([network(sums)[:, 0] for network in self.networks])
        return every[species_index, torch.arange(graph.n_atoms)]


def small(species: Sequence[int] = (14,), seed: int = 0, dropout: float = 0.0) -> Small:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Small(SmallConfig(dropout=dropout), species)
    model.composition.set({z: -10.0 * z for z in species}, 1.0)
    return model


def crystal(random: np.random.Generator) -> Atoms:
    atoms = bulk("Si", "diamond", 5.43 * random.uniform(0.96, 1.04), cubic=random.random() < 0.5)
    atoms.rattle(0.1, rng=random)
    return atoms


def labelled(atoms: Atoms, source: str, config_type: str = "default") -> Frame:
    """A structure with the labels of the toy potential; stress where there is a volume."""
    names = ["energy", "forces"] + (["stress"] if atoms.pbc.all() else [])
    model = toy(tuple(sorted(set(atoms.numbers.tolist()))), cutoff=CUTOFF)
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), CUTOFF)
    found = {name: value.numpy() for name, value in predict(model, graph, names).items()}
    labels = {"energy": np.asarray(found["energy"][0]), "forces": found["forces"]}
    if "stress" in found:
        labels["stress"] = found["stress"][0]
    return Frame(atoms, labels, config_type, source)


def crystals(count: int, seed: int = 0) -> list[Frame]:
    random = np.random.default_rng(seed)
    return [labelled(crystal(random), f"crystal.xyz#{i}", "crystal") for i in range(count)]


def molecules(count: int, seed: int = 0) -> list[Frame]:
    random = np.random.default_rng(seed)
    frames = []
    for i in range(count):
        atoms = molecule("Si2H6")
        atoms.rattle(0.05, rng=random)
        frames.append(labelled(atoms, f"molecule.xyz#{i}", "molecule"))
    return frames


def graphs(frames: Sequence[Frame]) -> GraphDataset:
    return GraphDataset(frames, CUTOFF)


def with_results(frame: Frame) -> Atoms:
    """As read from a file: labels as results of a calculator."""
    atoms = frame.atoms.copy()
    results = {"energy": float(frame.labels["energy"]), "forces": frame.labels["forces"]}
    if "stress" in frame.labels:
        results["stress"] = to_voigt(frame.labels["stress"])
    atoms.calc = SinglePointCalculator(atoms, **results)
    atoms.info["config_type"] = frame.config_type
    return atoms


def isolated(symbol: str, energy: float) -> Atoms:
    atoms = Atoms(symbol, cell=[20.0] * 3, pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.zeros((1, 3)))
    return atoms
