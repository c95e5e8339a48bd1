"""What every ASE calculator must get right: derivatives, keys and shapes, caching, good manners."""

import copy
import io
import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import read, write

from conformance.structures import ALL_PBC, crystal, molecule, small_cell, triclinic


class CalculatorConformance:
    """Inherit it and give it a calculator:

        class TestMyCalculator(CalculatorConformance):
            species = (8, 14)

            @pytest.fixture
            def calculator(self):
                return MyCalculator(...)

    The calculator knows the elements of `species`, in float64, and gives energy, free_energy,
    energies, forces and stress; others can be left out of `properties`.
    """

    species: tuple[int, ...] = (8, 14)
    properties: tuple[str, ...] = ("energy", "free_energy", "energies", "forces", "stress")

    @pytest.fixture
    def calculator(self) -> Calculator:
        raise NotImplementedError("a suite of tests is inherited, with a fixture `calculator`")

    @pytest.fixture
    def calls(self, calculator: Calculator, monkeypatch: pytest.MonkeyPatch) -> Iterator[list]:
        """What was asked of ``calculate`` so far."""
        asked, calculate = [], calculator.calculate

        def counted(atoms=None, properties=None, system_changes=None):
            asked.append(tuple(properties))
            calculate(atoms, properties, system_changes)

        monkeypatch.setattr(calculator, "calculate", counted)
        return asked

    # ------------------------------------------------------------------------------- derivatives

    @pytest.mark.parametrize("shape", [molecule, crystal, small_cell])
    def test_forces(self, calculator: Calculator, shape) -> None:
        atoms = shape(self.species)
        atoms.calc = calculator
        atoms.rattle(0.03, seed=0)
        forces = atoms.get_forces()
        expected = calculate_numerical_forces(atoms, eps=1e-4, iatoms=[0, 1])
        assert forces.shape == (len(atoms), 3)
        np.testing.assert_allclose(forces[:2], expected, atol=1e-5 * max(1, np.abs(forces).max()))

    @pytest.mark.parametrize("shape", [crystal, small_cell])
    def test_stress(self, calculator: Calculator, shape) -> None:
        atoms = shape(self.species)
        atoms.calc = calculator
        stress = atoms.get_stress()
        expected = calculate_numerical_stress(atoms, eps=1e-5)
        assert stress.shape == (6,)
        np.testing.assert_allclose(stress, expected, atol=1e-5 * max(1, np.abs(stress).max()))

    @pytest.mark.parametrize("pbc", [pbc for pbc in ALL_PBC if not all(pbc)])
    def test_no_stress_without_a_volume(self, calculator: Calculator, pbc: tuple) -> None:
        atoms = triclinic(self.species, pbc)
        atoms.calc = calculator
        with pytest.raises(PropertyNotImplementedError, match="three periodic directions"):
            atoms.get_stress()
        assert np.isfinite(atoms.get_potential_energy())
        assert np.isfinite(atoms.get_forces()).all()
        assert calculator.get_property("stress", atoms, allow_calculation=False) is None

    # ----------------------------------------------------------------------------------- results

    def test_keys_and_shapes(self, calculator: Calculator) -> None:
        atoms = crystal(self.species)
        shapes = {"energy": (), "free_energy": (), "energies": (8,), "forces": (8, 3),
                  "stress": (6,)}  # fmt: skip
        for name in self.properties:
            assert name in calculator.implemented_properties
            value = calculator.get_property(name, atoms)
            assert np.shape(value) == shapes[name]
            assert np.asarray(value).dtype == np.float64
        assert isinstance(calculator.results["energy"], float)

    def test_energies_are_of_atoms(self, calculator: Calculator) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        energy = atoms.get_potential_energy()
        assert atoms.get_potential_energies().sum() == pytest.approx(energy, rel=1e-12)
        assert atoms.get_potential_energy(force_consistent=True) == energy

    def test_unknown_property(self, calculator: Calculator) -> None:
        with pytest.raises(PropertyNotImplementedError):
            calculator.get_property("dipole", molecule(self.species))

    def test_extxyz_carries_the_results(self, calculator: Calculator) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        expected = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        text = io.StringIO()
        write(text, atoms, format="extxyz")
        text.seek(0)
        again = read(text, format="extxyz")
        found = again.get_potential_energy(), again.get_forces(), again.get_stress()
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)  # eight digits in the file

    # ----------------------------------------------------------------------------------- caching

    def test_nothing_is_computed_twice(self, calculator: Calculator, calls: list) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        atoms.get_forces()
        assert len(calls) == 1
        atoms.get_potential_energy()
        atoms.get_forces()
        atoms.get_potential_energies()
        atoms.get_stress()
        atoms.get_stress(voigt=False)
        assert len(calls) == 1, calls

    def test_what_cannot_matter_is_ignored(self, calculator: Calculator, calls: list) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        atoms.get_forces()
        atoms.set_initial_magnetic_moments([1.0] * len(atoms))
        atoms.set_velocities(np.ones((len(atoms), 3)))
        atoms.info["note"] = "nothing"
        atoms.get_forces()
        assert len(calls) == 1

    def test_every_change_is_noticed(self, calculator: Calculator, calls: list) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        energies = [atoms.get_potential_energy()]
        atoms.positions[0, 0] += 1e-3
        energies.append(atoms.get_potential_energy())
        atoms.set_cell(np.asarray(atoms.cell) * 1.001)
        energies.append(atoms.get_potential_energy())
        atoms.pbc = (True, True, False)
        energies.append(atoms.get_potential_energy())
        del atoms[-1]
        energies.append(atoms.get_potential_energy())
        assert len(calls) == 5
        assert len(set(energies)) == 5

    def test_results_of_earlier_atoms_do_not_linger(self, calculator: Calculator) -> None:
        solid, free = crystal(self.species), molecule(self.species)
        solid.calc = calculator
        solid.get_stress()
        calculator.calculate(free, ["energy"])
        assert "stress" not in calculator.results
        assert "forces" not in calculator.results

    def test_one_calculator_for_several_atoms(self, calculator: Calculator) -> None:
        one, other = crystal(self.species), molecule(self.species)
        one.calc = other.calc = calculator
        first = one.get_forces()
        assert other.get_forces().shape == (5, 3)
        np.testing.assert_array_equal(one.get_forces(), first)

    # ----------------------------------------------------------------------------------- manners

    @pytest.mark.parametrize("shape", [molecule, crystal])
    def test_atoms_are_left_alone(self, calculator: Calculator, shape) -> None:
        atoms = shape(self.species)
        atoms.positions += 100.0  # nothing is wrapped or centred either
        before = atoms.copy()
        atoms.calc = calculator
        atoms.get_forces()
        assert atoms == before
        assert atoms.arrays.keys() == before.arrays.keys()
        assert atoms.info == before.info

    def test_results_cannot_be_spoiled(self, calculator: Calculator) -> None:
        atoms = crystal(self.species)
        atoms.calc = calculator
        forces = atoms.get_forces()
        expected = forces.copy()
        forces[:] = 0
        np.testing.assert_array_equal(atoms.get_forces(), expected)

    @pytest.mark.parametrize(
        "clone", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
    )
    def test_copies_compute_the_same(self, calculator: Calculator, clone) -> None:
        atoms, again = crystal(self.species), crystal(self.species)
        atoms.calc, again.calc = calculator, clone(calculator)
        np.testing.assert_array_equal(again.get_forces(), atoms.get_forces())
        again.positions[0] += 0.1
        assert again.get_potential_energy() != atoms.get_potential_energy()

    def test_no_atoms_and_one_atom(self, calculator: Calculator) -> None:
        assert calculator.get_property("energy", Atoms()) == 0.0
        one = Atoms([self.species[0]])
        assert not calculator.get_property("forces", one).any()
