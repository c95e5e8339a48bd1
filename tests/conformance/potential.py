"""What every potential must get right: symmetries, periodicity, derivatives, precision, files."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms

from conformance.predictions import (
    EVERYTHING,
    as_numpy,
    compute,
    energy_force_slope,
    graph_of,
    slope_of,
)
from conformance.structures import (
    ALL_PBC,
    crystal,
    molecule,
    paint,
    rotation,
    small_cell,
    triclinic,
    turned,
)
from mlip.graph import AtomicGraph
from mlip.models import Potential, load_model, predict, save_model
from mlip.neighbours import with_neighbours


class PotentialConformance:
    """Inherit it and give it a model:

        class TestMyModel(PotentialConformance):
            species = (8, 14)

            @pytest.fixture(scope="class")
            @classmethod
            def model(cls):
                torch.manual_seed(0)
                return MyModel(MyModel.Config(...), cls.species)

    The model must be in float64, know all of `species`, and depend on its surroundings (random
    weights do). Tests never change it. Tolerances are relative to the largest force or energy at
    hand and can be widened, with a reason.
    """

    #: Elements of the structures, at least one.
    species: tuple[int, ...] = (8, 14)
    #: Rounding errors in float64: of sums in another order, through features and networks.
    rounding = 1e-9
    #: Error of five-point differences with steps of 1e-4 Å, truncation and rounding together.
    differences = 1e-6
    #: Largest error in float32, in forces and in energies of atoms without references.
    single_precision = 1e-3

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Potential:
        raise NotImplementedError("a suite of tests is inherited, with a fixture `model`")

    # ---------------------------------------------------------------------------------- symmetry

    @pytest.mark.parametrize("reflect", [False, True], ids=["rotation", "reflection"])
    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_turned(self, model: Potential, shape: Callable, reflect: bool) -> None:
        atoms, matrix = shape(self.species), rotation(3, reflect)
        before, after = compute(model, atoms), compute(model, turned(atoms, matrix))
        self.same(after["energies"], before["energies"])
        self.same(after["forces"], before["forces"] @ matrix)
        self.same(after["virial"], matrix.T @ before["virial"] @ matrix)

    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_translated_by_a_thousand_angstrom(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        moved = atoms.copy()
        moved.positions += [1000.0, -1000.0, 777.7]
        # a coordinate of 1000 Å is only known to 1e-13 Å
        self.same_results(compute(model, moved), compute(model, atoms), 1e-8)

    @pytest.mark.parametrize("shape", [molecule, crystal])
    def test_permuted(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        order = np.random.default_rng(0).permutation(len(atoms))
        before, after = compute(model, atoms), compute(model, atoms[order])
        self.same(after["energy"], before["energy"])
        self.same(after["energies"], before["energies"][order])
        self.same(after["forces"], before["forces"][order])
        self.same(after["virial"], before["virial"])

    # ------------------------------------------------------------------------------- periodicity

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_wrapped_or_not(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        jumps = np.random.default_rng(0).integers(-3, 4, size=(len(atoms), 3))
        jumped = atoms.copy()
        jumped.positions += jumps @ np.asarray(atoms.cell)
        self.same_results(compute(model, jumped), compute(model, atoms), 1e-8)

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_supercell(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        one, many = compute(model, atoms), compute(model, atoms.repeat((2, 1, 3)))
        self.same(many["energy"], 6 * one["energy"])
        self.same(many["energies"], np.tile(one["energies"], 6))
        self.same(many["forces"], np.tile(one["forces"], (6, 1)))
        self.same(many["virial"], 6 * one["virial"])

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_another_cell_of_the_same_lattice(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        skewed = atoms.copy()
        skewed.set_cell(np.array([[1, 2, -1], [0, 1, 3], [0, 0, 1]]) @ np.asarray(atoms.cell))
        self.same_results(compute(model, skewed), compute(model, atoms))

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_left_handed_cell(self, model: Potential, shape: Callable) -> None:
        atoms = shape(self.species)
        swapped = atoms.copy()
        swapped.set_cell(np.asarray(atoms.cell)[[1, 0, 2]])
        assert np.linalg.det(swapped.cell) * np.linalg.det(atoms.cell) < 0
        before, after = (compute(model, a, ("stress",))["stress"] for a in (atoms, swapped))
        self.same(after, before)

    @pytest.mark.parametrize("cell", [np.eye(3) * 1e-3, np.eye(3) * 7.0, np.ones((3, 3))])
    def test_molecule_with_a_meaningless_cell(self, model: Potential, cell: np.ndarray) -> None:
        free, boxed = molecule(self.species), molecule(self.species)
        boxed.set_cell(cell)
        self.same_results(compute(model, boxed), compute(model, free))

    def test_slab_has_no_stress(self, model: Potential) -> None:
        with pytest.raises(ValueError, match="three periodic directions"):
            compute(model, triclinic(self.species, (True, True, False)), ("stress",))

    # ------------------------------------------------------------------------------- derivatives

    @pytest.mark.parametrize("pbc", ALL_PBC)
    def test_forces_are_derivatives(self, model: Potential, pbc: tuple) -> None:
        self.check_forces(model, triclinic(self.species, pbc))

    @pytest.mark.parametrize("pbc", ALL_PBC)
    def test_virial_is_a_derivative(self, model: Potential, pbc: tuple) -> None:
        self.check_virial(model, triclinic(self.species, pbc))

    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_derivatives_of_other_shapes(self, model: Potential, shape: Callable) -> None:
        self.check_forces(model, shape(self.species))
        self.check_virial(model, shape(self.species))

    @pytest.mark.parametrize("xs", [(0.0, 2.2), (0.0, 2.2, 4.4), (0.0, 1.9, 4.1, 6.0)])
    def test_collinear(self, model: Potential, xs: Sequence[float]) -> None:
        atoms = paint(Atoms(numbers=np.ones(len(xs)), positions=[(x, 0, 0) for x in xs]),
                      self.species)  # fmt: skip
        self.check_forces(model, atoms)
        self.check_virial(model, atoms)

    def test_stress_sign_and_volume(self, model: Potential) -> None:
        """Stress is dE / dstrain / V: what pulls inwards is positive."""
        atoms = crystal(self.species)
        grown, shrunk = (turned(atoms, np.eye(3) * (1 + e)) for e in (1e-4, -1e-4))
        energies = [compute(model, a, ("energy",))["energy"][0] for a in (grown, shrunk)]
        trace = (energies[0] - energies[1]) / 2e-4 / atoms.get_volume()
        found = np.trace(compute(model, atoms, ("stress",))["stress"][0])
        assert found == pytest.approx(trace, rel=1e-4)  # two-point differences

    def test_smooth_across_the_cutoff(self, model: Potential) -> None:
        """Energy, force and its slope go to zero as an atom leaves another's surroundings."""

        def leaving(distance: float) -> np.ndarray:
            x = [[0, 0, 0], [-1.8, 1.2, 0], [distance, 0, 0]]
            atoms = paint(Atoms(numbers=np.ones(3), positions=x), self.species)
            return energy_force_slope(model, atoms, 2)

        cutoff = model.cutoff
        gone = leaving(cutoff + 1.0)
        assert (gone[1:] == 0).all()
        inside = [np.abs(leaving(cutoff - x) - gone) for x in (0.1, 0.2, 0.3, 0.4, 0.5)]
        usual = np.max(inside, axis=0)
        assert (usual > 0).all(), "the model does not notice the atom at all"
        near = np.abs(leaving(cutoff - 1e-4) - gone)
        # even the slope is of first order: at 1e-4 Å a five thousandth of what it is at 0.5 Å
        assert (near < 0.01 * usual + 1e-11).all(), f"{near} at the cutoff, {usual} inside"

    def test_parameters_can_be_trained_on_forces(self, model: Potential) -> None:
        """Derivatives of forces and virial by the parameters agree with differences."""
        graph = graph_of(model, crystal(self.species))
        random = torch.Generator().manual_seed(0)
        weights = torch.randn(graph.n_atoms, 3, generator=random, dtype=torch.float64)
        parameters = list(model.parameters())
        if not parameters:
            pytest.skip("the model has no parameters that are trained by gradients")
        directions = [
            torch.randn(p.shape, generator=random, dtype=p.dtype) * p.detach().abs().mean()
            for p in parameters
        ]

        def projection(of: Potential, training: bool = False) -> torch.Tensor:
            found = predict(of, graph, ("forces", "virial"), training=training)
            return (found["forces"] * weights).sum() + found["virial"][0, 0, 1]

        def stepped(step: float) -> float:
            other = copy.deepcopy(model)
            with torch.no_grad():
                for parameter, direction in zip(other.parameters(), directions):
                    parameter += step * direction
            return float(projection(other))

        gradients = torch.autograd.grad(projection(model, True), parameters, allow_unused=True)
        slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions) if g is not None)
        assert slope == pytest.approx(slope_of(stepped, 1e-3), rel=1e-6, abs=1e-8)
        assert slope != 0

    def test_last_layer(self, model: Potential) -> None:
        """Learned energies are features times weights, and the weights are nowhere else."""
        graph = graph_of(model, crystal(self.species)).within(model.cutoff)
        index = model.index_of(graph.numbers)
        try:
            weights = model.last_weights()
        except ValueError as reason:
            pytest.skip(str(reason))
        features = model.last_features(graph, index)
        learned = model.interaction(graph, index)
        assert features.shape == (graph.n_atoms, len(weights))
        self.same((features @ weights).detach().numpy(), learned.detach().numpy())
        parameters = list(model.parameters())
        partly, wholly = (
            torch.autograd.grad(energies.square().sum(), parameters, allow_unused=True)
            for energies in (features.detach() @ weights, learned)
        )
        touched = [pair for pair in zip(partly, wholly) if pair[0] is not None and pair[0].any()]
        assert touched
        for one, other in touched:
            self.same(other.numpy(), one.numpy())

    # --------------------------------------------------------------------------- sums and batches

    def test_energies_of_atoms_add_up(self, model: Potential) -> None:
        found = compute(model, crystal(self.species))
        assert found["energies"].shape == (8,)
        self.same(found["energies"].sum(), found["energy"][0])

    def test_forces_add_up_to_zero(self, model: Potential) -> None:
        found = compute(model, crystal(self.species))
        assert np.abs(found["forces"].sum(0)).max() < 1e-12 * max(1, np.abs(found["forces"]).max())

    def test_batch_is_each_alone(self, model: Potential) -> None:
        structures = [
            molecule(self.species),
            Atoms(),
            crystal(self.species),
            paint(Atoms([1]), self.species),
            small_cell(self.species),
            triclinic(self.species, (True, False, True)),
        ]
        graphs = [graph_of(model, atoms) for atoms in structures]
        together = as_numpy(predict(model, AtomicGraph.batch(graphs), EVERYTHING))
        alone = [as_numpy(predict(model, graph, EVERYTHING)) for graph in graphs]
        for name, value in together.items():
            self.same(value, np.concatenate([found[name] for found in alone]))

    def test_more_neighbours_than_needed(self, model: Potential) -> None:
        atoms = crystal(self.species)
        wide = with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff + 1.5)
        self.same_results(as_numpy(predict(model, wide, EVERYTHING)), compute(model, atoms))

    # ----------------------------------------------------------------------------- lonely and bad

    def test_no_atoms(self, model: Potential) -> None:
        found = compute(model, Atoms())
        assert found["energy"].tolist() == [0.0]
        assert found["energies"].shape == (0,)
        assert found["forces"].shape == (0, 3)
        assert not found["virial"].any()

    def test_one_atom(self, model: Potential) -> None:
        for z in self.species:
            found = compute(model, Atoms([z]))
            assert np.isfinite(found["energy"]).all()
            assert not found["forces"].any()
            assert not found["virial"].any()

    def test_one_atom_in_a_large_cell(self, model: Potential) -> None:
        z, length = self.species[0], 3 * model.cutoff
        boxed = Atoms([z], cell=[length] * 3, pbc=True)
        self.same_results(compute(model, boxed), compute(model, Atoms([z])))
        assert not compute(model, boxed, ("stress",))["stress"].any()

    @pytest.mark.parametrize("distance", [50.0, 1e6])
    def test_an_atom_far_away(self, model: Potential, distance: float) -> None:
        """It adds its energy and changes nothing else."""
        near, lonely = molecule(self.species), Atoms([self.species[0]])
        lonely.positions += [0.6 * distance, -0.8 * distance, 0]
        parts, whole = [compute(model, a) for a in (near, lonely)], compute(model, near + lonely)
        for name in ("energies", "forces"):
            self.same(whole[name], np.concatenate([part[name] for part in parts]))
        self.same(whole["energy"], parts[0]["energy"] + parts[1]["energy"])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_positions_that_are_not_finite(self, model: Potential, bad: float) -> None:
        atoms = molecule(self.species)
        atoms.positions[2, 1] = bad
        with pytest.raises(ValueError, match="not finite"):
            compute(model, atoms)

    def test_unknown_element(self, model: Potential) -> None:
        unknown = next(z for z in range(118, 0, -1) if z not in model.species)
        atoms = molecule((*self.species, unknown))
        atoms.numbers[-1] = unknown
        with pytest.raises(ValueError, match="does not know"):
            compute(model, atoms)

    def test_neighbours_that_are_missing_or_too_few(self, model: Potential) -> None:
        graph = AtomicGraph.from_atoms(molecule(self.species))
        with pytest.raises(ValueError, match="no neighbours yet"):
            predict(model, graph)
        with pytest.raises(ValueError, match="are needed"):
            predict(model, with_neighbours(graph, 0.9 * model.cutoff))

    # ----------------------------------------------------------------------- precision and state

    def test_float32_agrees_with_float64(self, model: Potential) -> None:
        single = copy.deepcopy(model).to(torch.float32)
        for atoms in (molecule(self.species), crystal(self.species)):
            low, high = compute(single, atoms), compute(model, atoms)
            forces = np.abs(high["forces"]).max()
            assert np.abs(low["forces"] - high["forces"]).max() < self.single_precision * forces
            energies = np.abs(low["energies"] - high["energies"]).max()
            assert energies < self.single_precision * float(model.composition.scale)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_precision_asked_is_precision_used(self, model: Potential, dtype: torch.dtype) -> None:
        cast = copy.deepcopy(model).to(dtype)
        graph = graph_of(cast, molecule(self.species))
        assert cast.dtype == dtype
        assert {p.dtype for p in cast.parameters()} <= {dtype}
        learned = cast.potentials
        index = cast.index_of(graph.numbers)
        assert {m.interaction(graph, index).dtype for m in learned} == {dtype}
        assert {v.dtype for v in predict(cast, graph, EVERYTHING).values()} == {torch.float64}

    def test_reference_energies_keep_their_digits(self, model: Potential) -> None:
        there_and_back = copy.deepcopy(model).to(torch.float32).to(torch.float64)
        for name, exact in model.composition.state_dict().items():
            assert torch.equal(there_and_back.composition.state_dict()[name], exact)

    def test_training_mode_changes_nothing(self, model: Potential) -> None:
        atoms = crystal(self.species)
        modes = [copy.deepcopy(model).train(mode) for mode in (True, False)]
        one, other = (compute(m, atoms) for m in modes)
        assert all((one[name] == other[name]).all() for name in one)

    def test_inputs_and_global_state_are_left_alone(self, model: Potential) -> None:
        graph = graph_of(model, crystal(self.species))
        positions, state = graph.positions.clone(), torch.get_rng_state()
        weights = {name: w.clone() for name, w in model.state_dict().items()}
        predict(model, graph, EVERYTHING)
        assert torch.equal(graph.positions, positions)
        assert not graph.positions.requires_grad
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_default_dtype() == torch.float32
        assert all(torch.equal(w, weights[name]) for name, w in model.state_dict().items())
        assert all(p.grad is None for p in model.parameters())

    def test_file_gives_back_the_same_bits(self, model: Potential, tmp_path: Path) -> None:
        atoms = crystal(self.species)
        for dtype in (torch.float64, torch.float32):
            saved = copy.deepcopy(model).to(dtype)
            save_model(tmp_path / "model.safetensors", saved)
            loaded = load_model(tmp_path / "model.safetensors")
            assert loaded.dtype == dtype
            before, after = compute(saved, atoms), compute(loaded, atoms)
            assert all((before[name] == after[name]).all() for name in before)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
    def test_gpu_agrees_with_cpu(self, model: Potential) -> None:
        there = copy.deepcopy(model).to("cuda")
        graph = graph_of(model, crystal(self.species))
        found = as_numpy(predict(there, graph.to("cuda"), EVERYTHING))
        self.same_results(found, compute(model, crystal(self.species)))

    # ------------------------------------------------------------------------------- comparisons

    def same(self, found: np.ndarray, expected: np.ndarray, rounding: float | None = None) -> None:
        """Equal up to rounding errors, relative to the largest of the values."""
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=(rounding or self.rounding) * scale
        )

    def same_results(self, found: dict, expected: dict, rounding: float | None = None) -> None:
        for name, value in expected.items():
            self.same(found[name], value, rounding)

    def check_forces(self, model: Potential, atoms: Atoms) -> None:
        """Along random directions, all atoms moving."""
        forces = compute(model, atoms)["forces"]
        for direction in np.random.default_rng(0).normal(size=(3, len(atoms), 3)):

            def energy(step: float, direction: np.ndarray = direction) -> float:
                moved = atoms.copy()
                moved.positions += step * direction
                return compute(model, moved, ("energy",))["energy"][0]

            expected, found = slope_of(energy, 1e-4), -float((forces * direction).sum())
            assert abs(found - expected) < self.differences * max(1.0, np.abs(forces).max())

    def check_virial(self, model: Potential, atoms: Atoms) -> None:
        """For random strains, cell and atoms together."""
        virial = compute(model, atoms)["virial"][0]
        for strain in np.random.default_rng(0).normal(size=(3, 3, 3)):

            def energy(step: float, strain: np.ndarray = strain) -> float:
                strained = turned(atoms, np.eye(3) + step * strain)
                return compute(model, strained, ("energy",))["energy"][0]

            expected, found = slope_of(energy, 1e-4), -float((virial * strain).sum())
            assert abs(found - expected) < self.differences * max(1.0, np.abs(virial).max())
