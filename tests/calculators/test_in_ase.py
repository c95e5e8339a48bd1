"""A potential in the hands of ASE: dynamics, relaxation, vibrations and phonons behave as physics
demands."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.build import bulk, fcc100, molecule
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.io.trajectory import Trajectory
from ase.md.bussi import Bussi
from ase.md.langevin import Langevin
from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS, FIRE, LBFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from toy import toy

from mlip.calculators import MLIPCalculator
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello
from mlip.neighbours import with_neighbours


@pytest.fixture(scope="module")
def copper() -> Atoms:
    """A primitive cell at rest under no stress."""
    atoms = bulk("Cu", a=3.7)
    atoms.calc = MLIPCalculator(toy((29,)))
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-6)
    return atoms


def warm(copper: Atoms, temperature: float = 300.0) -> Atoms:
    """32 atoms in motion."""
    atoms = copper.repeat((4, 4, 2))
    atoms.calc = copper.calc
    spread = np.sqrt(2 * temperature * units.kB / atoms.get_masses())  # half will become potential
    velocities = np.random.default_rng(0).normal(size=(32, 3)) * spread[:, None]
    atoms.set_velocities(velocities - velocities.mean(axis=0))
    return atoms


# ---------------------------------------------------------------------------------------- dynamics


def test_nve_conserves_energy(copper: Atoms) -> None:
    """And its fluctuation shrinks with the square of the time step, as that of Verlet must."""
    fluctuations = []
    for timestep, steps in ((2.0, 60), (1.0, 120), (0.5, 240)):
        atoms = warm(copper)
        dynamics = VelocityVerlet(atoms, timestep * units.fs)
        energies: list[float] = []
        dynamics.attach(lambda to=energies, a=atoms: to.append(a.get_total_energy()))
        dynamics.run(steps)
        fluctuations.append(np.std(energies) / len(atoms))
    assert fluctuations[2] < 1e-5  # eV/atom at 0.5 fs
    ratios = [fluctuations[0] / fluctuations[1], fluctuations[1] / fluctuations[2]]
    assert ratios == pytest.approx([4.0, 4.0], rel=0.2)


@pytest.mark.filterwarnings("ignore:the model extrapolates")
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-5), ("float32", 2e-5)])
def test_nve_with_networks(dtype: str, bound: float) -> None:
    """Behler-Parrinello networks, untrained: forces are the derivatives of the energy anyway."""
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.05, seed=0)
    torch.manual_seed(0)
    descriptor = {"name": "soap", "cutoff": 4.5, "n_max": 3, "l_max": 2}
    config = BehlerParrinello.Config.model_validate({"descriptor": descriptor, "hidden": [8]})
    model = BehlerParrinello(config, (14,))
    model.adapt([with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff)])
    model.composition.set({14: -100.0}, 0.1)
    atoms.calc = MLIPCalculator(model, dtype=dtype)
    energies: list[float] = []
    dynamics = VelocityVerlet(atoms, 0.5 * units.fs)
    dynamics.attach(lambda: energies.append(atoms.get_total_energy()))
    dynamics.run(100)
    assert atoms.get_kinetic_energy() > 0.01  # it moved
    assert np.ptp(energies) / len(atoms) < bound  # eV/atom


def test_nve_conserves_momentum(copper: Atoms) -> None:
    atoms = warm(copper)
    VelocityVerlet(atoms, 1.0 * units.fs).run(100)
    assert np.abs(atoms.get_momenta().sum(axis=0)).max() < 1e-10


@pytest.mark.parametrize("thermostat", [Langevin, Bussi])
def test_nvt_reaches_the_temperature(copper: Atoms, thermostat: type) -> None:
    atoms = warm(copper, temperature=100.0)
    options = (
        {"friction": 0.02 / units.fs, "fixcm": False}
        if thermostat is Langevin
        else {"taut": 20 * units.fs}
    )
    dynamics = thermostat(
        atoms, 2.0 * units.fs, temperature_K=400.0, rng=np.random.RandomState(0), **options
    )
    dynamics.run(100)
    temperatures: list[float] = []
    dynamics.attach(lambda: temperatures.append(atoms.get_temperature()))
    dynamics.run(300)
    # 96 degrees of freedom: the mean over several correlation times is good to some percent
    assert np.mean(temperatures) == pytest.approx(400.0, rel=0.12)


@pytest.mark.parametrize("barostat", [IsotropicMTKNPT, MTKNPT])
def test_npt_conserves_its_energy_and_expands(copper: Atoms, barostat: type) -> None:
    atoms = warm(copper)
    volume = atoms.get_volume()
    dynamics = barostat(
        atoms, 1.0 * units.fs, temperature_K=300.0, pressure_au=-2.0 * units.GPa,
        tdamp=100 * units.fs, pdamp=300 * units.fs,
    )  # fmt: skip
    energies: list[float] = []
    dynamics.attach(lambda: energies.append(dynamics.get_conserved_energy()))
    dynamics.run(150)
    assert np.ptp(energies) / len(atoms) < 1e-3  # eV/atom
    assert atoms.get_volume() > 1.005 * volume  # it is pulled at


# -------------------------------------------------------------------------------------- relaxation


@pytest.mark.parametrize("optimiser", [BFGS, LBFGS, FIRE])
def test_relaxing_cell_and_positions(copper: Atoms, optimiser: type) -> None:
    atoms = copper.repeat((2, 2, 2))
    atoms.calc = copper.calc
    atoms.set_cell(np.asarray(atoms.cell) @ (np.eye(3) + 0.03 * np.eye(3)[[1, 0, 2]]),
                   scale_atoms=True)  # fmt: skip
    atoms.rattle(0.05, seed=1)
    before = atoms.get_potential_energy()
    assert np.abs(atoms.get_stress()).max() > 0.01
    assert optimiser(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=300)
    assert np.abs(atoms.get_forces()).max() < 1e-3
    assert np.abs(atoms.get_stress()).max() * atoms.get_volume() / len(atoms) < 1e-3
    assert atoms.get_potential_energy() < before
    assert atoms.get_potential_energy() / 8 == pytest.approx(copper.get_potential_energy())


def test_relaxing_a_slab_with_fixed_atoms() -> None:
    slab = fcc100("Cu", (1, 1, 4), a=3.7, vacuum=8.0)
    assert slab.pbc.tolist() == [True, True, False]
    slab.set_constraint(FixAtoms(indices=[0, 1]))
    fixed = slab.positions[:2].copy()
    slab.calc = MLIPCalculator(toy((29,)))
    assert BFGS(slab, logfile=None).run(fmax=1e-3, steps=100)
    np.testing.assert_array_equal(slab.positions[:2], fixed)


def test_pressure_agrees_with_the_equation_of_state(copper: Atoms) -> None:
    def at(strain: float) -> Atoms:
        atoms = copper.copy()
        atoms.set_cell(np.asarray(atoms.cell) * (1 + strain), scale_atoms=True)
        atoms.calc = copper.calc
        return atoms

    squeezed, less, more = at(-0.02), at(-0.0201), at(-0.0199)
    pressure = -np.mean(squeezed.get_stress()[:3])
    work = less.get_potential_energy() - more.get_potential_energy()
    assert pressure == pytest.approx(work / (more.get_volume() - less.get_volume()), rel=1e-4)
    assert pressure > 0


# -------------------------------------------------------------------------------------- vibrations


def test_vibrations_of_a_molecule(tmp_path: Path) -> None:
    atoms = molecule("O3")
    atoms.calc = MLIPCalculator(toy((8,)))
    assert BFGS(atoms, logfile=None).run(fmax=1e-5, steps=300)
    vibrations = Vibrations(atoms, name=str(tmp_path / "vib"), nfree=4)
    vibrations.run()
    energies = vibrations.get_energies()
    assert np.abs(energies[:6]).max() < 1e-3  # translations and rotations, eV
    assert (energies[6:].real > 0.01).all()
    assert np.abs(energies[6:].imag).max() == 0


@pytest.fixture(scope="module")
def phonons(copper: Atoms, tmp_path_factory: pytest.TempPathFactory) -> Phonons:
    folder = tmp_path_factory.mktemp("phonons") / "cache"
    phonons = Phonons(copper, copper.calc, supercell=(4, 4, 4), delta=0.01, name=str(folder))
    phonons.run()
    phonons.read(acoustic=False)
    return phonons


def test_acoustic_phonons_start_at_zero(phonons: Phonons) -> None:
    (energies,) = phonons.band_structure([[0, 0, 0]], verbose=False)
    assert np.abs(energies).max() < 1e-4  # eV, without any sum rule imposed


def test_a_crystal_at_rest_is_stable(phonons: Phonons) -> None:
    energies = phonons.band_structure([[0.5, 0.5, 0], [0.5, 0.5, 0.5], [0.25, 0, 0]], verbose=False)
    assert (energies > 0.005).all()  # imaginary ones would come back negative


def test_phonopy_agrees(copper: Atoms, phonons: Phonons) -> None:
    phonopy = pytest.importorskip("phonopy")
    from phonopy.structure.atoms import PhonopyAtoms

    cell = PhonopyAtoms(symbols=["Cu"], cell=copper.cell[:], scaled_positions=[[0, 0, 0]])
    other = phonopy.Phonopy(cell, np.eye(3) * 4)
    other.generate_displacements(distance=0.01)
    forces = []
    for displaced in other.supercells_with_displacements:
        atoms = Atoms(displaced.symbols, displaced.positions, cell=displaced.cell, pbc=True)
        atoms.calc = copper.calc
        forces.append(atoms.get_forces())
    other.forces = forces
    other.produce_force_constants()
    points = [[0.5, 0.5, 0], [0.5, 0.5, 0.5]]
    terahertz = np.sort([other.run_qpoints([q]).frequencies[0] for q in points])
    energies = terahertz * 1e12 * units._hplanck / units._e
    np.testing.assert_allclose(energies, phonons.band_structure(points, verbose=False), rtol=2e-3)


# -------------------------------------------------------------------------------------------- files


def test_a_trajectory_keeps_the_results(copper: Atoms, tmp_path: Path) -> None:
    atoms = warm(copper)
    with Trajectory(tmp_path / "run.traj", "w", atoms) as trajectory:
        dynamics = VelocityVerlet(atoms, 1.0 * units.fs)
        dynamics.attach(trajectory)
        dynamics.run(3)
    frames = read(tmp_path / "run.traj", ":")
    assert len(frames) == 4
    np.testing.assert_array_equal(frames[-1].get_forces(), atoms.get_forces())
    assert frames[-1].calc.name == "mlipcalculator"
