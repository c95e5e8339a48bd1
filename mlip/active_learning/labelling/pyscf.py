"""Kohn-Sham density functional theory of molecules by PySCF, as an ASE calculator.

PySCF's own calculator takes an object that knows the molecule already; this one makes it from the
atoms, so that it can be described by plain data, and refuses a cycle that did not converge.
"""

from collections.abc import Sequence
from typing import Any

import ase.units
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from pyscf import dft, gto


class PySCF(Calculator):
    """Energy (eV) and forces (eV/Å) of a molecule in a Gaussian basis.

    Parameters
    ----------
    functional, basis : by PySCF's names
    dispersion : "d3bj", "d4" or None; needs the package pyscf-dispersion
    density_fitting_basis : for the Coulomb integrals; None for exact ones
    grid_level : of the integration grid, 0 to 9; its response is part of the forces
    energy_tolerance : Hartree, of the self-consistent cycle
    max_cycle : steps of the self-consistent cycle
    level_shift : Hartree, helps cycles that do not converge
    charge : of the molecule, e
    spin : number of unpaired electrons; None takes the least possible

    Raises
    ------
    ValueError
        If the atoms are periodic.
    CalculationFailed
        If the self-consistent cycle does not converge.
    """

    implemented_properties = ["energy", "forces"]
    atoms: Atoms

    def __init__(
        self,
        functional: str = "PBE",
        dispersion: str | None = "d3bj",
        basis: str = "def2-svp",
        density_fitting_basis: str | None = "def2-universal-jkfit",
        grid_level: int = 3,
        energy_tolerance: float = 1e-9,
        max_cycle: int = 100,
        level_shift: float = 0.0,
        charge: int = 0,
        spin: int | None = None,
    ) -> None:
        super().__init__()
        self.functional = functional
        self.dispersion = dispersion
        self.basis = basis
        self.density_fitting_basis = density_fitting_basis
        self.grid_level = grid_level
        self.energy_tolerance = energy_tolerance
        self.max_cycle = max_cycle
        self.level_shift = level_shift
        self.charge = charge
        self.spin = spin

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        if self.atoms.pbc.any():
            raise ValueError("PySCF computes molecules here, but the structure is periodic")
        mean_field = self._mean_field(self.atoms)
        energy = mean_field.kernel()
        if not mean_field.converged:
            raise CalculationFailed("the self-consistent cycle of PySCF did not converge")
        gradient = mean_field.nuc_grad_method()
        gradient.grid_response = True
        forces = -gradient.kernel() * (ase.units.Hartree / ase.units.Bohr)
        self.results = {"energy": float(energy) * ase.units.Hartree, "forces": forces}

    def _mean_field(self, atoms: Atoms) -> Any:
        electrons = int(atoms.numbers.sum()) - self.charge
        spin = electrons % 2 if self.spin is None else self.spin
        molecule = gto.M(
            atom=list(zip(atoms.get_chemical_symbols(), atoms.positions)),
            basis=self.basis,
            charge=self.charge,
            spin=spin,
            verbose=0,
        )
        kind = dft.UKS if spin else dft.RKS
        mean_field = kind(molecule, xc=self.functional)
        if self.density_fitting_basis is not None:
            mean_field = mean_field.density_fit(auxbasis=self.density_fitting_basis)
        mean_field.disp = self.dispersion
        mean_field.grids.level = self.grid_level
        mean_field.conv_tol = self.energy_tolerance
        mean_field.max_cycle = self.max_cycle
        mean_field.level_shift = self.level_shift
        return mean_field
