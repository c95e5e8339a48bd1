"""Dynamics with a Verlet list: the same to the last bit as with neighbours found at each step."""

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, fcc111
from ase.md.nptberendsen import NPTBerendsen
from ase.md.verlet import VelocityVerlet
from toy import toy

from mlip.calculators import MLIPCalculator
from mlip.calculators.velocities import draw_velocities

SPECIES = (13, 28)


def alloy() -> Atoms:
    atoms = bulk("Al", cubic=True).repeat(2)
    atoms.numbers[::2] = 28
    return atoms


def slab() -> Atoms:
    return fcc111("Al", (2, 2, 3), vacuum=6.0)


def constant_energy(atoms: Atoms) -> VelocityVerlet:
    return VelocityVerlet(atoms, 4 * units.fs)


def constant_pressure(atoms: Atoms) -> NPTBerendsen:
    return NPTBerendsen(
        atoms,
        2 * units.fs,
        temperature_K=900,
        pressure_au=2 * units.GPa,
        taut=50 * units.fs,
        taup=100 * units.fs,
        compressibility_au=0.01 / units.GPa,
    )


def states(
    make: Callable[[], Atoms], dynamics: Callable, skin: float, wrapped: bool
) -> tuple[MLIPCalculator, list[tuple]]:
    """Energy, forces, positions and cell of each step."""
    atoms = make()
    draw_velocities(atoms, 900.0, 0)
    atoms.calc = MLIPCalculator(toy(SPECIES), skin=skin)
    run, found = dynamics(atoms), []
    for step in range(60):
        run.run(1)
        if wrapped and step % 10 == 9:
            atoms.wrap()
        found.append(
            (
                atoms.get_potential_energy(),
                atoms.get_forces().copy(),
                atoms.positions.copy(),
                np.array(atoms.cell),
            )
        )
    return atoms.calc, found


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("make", "dynamics"),
    [(alloy, constant_energy), (slab, constant_energy), (alloy, constant_pressure)],
)
def test_a_trajectory_is_the_same_with_any_skin(make, dynamics, wrapped: bool) -> None:
    _, without = states(make, dynamics, 0.0, wrapped)
    calculator, with_skin = states(make, dynamics, 0.5, wrapped)
    assert 1 < calculator.neighbours.searches < 40
    for one, other in zip(without, with_skin, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    volumes = [abs(np.linalg.det(cell)) for *_, cell in without]
    assert (np.ptp(volumes) > 1) == (dynamics is constant_pressure)


def test_what_was_asked_before_does_not_matter() -> None:
    """The condition for resumed dynamics to be the uninterrupted ones."""
    calculator = MLIPCalculator(toy(SPECIES), skin=0.5)
    structures = []
    for seed in range(4):
        atoms = alloy()
        atoms.rattle(0.05, seed=seed)
        structures.append(atoms)
    first = [calculator.get_property("forces", atoms) for atoms in structures]
    backwards = [calculator.get_property("forces", atoms) for atoms in structures[::-1]]
    for a, b in zip(first, backwards[::-1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert calculator.neighbours.searches == 1


def test_a_skin_that_is_none() -> None:
    with pytest.raises(ValueError, match="skin must be a number"):
        MLIPCalculator(toy(SPECIES), skin=-1.0)
