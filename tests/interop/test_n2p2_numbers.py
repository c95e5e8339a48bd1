"""Potentials of n2p2 and RuNNer give the energies and forces of their formulas."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read
from ase.units import Bohr, Hartree
from conformance.predictions import compute
from n2p2_by_hand import ACTIVATIONS, Potential, water_potential

from mlip.data.n2p2_data import read_input_data
from mlip.interop.n2p2 import read_potential
from mlip.models import BehlerParrinello

#: Hartree and Hartree/Bohr; rounding of sums of order one.
ROUNDING = 1e-12


def water() -> Atoms:
    atoms = molecule("H2O")
    atoms.rattle(0.1, seed=0)
    return atoms


def small_cell() -> Atoms:
    """Two atoms in a cell much smaller than the cutoff, outside of it and left-handed."""
    cell = [[0.2, 2.5, 0.0], [2.2, 0.1, 0.0], [0.3, 0.5, 2.4]]
    return Atoms("OH", positions=[[0.1, 0.2, 0.3], [4.0, -0.9, 1.1]], cell=cell, pbc=True)


def predicted(model: BehlerParrinello, atoms: Atoms) -> tuple[float, np.ndarray]:
    """Hartree and Hartree/Bohr."""
    found = compute(model, atoms, ("energy", "forces"))
    return float(found["energy"][0]) / Hartree, found["forces"] * Bohr / Hartree


def assert_equal(potential: Potential, folder: Path, atoms: Atoms) -> None:
    model, _ = read_potential(folder)
    energy, forces = predicted(model, atoms)
    by_hand = potential.energy_and_forces(atoms)
    assert energy == pytest.approx(by_hand[0], rel=1e-13, abs=ROUNDING)
    np.testing.assert_allclose(forces, by_hand[1], rtol=1e-11, atol=ROUNDING)


@pytest.mark.parametrize("shape", [water, small_cell])
@pytest.mark.parametrize("cutoff_type", range(9))
def test_cutoff_functions(tmp_path: Path, cutoff_type: int, shape) -> None:
    alpha = 0.0 if cutoff_type in (0, 2, 3) else 0.3
    potential = water_potential(cutoff_type=cutoff_type, alpha=alpha)
    assert_equal(potential, potential.write(tmp_path), shape())


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.5, 2.0)])
@pytest.mark.parametrize("mode", ["none", "scale", "center", "both", "sigma"])
def test_scaling(tmp_path: Path, mode: str, bounds: tuple[float, float]) -> None:
    potential = water_potential(mode=mode, low=bounds[0], high=bounds[1])
    assert_equal(potential, potential.write(tmp_path), small_cell())


@pytest.mark.parametrize("letter", ACTIVATIONS)
@pytest.mark.parametrize("divide", [False, True])
def test_activation_functions(tmp_path: Path, letter: str, divide: bool) -> None:
    """In the first hidden layer, and as output."""
    potential = water_potential(f"{letter}t{letter}", mode="both", normalize_nodes=divide)
    assert_equal(potential, potential.write(tmp_path), water())


@pytest.mark.parametrize("widths", [(), (5,), (3, 2, 4)])
def test_depths(tmp_path: Path, widths: tuple[int, ...]) -> None:
    potential = water_potential("t" * len(widths) + "l", widths, mode="scale")
    assert_equal(potential, potential.write(tmp_path), water())


@pytest.mark.parametrize(
    "units",
    [
        {"mean_energy": -25.5, "conv_energy": 242.6, "conv_length": 5.8},
        {"atom_energy": {"H": -0.5, "O": -75.1}},
        {"atom_energy": {"O": -75.1}, "mean_energy": -0.3, "conv_energy": 7.0},
    ],
    ids=["normalised", "atoms", "both"],
)
def test_energies_of_atoms_and_normalisation(tmp_path: Path, units: dict) -> None:
    potential = water_potential(mode="both", **units)
    assert_equal(potential, potential.write(tmp_path), water())


def test_extrapolations_are_counted(tmp_path: Path) -> None:
    """Each symmetry function of each atom outside of scaling.data's bounds."""
    potential = water_potential(mode="sigma")
    atoms, expected = water(), []
    positions = [[complex(x) for x in row] for row in atoms.positions / Bohr]
    symbols = atoms.get_chemical_symbols()
    for i, symbol in enumerate(symbols):
        values = potential.features(
            symbol, potential._around(i, symbols, positions, np.zeros((3, 3)))
        )
        low, high, *_ = potential.ranges[symbol].T
        values = np.array(values).real
        expected.append(int(((values < low) | (values > high)).sum()))
    assert 0 < sum(expected) < 25
    model, _ = read_potential(potential.write(tmp_path))
    found = compute(model, atoms, ("extrapolations",))["extrapolations"]
    assert found.tolist() == expected


# ----------------------------------------------------------------------------- published potentials


def test_n2p2s_own_numbers(shared_data: Path) -> None:
    """1080 atoms of water with n2p2's expected output. The energy is a sum of 1080 terms of 700 eV:
    its last digit is worth 4e-12 Hartree."""
    folder = shared_data / "ref_nnp" / "n2p2_H2O_RPBE-D3"
    model, _ = read_potential(folder)
    expected = json.loads((folder / "expected.json").read_text())
    (atoms,) = read_input_data(folder / "input.data")
    energy, forces = predicted(model, atoms)
    assert energy == pytest.approx(expected["energy"], abs=1e-10, rel=0)
    np.testing.assert_allclose(forces, expected["forces"], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "atol"), [("liquid_bead0", 1e-9), ("mdexample", 1e-8)])
def test_a_published_potential(shared_data: Path, name: str, atol: float) -> None:
    folder = shared_data / "n2p2_water_potential"
    model, notes = read_potential(folder)
    assert notes == ()
    atoms = read(folder / f"{name}.extxyz")
    found = compute(model, atoms, ("energy", "forces", "extrapolations"))
    assert float(found["energy"][0]) == pytest.approx(atoms.get_potential_energy(), abs=atol)
    np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=atol)
    assert (found["extrapolations"].sum() > 0) == (name == "mdexample")


@pytest.mark.parametrize("name", ["mlearn_Si", "mlearn_Mo", "mlearn_Li"])
def test_published_potentials_of_one_element(shared_data: Path, name: str) -> None:
    model, notes = read_potential(shared_data / "ref_nnp" / name)
    assert Counter(note.split()[0] for note in notes) == {"skipped,": 1, "atom_energy": 1}
    assert model.feature_range.known
