"""What every descriptor must get right: symmetry, periodicity, limits, smoothness, derivatives."""

import copy
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from ase import Atoms
from torch import Tensor

from conformance.structures import (
    ALL_PBC,
    alone,
    crystal,
    molecule,
    paint,
    rotation,
    small_cell,
    triclinic,
    turned,
)
from mlip.descriptors import Descriptor
from mlip.descriptors.pull_back import features_and_pull_back_by_autograd
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours


class DescriptorConformance:
    """Inherit it and give it a descriptor:

        class TestMyDescriptor(DescriptorConformance):
            species = (8, 14)

            @pytest.fixture(scope="class")
            @classmethod
            def descriptor(cls):
                return MyDescriptor(MyDescriptor.Config(...), cls.species)

    The descriptor must be in float64 and know all of `species`. Tests never change it. Tolerances
    are relative to the largest feature at hand and can be widened, with a reason.
    """

    #: Elements of the structures, at least two, of which gold is none.
    species: tuple[int, ...] = (8, 14)
    #: Rounding errors in float64, of sums in another order.
    rounding = 1e-11
    #: The same where a coordinate of 1000 Å is known to 1e-13 Å only.
    rounding_far_away = 1e-9
    #: Largest error in float32.
    single_precision = 3e-5
    #: Whether features are twice differentiable as neighbours cross the cutoff.
    smooth = True

    @pytest.fixture(scope="class")
    @classmethod
    def descriptor(cls) -> Descriptor:
        raise NotImplementedError("a suite of tests is inherited, with a fixture `descriptor`")

    # ---------------------------------------------------------------------------------- symmetry

    @pytest.mark.parametrize("reflect", [False, True], ids=["rotation", "reflection"])
    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_turned(self, descriptor: Descriptor, shape: Callable, reflect: bool) -> None:
        atoms = shape(self.species)
        self.same(descriptor.create(turned(atoms, rotation(3, reflect))), descriptor.create(atoms))

    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_translated_by_a_thousand_angstrom(
        self, descriptor: Descriptor, shape: Callable
    ) -> None:
        atoms = shape(self.species)
        moved = atoms.copy()
        moved.positions += [1000.0, -1000.0, 777.7]
        self.same(descriptor.create(moved), descriptor.create(atoms), self.rounding_far_away)

    @pytest.mark.parametrize("shape", [molecule, crystal])
    def test_permuted(self, descriptor: Descriptor, shape: Callable) -> None:
        atoms = shape(self.species)
        order = np.random.default_rng(0).permutation(len(atoms))
        self.same(descriptor.create(atoms[order]), descriptor.create(atoms)[order])

    def test_order_of_neighbours(self, descriptor: Descriptor) -> None:
        graph = connected(descriptor, crystal(self.species))
        generator = torch.Generator().manual_seed(0)
        shuffled = torch.randperm(graph.n_edges, generator=generator)
        order = shuffled[torch.argsort(graph.centres[shuffled], stable=True)]
        assert not torch.equal(order, torch.arange(graph.n_edges))
        mixed = graph.replace(edges=graph.edges[:, order], shifts=graph.shifts[order])
        self.same(descriptor(mixed), descriptor(graph))

    # ------------------------------------------------------------------------------- periodicity

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_wrapped_or_many_cells_away(self, descriptor: Descriptor, shape: Callable) -> None:
        atoms = shape(self.species)
        jumps = np.random.default_rng(0).integers(-5, 6, size=(len(atoms), 3))
        jumped, wrapped = atoms.copy(), atoms.copy()
        jumped.positions += jumps @ np.asarray(atoms.cell)
        wrapped.wrap()
        self.same(descriptor.create(jumped), descriptor.create(atoms))
        self.same(descriptor.create(wrapped), descriptor.create(atoms))

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_supercell(self, descriptor: Descriptor, shape: Callable) -> None:
        atoms = shape(self.species)
        expected = np.tile(descriptor.create(atoms), (6, 1))
        self.same(descriptor.create(atoms.repeat((2, 1, 3))), expected)

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_other_vectors_of_the_same_lattice(
        self, descriptor: Descriptor, shape: Callable
    ) -> None:
        atoms = shape(self.species)
        skewed = atoms.copy()
        skewed.set_cell(np.array([[1, 2, -1], [0, 1, 3], [0, 0, 1]]) @ np.asarray(atoms.cell))
        self.same(descriptor.create(skewed), descriptor.create(atoms))

    def test_left_handed_cell(self, descriptor: Descriptor) -> None:
        atoms = small_cell(self.species)
        swapped = atoms.copy()
        swapped.set_cell(np.asarray(atoms.cell)[[1, 0, 2]])
        assert np.linalg.det(swapped.cell) * np.linalg.det(atoms.cell) < 0
        self.same(descriptor.create(swapped), descriptor.create(atoms))

    @pytest.mark.parametrize("pbc", ALL_PBC)
    def test_periodic_directions_against_a_cluster(
        self, descriptor: Descriptor, pbc: tuple[bool, bool, bool]
    ) -> None:
        atoms = triclinic(self.species, pbc)
        expected = descriptor.create(cluster(atoms, descriptor.cutoff))[: len(atoms)]
        self.same(descriptor.create(atoms), expected)

    def test_cell_smaller_than_the_cutoff(self, descriptor: Descriptor) -> None:
        atoms = small_cell(self.species)
        assert np.linalg.norm(np.asarray(atoms.cell), axis=1).max() < descriptor.cutoff
        expected = descriptor.create(cluster(atoms, descriptor.cutoff))[: len(atoms)]
        self.same(descriptor.create(atoms), expected)

    @pytest.mark.parametrize("cell", [np.eye(3) * 1e-3, np.eye(3) * 7.0, np.ones((3, 3))])
    def test_molecule_with_a_meaningless_cell(
        self, descriptor: Descriptor, cell: np.ndarray
    ) -> None:
        free, boxed = molecule(self.species), molecule(self.species)
        boxed.set_cell(cell)
        self.same(descriptor.create(boxed), descriptor.create(free))

    # ------------------------------------------------------------------------------------ limits

    def test_isolated_atoms(self, descriptor: Descriptor) -> None:
        for number in self.species:
            features = descriptor.create(Atoms(numbers=[number]))
            assert features.shape == (1, descriptor.n_features)
            assert np.isfinite(features).all()

    def test_atoms_out_of_reach_are_isolated(self, descriptor: Descriptor) -> None:
        apart = [[0, 0, 0], [1.001 * descriptor.cutoff, 0, 0], [0, 1e6, 0]]
        atoms = paint(Atoms(numbers=np.ones(3), positions=apart), self.species)
        alone = [descriptor.create(Atoms(numbers=[number])) for number in atoms.numbers]
        self.same(descriptor.create(atoms), np.concatenate(alone), 0.0)
        graph = connected(descriptor, atoms)
        positions = graph.positions.clone().requires_grad_()
        features = descriptor(graph.replace(positions=positions))
        if features.requires_grad:
            (gradient,) = torch.autograd.grad(features.sum(), positions)
            assert torch.equal(gradient, torch.zeros_like(gradient))

    def test_one_neighbour(self, descriptor: Descriptor) -> None:
        pair = paint(Atoms(numbers=[1, 1], positions=[[0, 0, 0], [0, 0, 1.5]]), self.species)
        features = descriptor.create(pair)
        assert np.isfinite(features).all()
        self.same(descriptor.create(turned(pair, rotation(1))), features)

    def test_far_away_atom(self, descriptor: Descriptor) -> None:
        near = molecule(self.species)
        both = near + Atoms(numbers=[self.species[0]], positions=[[1e6, 0, 0]])
        self.same(descriptor.create(both)[:-1], descriptor.create(near))

    def test_no_atoms(self, descriptor: Descriptor) -> None:
        for pbc in (False, True):
            empty = Atoms(cell=np.eye(3) * 4, pbc=pbc)
            assert descriptor.create(empty).shape == (0, descriptor.n_features)

    def test_batch_is_each_alone(self, descriptor: Descriptor) -> None:
        structures = [shape(self.species) for shape in (crystal, molecule, small_cell)]
        structures[1:1] = [Atoms(numbers=self.species[:1]), Atoms()]
        structures += [triclinic(self.species, (True, False, True))]
        graphs = [connected(descriptor, atoms) for atoms in structures]
        expected = torch.cat([descriptor(graph) for graph in graphs])
        self.same(descriptor(AtomicGraph.batch(graphs)), expected)

    def test_crowded_atom_among_lonely_ones(self, descriptor: Descriptor) -> None:
        crowd = np.random.default_rng(0).normal(size=(40, 3))
        crowd *= 0.9 * descriptor.cutoff / np.linalg.norm(crowd, axis=1, keepdims=True)
        lonely = np.arange(1, 30)[:, None] * [3 * descriptor.cutoff, 0, 0]
        positions = np.concatenate([np.zeros((1, 3)), crowd, lonely])
        atoms = paint(Atoms(numbers=np.ones(len(positions)), positions=positions), self.species)
        together = descriptor.create(atoms)
        self.same(together[:41], descriptor.create(atoms[:41]))
        self.same(together[-1:], descriptor.create(atoms[-1:]))

    @pytest.mark.parametrize("angle", [0.0, 180.0])
    def test_collinear(self, descriptor: Descriptor, angle: float) -> None:
        line = np.array([[0, 0, 0], [0, 0, 1.3], [0, 0, 2.7 * math.cos(math.radians(angle))]])
        atoms = paint(Atoms(numbers=np.ones(3), positions=line), self.species)
        self.same(descriptor.create(turned(atoms, rotation(5))), descriptor.create(atoms))
        first, second = self.derivatives(descriptor, atoms)
        assert torch.isfinite(first).all()
        assert torch.isfinite(second).all()
        # bending either way is the same: no force across the line
        np.testing.assert_allclose(first[:, :2], 0, atol=self.rounding * float(first.abs().max()))

    def test_sees_distances_angles_and_species(self, descriptor: Descriptor) -> None:
        atoms = molecule(self.species)
        before = descriptor.create(atoms)[0]
        farther, bent, other = atoms.copy(), atoms.copy(), atoms.copy()
        farther.positions[1] *= 1.05
        bent.positions[1] = bent.positions[1] @ rotation(2)
        other.numbers[1] = next(z for z in self.species if z != other.numbers[1])
        for changed in (farther, bent, other):
            after = descriptor.create(changed)[0]
            assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()

    # -------------------------------------------------------------------------------- smoothness

    def test_smooth_across_the_cutoff(self, descriptor: Descriptor) -> None:
        """Value, slope and curvature of all features along the way of a neighbour out of sight."""
        if not self.smooth:
            pytest.skip("not meant to be smooth")
        inside = path_derivatives(descriptor, self.species, 0.7 * descriptor.cutoff)
        edge = path_derivatives(descriptor, self.species, descriptor.cutoff * (1 - 1e-6))
        beyond = path_derivatives(descriptor, self.species, descriptor.cutoff * (1 + 1e-6))
        for order, allowed in enumerate((1e-12, 1e-9, 1e-4)):
            scale = (inside[order] - beyond[order]).abs().max()
            jump = (edge[order] - beyond[order]).abs().max()
            assert jump <= allowed * scale, f"derivative {order} jumps by {jump / scale:.1e}"

    def test_slopes_are_those_of_the_values(self, descriptor: Descriptor) -> None:
        """First and second derivative along that way, just inside, against differences."""
        place, step = 0.98 * descriptor.cutoff, 1e-4
        _, slope, curvature = path_derivatives(descriptor, self.species, place)
        before, middle, after = (
            path_derivatives(descriptor, self.species, place + k * step)[:2] for k in (-1, 0, 1)
        )
        scale = (path_derivatives(descriptor, self.species, 0.7 * place)[0] - middle[0]).abs().max()
        difference = (after[0] - before[0]) / (2 * step)
        second_difference = (after[1] - before[1]) / (2 * step)
        assert (difference - slope).abs().max() < 1e-6 * scale
        assert (second_difference - curvature).abs().max() < 1e-5 * scale

    # ------------------------------------------------------------------------------- derivatives

    @pytest.mark.parametrize("shape", [molecule, small_cell])
    def test_first_and_second_derivatives(self, descriptor: Descriptor, shape: Callable) -> None:
        """By positions and strain, against differences, for a few combinations of features."""
        graph = connected(descriptor, shape(self.species))
        mix = self.mixtures(descriptor, graph)

        def mixed(positions: Tensor, strain: Tensor) -> Tensor:
            return descriptor(graph.replace(positions=positions).strained(strain)) @ mix

        positions = graph.positions.clone().requires_grad_()
        strain = torch.zeros_like(graph.cell).requires_grad_()
        assert torch.autograd.gradcheck(mixed, (positions, strain))
        assert torch.autograd.gradgradcheck(mixed, (positions, strain), atol=1e-4, fast_mode=True)

    @pytest.mark.parametrize("shape", [molecule, small_cell])
    def test_jacobian(self, descriptor: Descriptor, shape: Callable) -> None:
        """The features' derivatives by edge vectors are those that forces are made of."""
        graph = connected(descriptor, shape(self.species))
        mix = self.mixtures(descriptor, graph)[:, 0]
        edges = (graph.centres, graph.neighbours, descriptor.index_of(graph.numbers))
        vectors = graph.edge_vectors().requires_grad_()
        (expected,) = torch.autograd.grad(
            (descriptor.evaluate(vectors, *edges) @ mix).sum(), vectors
        )
        features, jacobian = descriptor.features_and_jacobian(vectors.detach(), *edges)
        self.same(features, descriptor(graph))
        self.same(jacobian @ mix, expected)

    @pytest.mark.parametrize("shape", [molecule, small_cell, alone])
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    def test_pull_back(self, descriptor: Descriptor, shape: Callable, dtype: torch.dtype) -> None:
        """It is what autograd does, as often as it is asked."""
        graph = connected(descriptor, shape(self.species))
        edges = (graph.centres, graph.neighbours, descriptor.index_of(graph.numbers))
        vectors, cast = graph.edge_vectors().to(dtype), copy.deepcopy(descriptor).to(dtype)
        features, pull_back = cast.features_and_pull_back(vectors, *edges)
        expected, by_autograd = features_and_pull_back_by_autograd(cast.evaluate, vectors, *edges)
        tolerance = self.rounding if dtype == torch.float64 else self.single_precision
        assert not features.requires_grad
        self.same(features, expected, tolerance)
        for mix in self.mixtures(descriptor, graph).T.to(dtype):
            by_features = mix.expand_as(features)
            found = pull_back(by_features)
            assert found.shape == vectors.shape
            assert found.dtype == dtype
            self.same(found, by_autograd(by_features), tolerance)

    def test_translation_changes_nothing(self, descriptor: Descriptor) -> None:
        first, _ = self.derivatives(descriptor, crystal(self.species))
        scale = float(first.abs().max())
        np.testing.assert_allclose(first.sum(dim=0), 0, atol=10 * self.rounding * scale)

    # --------------------------------------------------------------------------------- precision

    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_float32(self, descriptor: Descriptor, shape: Callable) -> None:
        atoms = shape(self.species)
        single = copy.deepcopy(descriptor).float()
        assert single.dtype == torch.float32
        features = single.create(atoms)
        assert features.dtype == np.float32
        self.same(features, descriptor.create(atoms), self.single_precision)

    def test_nothing_is_lost_in_float32_and_back(self, descriptor: Descriptor) -> None:
        atoms = molecule(self.species)
        back = copy.deepcopy(descriptor).float().double()
        np.testing.assert_array_equal(back.create(atoms), descriptor.create(atoms))

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_gpu(self, descriptor: Descriptor, shape: Callable) -> None:
        atoms = shape(self.species)
        on_gpu = copy.deepcopy(descriptor).to("cuda")
        graph = connected(descriptor, atoms).to("cuda")
        assert on_gpu(graph).device.type == "cuda"
        self.same(on_gpu(graph).cpu(), descriptor.create(atoms))
        self.same(on_gpu.create(atoms), descriptor.create(atoms))

    # -------------------------------------------------------------------------------------- form

    def test_unknown_element(self, descriptor: Descriptor) -> None:
        gold = molecule(self.species)
        gold.numbers[2] = 79
        with pytest.raises(ValueError, match="does not know Au"):
            descriptor.create(gold)

    def test_atoms_in_the_same_place(self, descriptor: Descriptor) -> None:
        atoms = crystal(self.species)
        twin = atoms[[1]]
        twin.positions += atoms.cell[0]
        with pytest.raises(ValueError, match=rf"atoms 1 \(.* and {len(atoms)} \(.*same place"):
            descriptor.create(atoms + twin)

    def test_neighbours_must_be_complete(self, descriptor: Descriptor) -> None:
        graph = AtomicGraph.from_atoms(molecule(self.species))
        with pytest.raises(ValueError, match="no neighbours yet"):
            descriptor(graph)
        with pytest.raises(ValueError, match="needed"):
            descriptor(with_neighbours(graph, 0.9 * descriptor.cutoff))

    def test_more_neighbours_than_needed(self, descriptor: Descriptor) -> None:
        graph = AtomicGraph.from_atoms(crystal(self.species))
        wide = with_neighbours(graph, 1.2 * descriptor.cutoff)
        self.same(descriptor(wide), descriptor(with_neighbours(graph, descriptor.cutoff)))

    def test_features_have_names(self, descriptor: Descriptor) -> None:
        names = descriptor.feature_names()
        assert len(names) == descriptor.n_features
        assert len(set(names)) == len(names)

    def test_config_can_be_written_and_read(self, descriptor: Descriptor) -> None:
        kind = type(descriptor.config)
        assert kind.model_validate(descriptor.config.model_dump(mode="json")) == descriptor.config
        again = type(descriptor).build(descriptor.config, self.species)
        atoms = molecule(self.species)
        np.testing.assert_array_equal(again.create(atoms), descriptor.create(atoms))

    # ------------------------------------------------------------------------------------- tools

    def same(
        self,
        found: np.ndarray | Tensor,
        expected: np.ndarray | Tensor,
        tolerance: float | None = None,
    ) -> None:
        """Equal to rounding, relative to the largest feature."""
        found, expected = np.asarray(found), np.asarray(expected)
        scale = np.abs(expected).max(initial=1e-300)
        tolerance = self.rounding if tolerance is None else tolerance
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)

    def mixtures(self, descriptor: Descriptor, graph: AtomicGraph) -> Tensor:
        """Random combinations [features, 2] of features, each of order one."""
        generator = torch.Generator().manual_seed(0)
        scale = descriptor(graph).abs().amax(dim=0).clamp(min=1e-6)
        weights = torch.randn(descriptor.n_features, 2, generator=generator, dtype=torch.float64)
        return weights / scale[:, None] / math.sqrt(descriptor.n_features)

    def derivatives(self, descriptor: Descriptor, atoms: Atoms) -> tuple[Tensor, Tensor]:
        """First derivatives by positions of a mixture of all features, and those of their sum of
        squares."""
        graph = connected(descriptor, atoms)
        positions = graph.positions.clone().requires_grad_()
        mix = self.mixtures(descriptor, graph)[:, 0]
        mixed = (descriptor(graph.replace(positions=positions)) @ mix).sum()
        (first,) = torch.autograd.grad(mixed, positions, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), positions)
        return first.detach(), second


def connected(descriptor: Descriptor, atoms: Atoms) -> AtomicGraph:
    """The graph of one structure, with the neighbours a descriptor needs."""
    return with_neighbours(AtomicGraph.from_atoms(atoms), descriptor.cutoff)


def cluster(atoms: Atoms, cutoff: float) -> Atoms:
    """Atoms and all their images within reach of them as atoms of their own, without any cell; the
    originals come first."""
    cell = np.asarray(atoms.cell)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(atoms.get_scaled_positions(wrap=False), axis=0)
    reach = [
        math.ceil(cutoff / height + extent) if periodic else 0
        for height, extent, periodic in zip(heights, spread, atoms.pbc)
    ]
    images = itertools.product(*(range(-n, n + 1) for n in reach))
    shifts = sorted(images, key=lambda image: image != (0, 0, 0))
    positions = np.concatenate([atoms.positions + np.array(shift) @ cell for shift in shifts])
    return Atoms(numbers=np.tile(atoms.numbers, len(shifts)), positions=positions)


def path_derivatives(
    descriptor: Descriptor, species: tuple[int, ...], distance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Features of all atoms of a molecule, and their first and second derivative by the distance
    between its first atom and one that leaves it."""
    atoms = molecule(species) + Atoms(numbers=[species[-1]], positions=[[0, 0, 0]])
    direction = torch.tensor([-0.6, -0.64, -0.48], dtype=torch.float64)
    graph = AtomicGraph.from_atoms(atoms)

    def positions(r: Tensor) -> Tensor:
        return torch.cat([graph.positions[:-1], graph.positions[:1] + r * direction])

    start = torch.tensor([distance], dtype=torch.float64)
    found = with_neighbours(graph.replace(positions=positions(start)), descriptor.cutoff)

    def features(r: Tensor) -> Tensor:
        return descriptor(found.replace(positions=positions(r)))[0]

    # forward derivatives by one number, as products with ones that are differentiated in turn
    r = start.requires_grad_()
    values = features(r)
    ones = torch.zeros_like(values).requires_grad_()
    (by_r,) = torch.autograd.grad(values, r, ones, create_graph=True)
    (slope,) = torch.autograd.grad(by_r, ones, create_graph=True)
    (by_r,) = torch.autograd.grad(slope, r, ones, create_graph=True, allow_unused=True)
    (curvature,) = torch.autograd.grad(by_r, ones)
    return values.detach(), slope.detach(), curvature.detach()
