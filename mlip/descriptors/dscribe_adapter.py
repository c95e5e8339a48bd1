"""DScribe's descriptors as judges of ours: values only, no derivatives.

DScribe (Himanen et al., Comput. Phys. Commun. 247, 106949 (2020)) is an optional dependency. It
finds too few neighbours of periodic atoms that lie outside their cell; atoms are wrapped before it
sees them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from jaxtyping import Float

from mlip.descriptors.soap import SOAPConfig
from mlip.descriptors.symmetry_functions import SymmetryFunctionsConfig


class DScribeAdapter:
    """A descriptor computed by DScribe, its features in the order of ours.

    Parameters
    ----------
    free, periodic : the descriptor of DScribe for molecules and for periodic structures
    columns : which of its features, in which order
    """

    def __init__(self, free: Any, periodic: Any, columns: np.ndarray) -> None:
        self.free, self.periodic, self.columns = free, periodic, columns

    def create(self, atoms: Atoms) -> Float[np.ndarray, "atoms features"]:
        """Features of one structure; periodic atoms are wrapped into the cell first."""
        if not atoms.pbc.any():
            return self.free.create(atoms)[:, self.columns]
        wrapped = atoms.copy()
        wrapped.wrap(eps=0.0)
        return self.periodic.create(wrapped)[:, self.columns]


def dscribe_soap(config: SOAPConfig, species: Sequence[int]) -> DScribeAdapter:
    """DScribe's SOAP with the definition of a config made by `SOAPConfig.like_dscribe`.

    Raises
    ------
    ValueError
        If DScribe is not installed, or the config asks for what it does not have.
    """
    descriptors = _dscribe()
    if config.compression == "alchemical":
        raise ValueError("DScribe has no alchemical compression")
    twin = SOAPConfig.like_dscribe(
        config.basis_end,
        config.n_max,
        config.l_max,
        config.sigma,
        config.radial_basis,
        config.compression,
    )
    if config != twin:
        raise ValueError(
            "DScribe has no cutoff function, no normalisation and a neighbour radius of its own; "
            f"use SOAPConfig.like_dscribe, which here gives {twin}, not {config}"
        )
    parameters: dict[str, Any] = {
        "species": sorted(set(species)),
        "r_cut": config.basis_end,
        "n_max": config.n_max,
        "l_max": config.l_max,
        "sigma": config.sigma,
        "rbf": config.radial_basis,
        "compression": {"mode": "mu1nu1" if config.compression == "mu1nu1" else "off"},
    }
    free, periodic = (descriptors.SOAP(periodic=p, **parameters) for p in (False, True))
    columns = np.arange(free.get_number_of_features())
    return DScribeAdapter(free, periodic, columns)


def dscribe_symmetry_functions(
    config: SymmetryFunctionsConfig, species: Sequence[int]
) -> DScribeAdapter:
    """DScribe's ACSF with the functions of a config.

    Raises
    ------
    ValueError
        If DScribe is not installed, or the config asks for what it does not have.
    """
    descriptors = _dscribe()
    radial, angular = config.radial_functions(), config.angular_functions()
    own_cutoff = any(f.cutoff is not None for f in config.functions())
    if config.cutoff_function != "cosine" or config.cutoff_start > 0 or own_cutoff:
        raise ValueError("DScribe has only the cosine cutoff, one for all functions")
    if any(f.shift != 0 for f in angular):
        raise ValueError("DScribe has no shift of angular functions")
    by_type = {
        kind: [(f.eta, f.zeta, f.sign) for f in angular if f.type == kind] for kind in ("G4", "G5")
    }
    parameters = {
        "species": sorted(set(species)),
        "r_cut": config.cutoff,
        "g2_params": [(f.eta, f.shift) for f in radial] or None,
        "g4_params": by_type["G4"] or None,
        "g5_params": by_type["G5"] or None,
    }
    free, periodic = (descriptors.ACSF(periodic=p, **parameters) for p in (False, True))
    ranks = np.argsort(np.argsort([f.type for f in angular], kind="stable"), kind="stable")
    columns = _acsf_columns(len(set(species)), len(radial), ranks)
    return DScribeAdapter(free, periodic, columns)


def _acsf_columns(n_species: int, n_radial: int, ranks: np.ndarray) -> np.ndarray:
    """Where DScribe keeps our features. For each species it has one more radial function, the
    cutoff itself; it orders pairs of species by the larger one, and G4 before G5."""
    radial = [s * (n_radial + 1) + 1 + f for s in range(n_species) for f in range(n_radial)]
    pairs = [(a, b) for a in range(n_species) for b in range(a, n_species)]
    angular = [
        n_species * (n_radial + 1) + (b * (b + 1) // 2 + a) * len(ranks) + rank
        for a, b in pairs
        for rank in ranks
    ]
    return np.array([*radial, *angular], dtype=np.int64)


def _dscribe() -> Any:
    try:
        import dscribe.descriptors
    except ImportError as error:
        raise ValueError(
            "DScribe is not installed: pip install dscribe, or this package with [dscribe]"
        ) from error
    return dscribe.descriptors
