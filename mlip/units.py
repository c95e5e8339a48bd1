"""Units: the only place in the package that knows a conversion factor.

Inside the package everything is in eV, Å, amu and e; stress is in eV/Å^3. The factors are ASE's
(CODATA 2014, Mohr, Newell and Taylor, Rev. Mod. Phys. 88, 035009), so that numbers agree with the
calculators and trajectories around us to the last digit.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import ase.units as ase_units
import numpy as np

Value = TypeVar("Value", float, np.ndarray)

ENERGY: Mapping[str, float] = MappingProxyType(
    {
        "eV": 1.0,
        "meV": 1e-3,
        "Hartree": ase_units.Hartree,
        "Ry": ase_units.Rydberg,
        "kcal/mol": ase_units.kcal / ase_units.mol,
        "kJ/mol": ase_units.kJ / ase_units.mol,
    }
)
LENGTH: Mapping[str, float] = MappingProxyType(
    {"Å": 1.0, "Angstrom": 1.0, "nm": 10.0, "Bohr": ase_units.Bohr}
)
_COMPOUND = {
    "GPa": ase_units.GPa,
    "kbar": 0.1 * ase_units.GPa,
    "bar": 1e-4 * ase_units.GPa,
}


def factor(unit: str) -> float:
    """The value of one `unit` in the package's own units (eV, Å and what follows from them).

    Understands the names above, ``GPa``, ``kbar``, ``bar``, and quotients such as ``meV/Å``,
    ``Hartree/Bohr``, ``eV/Å^3`` and ``meV/atom`` (an atom counts as 1).

    Raises
    ------
    ValueError
        If the unit is not known; the message lists the known names.
    """
    if unit in _COMPOUND:
        return _COMPOUND[unit]
    if unit in ENERGY:
        return ENERGY[unit]
    if unit in LENGTH:
        return LENGTH[unit]
    numerator, _, denominator = unit.rpartition("/")
    base, caret, power = denominator.partition("^")
    exponent = int(power) if power.isdecimal() else 1
    if numerator and denominator == "atom":
        return factor(numerator)
    if numerator and base in LENGTH and bool(caret) == power.isdecimal():
        return factor(numerator) / LENGTH[base] ** exponent
    known = ", ".join([*ENERGY, *LENGTH, *_COMPOUND])
    raise ValueError(f"unknown unit {unit!r}; known are {known} and quotients of them")


def convert(value: Value, source: str, target: str) -> Value:
    """`value` given in `source`, expressed in `target`: ``convert(1.0, "GPa", "eV/Å^3")``."""
    return value * (factor(source) / factor(target))
