"""Physics that a potential should get right: the equation of state of a crystal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.eos import EquationOfState as Fit
from ase.eos import birchmurnaghan
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mlip.data import Frame
from mlip.units import convert


@dataclass(frozen=True)
class EquationOfState:
    """Energy over volume, per atom, and the Birch-Murnaghan equation through it.

    E(V) as in F. Birch, Phys. Rev. 71, 809 (1947), in the form of ase.eos.

    Attributes
    ----------
    volumes, energies : the points, Å^3/atom and eV/atom, by rising volume
    volume : equilibrium volume, Å^3/atom
    energy : equilibrium energy, eV/atom
    bulk_modulus : GPa
    bulk_modulus_slope : its derivative by pressure, no unit
    residual : root mean square of the points about the curve, eV/atom
    """

    volumes: np.ndarray
    energies: np.ndarray
    volume: float
    energy: float
    bulk_modulus: float
    bulk_modulus_slope: float
    residual: float

    def curve(self, volumes: np.ndarray) -> np.ndarray:
        """Energies of the fitted equation, eV/atom."""
        modulus = convert(self.bulk_modulus, "GPa", "eV/Å^3")
        return np.asarray(
            birchmurnaghan(volumes, self.energy, modulus, self.bulk_modulus_slope, self.volume)
        )


@dataclass(frozen=True)
class Comparison:
    """How far an equation of state is from a reference.

    Attributes
    ----------
    volume_error, bulk_modulus_error : relative, signed
    energy_error : of the equilibrium energies, eV/atom, signed
    curve_error : root mean square difference of the two energies at the reference's volumes, each
        from its own minimum, eV/atom
    """

    volume_error: float
    bulk_modulus_error: float
    energy_error: float
    curve_error: float


def fit_equation_of_state(volumes: ArrayLike, energies: ArrayLike) -> EquationOfState:
    """The Birch-Murnaghan equation through points of volume and energy per atom (Å^3, eV).

    Raises
    ------
    ValueError
        If there are fewer than five points, they are no numbers, or have no minimum inside: an
        extrapolated equilibrium is none.
    """
    v, e = np.asarray(volumes, float), np.asarray(energies, float)
    order = np.argsort(v)
    v, e = v[order], e[order]
    if len(v) < 5 or not (np.isfinite(v).all() and np.isfinite(e).all()):
        raise ValueError(f"an equation of state needs five finite points or more, got {len(v)}")
    lowest = int(e.argmin())
    if lowest in (0, len(e) - 1):
        raise ValueError(
            f"the energy has no minimum between {v[0]:.3g} and {v[-1]:.3g} Å^3/atom: the lowest "
            f"point is that at {v[lowest]:.3g}; choose other volumes"
        )
    fit = Fit(v, e, eos="birchmurnaghan")
    fit.fit(warn=False)
    energy, modulus, slope, volume = (float(x) for x in fit.eos_parameters)
    curve = birchmurnaghan(v, energy, modulus, slope, volume)
    return EquationOfState(
        volumes=v,
        energies=e,
        volume=volume,
        energy=energy,
        bulk_modulus=convert(modulus, "eV/Å^3", "GPa"),
        bulk_modulus_slope=slope,
        residual=float(np.sqrt(np.mean((e - curve) ** 2))),
    )


def equation_of_state(structures: Sequence[Atoms], calculator: BaseCalculator) -> EquationOfState:
    """The equation of state of a calculator through structures as they are, unrelaxed: those of a
    reference, or those of `volume_scan`.

    Raises
    ------
    ValueError
        If a structure is not periodic in three directions, or as `fit_equation_of_state` does.
    """
    _check_volumes(structures)
    volumes, energies = [], []
    for atoms in structures:
        copy = atoms.copy()
        copy.calc = calculator
        volumes.append(copy.get_volume() / len(copy))
        energies.append(copy.get_potential_energy() / len(copy))
    return fit_equation_of_state(volumes, energies)


def labelled_equation_of_state(frames: Sequence[Frame]) -> EquationOfState:
    """The equation of state through the energies that structures are labelled with.

    Raises
    ------
    ValueError
        If a structure has no energy, or as `equation_of_state` does.
    """
    without = [frame.source for frame in frames if "energy" not in frame.labels]
    if without:
        raise ValueError(f"no energy in {', '.join(without[:5])}")
    _check_volumes([frame.atoms for frame in frames])
    return fit_equation_of_state(
        [frame.atoms.get_volume() / len(frame.atoms) for frame in frames],
        [float(frame.labels["energy"]) / len(frame.atoms) for frame in frames],
    )


def volume_scan(atoms: Atoms, strain: float = 0.04, points: int = 9) -> list[Atoms]:
    """Copies of a structure with all lengths scaled from 1 - strain to 1 + strain."""
    scanned = []
    for factor in np.linspace(1.0 - strain, 1.0 + strain, points):
        copy = atoms.copy()
        copy.set_cell(atoms.cell.array * factor, scale_atoms=True)
        scanned.append(copy)
    return scanned


def compare(found: EquationOfState, reference: EquationOfState) -> Comparison:
    """How far `found` is from `reference`."""
    at = reference.volumes
    difference = (found.curve(at) - found.energy) - (reference.curve(at) - reference.energy)
    return Comparison(
        volume_error=found.volume / reference.volume - 1.0,
        bulk_modulus_error=found.bulk_modulus / reference.bulk_modulus - 1.0,
        energy_error=found.energy - reference.energy,
        curve_error=float(np.sqrt(np.mean(difference**2))),
    )


def plot_equations_of_state(
    found: EquationOfState,
    reference: EquationOfState,
    path: str | Path,
    names: tuple[str, str] = ("model", "DFT"),
) -> None:
    """A picture of both, points and curves, each from its own minimum; the suffix of `path` says in
    which format."""
    figure = Figure(figsize=(5.0, 3.6), layout="constrained")
    axis = figure.subplots()
    for equation, name, colour, marker in (
        (reference, names[1], "black", "o"),
        (found, names[0], "tab:red", "x"),
    ):
        fine = np.linspace(equation.volumes[0], equation.volumes[-1], 200)
        lowest = equation.energy
        axis.plot(fine, 1e3 * (equation.curve(fine) - lowest), color=colour, lw=1.0)
        axis.plot(
            equation.volumes, 1e3 * (equation.energies - lowest), marker, color=colour,
            label=f"{name}: {equation.volume:.3f} Å³, {equation.bulk_modulus:.1f} GPa",
        )  # fmt: skip
    axis.set_xlabel("volume / Å³ per atom")
    axis.set_ylabel("energy / meV per atom")
    axis.legend()
    figure.savefig(path, dpi=150)


def _check_volumes(structures: Sequence[Atoms]) -> None:
    for number, atoms in enumerate(structures):
        if not atoms.pbc.all():
            raise ValueError(
                f"structure {number} has pbc {atoms.pbc.tolist()}: only a structure with three "
                "periodic directions has a volume"
            )
