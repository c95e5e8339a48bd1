"""The model under examination and the structures it is examined on."""

import copy
from collections.abc import Collection, Sequence

import numpy as np
import torch
from ase import Atoms
from ase.data import covalent_radii

from mlip.graph import AtomicGraph
from mlip.models import Potential, evaluate

#: Elements of which pairs are made up; a model of the whole periodic table has thousands.
_MOST_ELEMENTS = 5


class Patient:
    """A model with structures to look at it through.

    Everything but its precision is examined in float64, where a deviation of the mathematics
    stands clear of rounding.

    Parameters
    ----------
    structures : the user's; if there are none, a crystal, a slab and a cluster of the model's
        elements are made up
    seed : of every random choice

    Attributes
    ----------
    model : float64 copy of the model
    own : the model as it was given
    made_up : whether its structures are made up
    small : a cell much smaller than the cutoff, whatever the user's structures are
    elements : atomic numbers that pairs are made of
    """

    def __init__(self, model: Potential, structures: Sequence[Atoms] = (), seed: int = 0) -> None:
        self.own = model
        self.model = copy.deepcopy(model).to(torch.float64).requires_grad_(False)
        self._seed = seed
        self.made_up = not structures
        self.structures = [_bare(atoms) for atoms in structures] or made_up(model, self.rng())
        self.small = small_cell(model, self.rng())
        present = sorted({int(z) for atoms in self.structures for z in atoms.numbers})
        self.elements = present[:_MOST_ELEMENTS]

    def rng(self) -> np.random.Generator:
        """Random numbers of a check: the same for each, so that checks do not depend on others."""
        return np.random.default_rng(self._seed)

    @property
    def repels(self) -> bool:
        """Whether the model, or every member of a committee, has a repulsion of nuclei."""
        return all(member.repulsion is not None for member in self.own.potentials)

    def look(
        self, structures: Sequence[Atoms], want: Collection[str] = ("energy", "forces", "stress")
    ) -> list[dict[str, np.ndarray]]:
        """Predictions of the float64 model, batched; stress is absent where it is not defined."""
        return predictions(self.model, structures, want)

    def energies(self, structures: Sequence[Atoms]) -> np.ndarray:
        """Total energies of structures, eV."""
        return np.array([found["energy"] for found in self.look(structures, ("energy",))])

    def atom_energy(self, number: int) -> float:
        """Energy of one atom alone in space, eV."""
        return float(self.energies([Atoms([number], [[0.0, 0.0, 0.0]])])[0])


def predictions(
    model: Potential, structures: Sequence[Atoms], want: Collection[str]
) -> list[dict[str, np.ndarray]]:
    """Properties of structures by name, eV and Å."""
    return evaluate(model, [AtomicGraph.from_atoms(atoms) for atoms in structures], want)


def made_up(model: Potential, rng: np.random.Generator) -> list[Atoms]:
    """A rattled, sheared crystal of 16 atoms, and the same atoms as slab and as cluster."""
    spacing = neighbour_distance(model) * 2.0 / np.sqrt(3.0)
    corners = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)], float)
    positions = np.concatenate([corners, corners + 0.5]) * spacing
    numbers = np.resize(model.species, len(positions))
    crystal = Atoms(rng.permutation(numbers), positions, cell=np.eye(3) * 2.0 * spacing, pbc=True)
    shear = np.eye(3) + rng.uniform(-0.08, 0.08, (3, 3))
    crystal.set_cell(crystal.cell.array @ shear, scale_atoms=True)
    crystal.positions += rng.normal(scale=0.05 * spacing, size=positions.shape)
    slab, cluster = crystal.copy(), crystal.copy()
    slab.pbc = [True, True, False]
    cluster.pbc = False
    cluster.cell[:] = 0.0
    return [crystal, slab, cluster]


def small_cell(model: Potential, rng: np.random.Generator) -> Atoms:
    """Two atoms in a skewed cell in which each meets many images of both."""
    edge = 1.2 * neighbour_distance(model)
    cell = edge * (np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3)))
    scaled = np.array([[0.1, 0.2, 0.1], [0.55, 0.7, 0.65]])
    return Atoms(np.resize(model.species, 2), scaled @ cell, cell=cell, pbc=True)


def neighbour_distance(model: Potential) -> float:
    """Å: a bond between the largest atoms of the model, but well inside its cutoff."""
    largest = 2.3 * float(max(covalent_radii[z] for z in model.species))
    return min(largest, 0.6 * model.cutoff)


def bond_length(first: int, second: int) -> float:
    """Å, sum of the covalent radii of two elements."""
    return float(covalent_radii[first] + covalent_radii[second])


def _bare(atoms: Atoms) -> Atoms:
    """Only what a potential sees."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
