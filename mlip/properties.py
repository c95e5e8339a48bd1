"""The one table of physical properties: every loss, metric, result and printed number reads it.

Stress follows ASE: positive is tension, a compressed crystal has negative diagonal elements.
Inside the package it is a symmetric 3x3 matrix; at the border to ASE it is a Voigt vector in the
order xx yy zz yz xz xy.
"""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True)
class Property:
    """What one physical property is.

    Attributes
    ----------
    name : our name for it, in labels, predictions and config files
    shape : shape for one structure (per structure) or for one atom (per atom)
    per_atom : one value for each atom, or one for each structure
    extensive : grows with the structure, so that errors are compared per atom
    unit : the unit inside the package; empty for a number of things
    error_unit : the unit in which errors are printed; empty for what is only predicted and counted
    ase_key : its key in the results of an ASE calculator, None if ASE has none
    label_keys : names under which data files are known to carry it, searched in this order
    """

    name: str
    shape: tuple[int, ...]
    per_atom: bool
    extensive: bool
    unit: str
    error_unit: str
    ase_key: str | None
    label_keys: tuple[str, ...] = ()


_TABLE = (
    Property(
        "energy", (), False, True, "eV", "meV/atom", "energy",
        ("energy", "REF_energy", "ref_energy", "dft_energy", "DFT_energy", "Energy",
         "total_energy", "TotEnergy", "free_energy"),
    ),
    Property(
        "forces", (3,), True, False, "eV/Å", "meV/Å", "forces",
        ("forces", "REF_forces", "ref_forces", "dft_forces", "DFT_forces", "force", "Forces"),
    ),
    Property(
        "stress", (3, 3), False, False, "eV/Å^3", "meV/Å^3", "stress",
        ("stress", "REF_stress", "ref_stress", "dft_stress", "DFT_stress", "Stress"),
    ),
    Property(
        "virial", (3, 3), False, True, "eV", "meV/atom", None,
        ("virial", "REF_virial", "ref_virial", "dft_virial", "DFT_virial", "virials",
         "REF_virials"),
    ),
    Property("energies", (), True, False, "eV", "meV", "energies"),
    Property("energy_uncertainty", (), False, True, "eV", "meV/atom", "energy_uncertainty"),
    Property("forces_uncertainty", (), True, False, "eV/Å", "meV/Å", "forces_uncertainty"),
    Property("extrapolations", (), True, False, "", "", "extrapolations"),
)  # fmt: skip

PROPERTIES = MappingProxyType({p.name: p for p in _TABLE})

#: The properties a structure can be labelled with and a potential trained on.
LABELS = ("energy", "forces", "stress")

#: Rows and columns of xx yy zz yz xz xy.
_VOIGT = np.array([0, 1, 2, 1, 0, 0]), np.array([0, 1, 2, 2, 2, 1])

#: The same of a matrix written row by row, and of its transpose.
_FLAT, _TRANSPOSED = 3 * _VOIGT[0] + _VOIGT[1], 3 * _VOIGT[1] + _VOIGT[0]


def to_voigt(matrix: np.ndarray) -> np.ndarray:
    """A symmetric matrix, shape (..., 3, 3), as Voigt vector (..., 6): xx yy zz yz xz xy."""
    flat = matrix.reshape(*matrix.shape[:-2], 9)
    return 0.5 * (flat.take(_FLAT, axis=-1) + flat.take(_TRANSPOSED, axis=-1))


def from_voigt(vector: np.ndarray) -> np.ndarray:
    """A Voigt vector, shape (..., 6), as symmetric matrix (..., 3, 3)."""
    matrix = np.empty((*vector.shape[:-1], 3, 3), dtype=vector.dtype)
    matrix[..., _VOIGT[0], _VOIGT[1]] = vector
    matrix[..., _VOIGT[1], _VOIGT[0]] = vector
    return matrix
