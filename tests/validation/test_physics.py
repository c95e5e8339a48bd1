"""The equation of state: known parameters come back, and nonsense is refused."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import birchmurnaghan

from mlip.data import Frame
from mlip.units import convert
from mlip.validation.physics import (
    compare,
    equation_of_state,
    fit_equation_of_state,
    labelled_equation_of_state,
    plot_equations_of_state,
    volume_scan,
)


def points(volume=20.0, energy=-5.0, modulus=98.0, slope=4.2):
    volumes = np.linspace(0.88, 1.12, 9) * volume
    return volumes, birchmurnaghan(
        volumes, energy, convert(modulus, "GPa", "eV/Å^3"), slope, volume
    )


@pytest.mark.parametrize("modulus", [1.0, 98.0, 443.0])
@pytest.mark.parametrize("slope", [3.0, 4.2, 6.0])
def test_the_parameters_of_a_curve_come_back(modulus: float, slope: float) -> None:
    volumes, energies = points(modulus=modulus, slope=slope)
    shuffled = np.random.default_rng(0).permutation(len(volumes))
    found = fit_equation_of_state(volumes[shuffled], energies[shuffled])
    assert found.volume == pytest.approx(20.0, rel=1e-5)
    assert found.energy == pytest.approx(-5.0, rel=1e-7)
    assert found.bulk_modulus == pytest.approx(modulus, rel=1e-4)
    assert found.bulk_modulus_slope == pytest.approx(slope, rel=1e-3)
    assert found.residual < 1e-6
    assert np.allclose(found.curve(volumes), energies, atol=1e-6)


def test_the_bulk_modulus_is_minus_volume_times_slope_of_pressure() -> None:
    """Against the stress of ASE's EMT, at the volume that was found."""
    copper = bulk("Cu")
    found = equation_of_state(volume_scan(copper, 0.02), EMT())
    pressures = []
    for factor in (0.999, 1.001):
        atoms = copper.copy()
        scale = (factor * found.volume / copper.get_volume()) ** (1 / 3)
        atoms.set_cell(copper.cell.array * scale, scale_atoms=True)
        atoms.calc = EMT()
        pressures.append(-np.trace(atoms.get_stress(voigt=False)) / 3)
    modulus = convert((pressures[0] - pressures[1]) / 0.002, "eV/Å^3", "GPa")
    assert found.bulk_modulus == pytest.approx(modulus, rel=0.01)
    assert sum(pressures) / 2 == pytest.approx(0.0, abs=1e-4)


def test_equations_are_compared() -> None:
    reference = fit_equation_of_state(*points())
    other = fit_equation_of_state(*points(volume=20.2, energy=-4.9, modulus=90.0))
    found = compare(other, reference)
    assert found.volume_error == pytest.approx(0.01, rel=1e-3)
    assert found.energy_error == pytest.approx(0.1, rel=1e-3)
    assert found.bulk_modulus_error == pytest.approx(90 / 98 - 1, rel=1e-3)
    assert 1e-3 < found.curve_error < 0.1
    same = compare(reference, reference)
    assert (same.volume_error, same.energy_error, same.curve_error) == (0.0, 0.0, 0.0)


def test_the_callers_structures_stay_as_they_are() -> None:
    structures = volume_scan(bulk("Cu"), 0.03, points=5)
    assert [round(s.cell.lengths()[0] / bulk("Cu").cell.lengths()[0], 6) for s in structures] == [
        0.97, 0.985, 1.0, 1.015, 1.03,
    ]  # fmt: skip
    equation_of_state(structures, EMT())
    assert all(atoms.calc is None for atoms in structures)


def test_labelled_structures_give_the_reference() -> None:
    structures = volume_scan(bulk("Cu") * (2, 1, 1), 0.03)
    frames = []
    for number, atoms in enumerate(structures):
        atoms.calc = EMT()
        labels = {"energy": np.asarray(atoms.get_potential_energy())}
        frames.append(Frame(atoms.copy(), labels, "default", f"a.extxyz#{number}"))
    reference = labelled_equation_of_state(frames)
    found = equation_of_state([frame.atoms for frame in frames], EMT())
    assert compare(found, reference).curve_error == 0.0
    frames[2] = Frame(frames[2].atoms, {}, "default", "a.extxyz#2")
    with pytest.raises(ValueError, match=r"no energy in a\.extxyz#2"):
        labelled_equation_of_state(frames)


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    reference = fit_equation_of_state(*points())
    plot_equations_of_state(reference, reference, tmp_path / "eos.png")
    assert (tmp_path / "eos.png").read_bytes().startswith(b"\x89PNG")


def test_what_has_no_minimum_or_too_few_points_is_refused() -> None:
    volumes, energies = points()
    with pytest.raises(ValueError, match="no minimum between"):
        fit_equation_of_state(volumes[:5] * 0.8, energies[:5] + np.arange(5, 0, -1))
    with pytest.raises(ValueError, match="five finite points"):
        fit_equation_of_state(volumes[:4], energies[:4])
    with pytest.raises(ValueError, match="five finite points"):
        fit_equation_of_state(volumes, energies * np.nan)
    slab = bulk("Cu")
    slab.pbc = [True, True, False]
    with pytest.raises(ValueError, match="structure 0 has pbc"):
        equation_of_state([slab], EMT())
