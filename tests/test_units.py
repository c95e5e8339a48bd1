"""Unit factors: ASE's, to the last digit."""

import ase.units
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlip.units import ENERGY, LENGTH, convert, factor


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("eV", 1.0),
        ("meV/atom", 1e-3),
        ("Hartree", ase.units.Hartree),
        ("Ry", ase.units.Rydberg),
        ("kcal/mol", ase.units.kcal / ase.units.mol),
        ("kJ/mol", ase.units.kJ / ase.units.mol),
        ("Bohr", ase.units.Bohr),
        ("nm", ase.units.nm),
        ("GPa", ase.units.GPa),
        ("kbar", 1e8 * ase.units.Pascal),
        ("bar", 1e5 * ase.units.Pascal),
        ("Hartree/Bohr", ase.units.Hartree / ase.units.Bohr),
        ("Hartree/Bohr^3", ase.units.Hartree / ase.units.Bohr**3),
        ("kcal/mol/Å", ase.units.kcal / ase.units.mol),
        ("meV/Å^3", 1e-3),
    ],
)
def test_factors(unit, value):
    assert factor(unit) == pytest.approx(value, rel=1e-14)


def test_well_known_numbers():
    assert convert(1.0, "eV/Å^3", "GPa") == pytest.approx(160.21766, rel=1e-6)
    assert convert(1.0, "Hartree", "kcal/mol") == pytest.approx(627.5095, rel=1e-6)
    assert convert(1.0, "Hartree/Bohr", "eV/Å") == pytest.approx(51.42207, rel=1e-6)


@given(
    st.sampled_from(["eV", "Hartree", "kJ/mol"]),
    st.sampled_from(["meV", "Ry"]),
    st.floats(-1e6, 1e6),
)
def test_there_and_back(one, other, value):
    assert convert(convert(value, one, other), other, one) == pytest.approx(value, rel=1e-14)


def test_arrays_are_converted_and_left_alone():
    values = np.array([1.0, 2.0])
    np.testing.assert_allclose(convert(values, "eV", "meV"), [1000.0, 2000.0], rtol=1e-15)
    assert values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "unit", ["", "ev", "eV/", "/Å", "eV/s", "eV*Å", "parsec", "eV/Å^x", "eV/Å^", "eV/atom^2"]
)
def test_unknown_units(unit):
    with pytest.raises(ValueError, match=r"unknown unit .*; known are eV"):
        factor(unit)


@pytest.mark.parametrize("table", [ENERGY, LENGTH])
def test_the_tables_cannot_be_changed(table):
    with pytest.raises(TypeError):
        table["eV"] = 2.0
