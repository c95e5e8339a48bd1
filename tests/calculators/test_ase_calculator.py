"""The ASE calculator: the suite for calculators, and what is its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule as build_molecule
from ase.calculators.calculator import PropertyNotImplementedError
from conformance.calculator import CalculatorConformance
from conformance.predictions import compute, graph_of
from conformance.structures import crystal, molecule
from toy import Toy, toy

from mlip.calculators import MLIPCalculator
from mlip.models import BehlerParrinello, Committee, save_model


class TestSingleModel(CalculatorConformance):
    @pytest.fixture
    def calculator(self) -> MLIPCalculator:
        return MLIPCalculator(toy(self.species))


class TestCommittee(CalculatorConformance):
    @pytest.fixture
    def calculator(self) -> MLIPCalculator:
        return MLIPCalculator(Committee([toy(self.species, depth=d) for d in (0.3, 0.4)]))

    def test_uncertainties(self, calculator: MLIPCalculator) -> None:
        atoms = crystal(self.species)
        energy = calculator.get_property("energy_uncertainty", atoms)
        forces = calculator.get_property("forces_uncertainty", atoms)
        assert isinstance(energy, float)
        assert energy > 0
        assert forces.shape == (8,)
        assert (forces > 0).all()
        atoms.positions[0] += 0.1
        assert (calculator.get_property("forces_uncertainty", atoms) != forces).any()

    def test_results_keep_what_ase_can_name(self, calculator: MLIPCalculator) -> None:
        atoms = crystal(self.species)
        calculator.get_property("forces_uncertainty", atoms)
        exported = set(calculator.export_properties())
        assert exported >= {"energy", "forces", "stress"}
        assert not any("uncertainty" in name for name in exported)


@pytest.mark.filterwarnings("ignore:the model extrapolates")
class TestModelFile(CalculatorConformance):
    """Behler-Parrinello networks, as users have them: by the name of a file."""

    @pytest.fixture(scope="class")
    @classmethod
    def path(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("model") / "model.safetensors"
        save_model(path, silica(cls.species))
        return path

    @pytest.fixture
    def calculator(self, path: Path) -> MLIPCalculator:
        return MLIPCalculator(path)


def silica(species: tuple[int, ...]) -> BehlerParrinello:
    """Untrained networks with repulsion."""
    torch.manual_seed(0)
    descriptor = {"name": "soap", "cutoff": 4.5, "n_max": 3, "l_max": 2}
    content = {"descriptor": descriptor, "hidden": [8], "repulsion": {}}
    model = BehlerParrinello(BehlerParrinello.Config.model_validate(content), species)
    model.adapt([graph_of(model, shape(species)) for shape in (molecule, crystal)])
    return model


def test_an_energy_alone_needs_no_derivatives() -> None:
    atoms = crystal((8, 14))
    calculator = MLIPCalculator(toy((8, 14)))
    calculator.get_property("energy", atoms)
    assert "forces" not in calculator.results


def test_a_single_model_has_no_uncertainty() -> None:
    with pytest.raises(PropertyNotImplementedError):
        MLIPCalculator(toy((14,))).get_property("energy_uncertainty", crystal((14,)))


def test_the_model_given_is_copied() -> None:
    model = toy((14,))
    calculator = MLIPCalculator(model, dtype="float32")
    assert model.dtype == torch.float64
    assert all(p.requires_grad for p in model.parameters())
    before = calculator.get_property("energy", crystal((14,)))
    with torch.no_grad():
        model.depth.fill_(7.0)
    calculator.reset()
    assert calculator.get_property("energy", crystal((14,))) == before


def test_inside_inference_mode() -> None:
    calculator, expected = MLIPCalculator(toy((14,))), MLIPCalculator(toy((14,)))
    with torch.inference_mode():
        forces = calculator.get_property("forces", crystal((14,)))
    assert np.array_equal(forces, expected.get_property("forces", crystal((14,))))


@pytest.mark.parametrize("dtype", ["float32", torch.float32])
def test_precision(dtype: str | torch.dtype) -> None:
    single, double = MLIPCalculator(toy((14,)), dtype=dtype), MLIPCalculator(toy((14,)))
    assert single.model.dtype == torch.float32
    forces = [c.get_property("forces", crystal((14,))) for c in (single, double)]
    assert 0 < np.abs(forces[0] - forces[1]).max() < 1e-4


@pytest.mark.parametrize("dtype", ["float16", torch.bfloat16, "double"])
def test_no_other_precision(dtype: str | torch.dtype) -> None:
    with pytest.raises(ValueError, match="float32 or float64"):
        MLIPCalculator(toy((14,)), dtype=dtype)


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(ValueError, match="cannot be used"):
        MLIPCalculator(toy((14,)), device=device)


def test_unknown_element() -> None:
    atoms = build_molecule("H2O")
    atoms.calc = MLIPCalculator(toy((8, 14)))
    with pytest.raises(ValueError, match="does not know H; it was trained for O, Si"):
        atoms.get_potential_energy()


def test_positions_that_are_not_finite() -> None:
    atoms = crystal((14,))
    atoms.calc = MLIPCalculator(toy((14,)))
    atoms.positions[3] = np.nan
    with pytest.raises(ValueError, match=r"positions of atoms \[3\]"):
        atoms.get_forces()


def test_results_that_are_not_finite() -> None:
    class Broken(Toy):
        def cut(self, distance: torch.Tensor) -> torch.Tensor:
            return distance * torch.nan

    atoms = Atoms("Si2", positions=[[0, 0, 0], [0.25, 0, 0]])
    with pytest.raises(
        ValueError, match=r"no finite energy.*atoms 0 \(\w+\) and 1 .*, 0\.25 Å apart"
    ):
        MLIPCalculator(toy((14,), Broken)).get_property("energy", atoms)


def test_no_file() -> None:
    with pytest.raises(ValueError, match=r"cannot read the model nowhere\.safetensors"):
        MLIPCalculator("nowhere.safetensors")


def test_agrees_with_predict() -> None:

    model, atoms = toy((8, 14)), crystal((8, 14))
    atoms.calc = MLIPCalculator(model)
    expected = compute(model, atoms, ("energy", "forces", "stress"))
    np.testing.assert_array_equal(atoms.get_forces(), expected["forces"])
    np.testing.assert_array_equal(atoms.get_stress(voigt=False), expected["stress"][0])
    assert atoms.get_potential_energy() == expected["energy"][0]
