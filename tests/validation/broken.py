"""Relatives of the toy potential, each broken in one way."""

import torch
from toy import Toy

from mlip.graph import AtomicGraph
from mlip.ops.scatter import sum_by_index


class DetachedForces(Toy):
    """A part of the energy that the forces do not know."""

    def energies(self, graph, vectors):
        return super().energies(graph, vectors) + 0.1 * super().energies(graph, vectors.detach())


class DetachedCell(Toy):
    """The cell is left out of the derivative by strain."""

    def interaction(self, graph, species_index):
        return super().interaction(graph.replace(cell=graph.cell.detach()), species_index)


class HardCutoff(Toy):
    def cut(self, distance):
        return torch.ones_like(distance)


class LinearCutoff(Toy):
    def cut(self, distance):
        return 1.0 - distance / self.cutoff


class CosineCutoff(Toy):
    def cut(self, distance):
        return 0.5 * (1.0 + torch.cos(torch.pi * distance / self.cutoff))


class Crooked(Toy):
    """Stiffer along x than along y."""

    def energies(self, graph, vectors):
        return super().energies(graph, vectors * vectors.new_tensor([1.02, 1.0, 1.0]))


class Chiral(Toy):
    """Knows left from right: a triple product of three sums of vectors."""

    def energies(self, graph, vectors):
        distance = torch.linalg.norm(vectors, dim=1)
        sums = [
            sum_by_index(
                vectors * (torch.exp(-distance / width) * self.cut(distance))[:, None],
                graph.centres,
                graph.n_atoms,
            )
            for width in (0.7, 1.5, 3.0)
        ]
        triple = torch.linalg.det(torch.stack(sums, dim=1))
        return super().energies(graph, vectors) + 0.1 * triple


class FirstIsSpecial(Toy):
    """The first atom of each structure counts more."""

    def energies(self, graph, vectors):
        first = torch.ones(graph.n_atoms, dtype=torch.bool)
        first[1:] = graph.structure[1:] != graph.structure[:-1]
        return super().energies(graph, vectors) * torch.where(first, 1.01, 1.0)


class NoOwnImages(Toy):
    """Forgets that an atom in a small cell is its own neighbour."""

    def interaction(self, graph, species_index):
        return super().interaction(_keep(graph, graph.centres != graph.neighbours), species_index)


class NearImagesOnly(Toy):
    """Looks no farther than into the next cells, whatever is needed."""

    def interaction(self, graph, species_index):
        near = (graph._edges_and_shifts()[1].abs() <= 1).all(dim=1)
        return super().interaction(_keep(graph, near), species_index)


class FloatPositions(Toy):
    """Differences of positions are taken in float32."""

    def interaction(self, graph, species_index):
        rounded = graph.replace(positions=graph.positions.float().double())
        return super().interaction(rounded, species_index)


class FloatVectors(Toy):
    """Computes in float32, whatever is asked."""

    def energies(self, graph, vectors):
        return super().energies(graph, vectors.float().to(vectors.dtype))


class Cancelling(Toy):
    """Large numbers that cancel: fine in float64 only."""

    def energies(self, graph, vectors):
        energies = super().energies(graph, vectors)
        return (energies + 1e7) - 1e7


class CrowdDependent(Toy):
    """Other structures of the batch are felt."""

    def energies(self, graph, vectors):
        return super().energies(graph, vectors) * (1.0 + 0.01 * (graph.n_structures > 1))


class SizeDependent(Toy):
    """Atoms feel how many atoms there are in all."""

    def energies(self, graph, vectors):
        counts = graph.atom_counts[graph.structure].to(vectors.dtype)
        return super().energies(graph, vectors) + 0.01 * counts


class Noisy(Toy):
    """Never the same twice, by a little; `Noisier` by much."""

    size = 1e-11

    def energies(self, graph, vectors):
        noise = 1.0 + self.size * torch.randn((), dtype=vectors.dtype)
        return super().energies(graph, vectors) * noise


class Noisier(Noisy):
    size = 0.1


class CellReader(Toy):
    """Reads cell vectors that mean nothing."""

    def energies(self, graph, vectors):
        vectors_of_open = torch.where(graph.pbc[:, :, None], 0.0, graph.cell)
        felt = (vectors_of_open**2).sum(dim=(1, 2))
        return super().energies(graph, vectors) + 0.01 * felt[graph.structure]


class Hole(Toy):
    """A deep hole at half a bond, behind a wall of some eV."""

    depth_of_hole = 60.0

    def energies(self, graph, vectors):
        distance = torch.linalg.norm(vectors, dim=1)
        dip = (
            -self.depth_of_hole * torch.exp(-(((distance - 1.0) / 0.15) ** 2)) * self.cut(distance)
        )
        return super().energies(graph, vectors) + sum_by_index(dip, graph.centres, graph.n_atoms)


class Attractive(Toy):
    """No repulsion at all."""

    def energies(self, graph, vectors):
        distance = torch.linalg.norm(vectors, dim=1)
        pull = -torch.exp(-distance) * self.cut(distance)
        return sum_by_index(pull, graph.centres, graph.n_atoms)


class Absent(Toy):
    """NaN for dense structures."""

    def energies(self, graph, vectors):
        energies = super().energies(graph, vectors)
        neighbours = torch.bincount(graph.centres, minlength=graph.n_atoms)
        return torch.where(neighbours > 3, torch.nan, energies)


class Explosive(Toy):
    """Cannot do slabs."""

    def interaction(self, graph: AtomicGraph, species_index):
        if bool((graph.pbc.sum(dim=1) == 2).any()):
            raise RuntimeError("slabs are not for me")
        return super().interaction(graph, species_index)


def _keep(graph: AtomicGraph, chosen: torch.Tensor) -> AtomicGraph:
    edges, shifts = graph._edges_and_shifts()
    return graph.replace(edges=edges[:, chosen], shifts=shifts[chosen])
