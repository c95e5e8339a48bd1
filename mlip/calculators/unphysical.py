"""When a run has left physics: every criterion is looked at after every step, and names itself."""

from collections.abc import Callable

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from mlip.calculators.md_settings import MDLimits

#: Å beyond the limiting distance within which pairs are known between two searches.
_SKIN = 1.0


class Watch:
    """Looks at the atoms after every step and says what is wrong with them, if anything.

    Parameters
    ----------
    volume : of the start, Å^3; NaN if the structure has none
    kelvin : target temperature, or that of the start
    temperature : kinetic temperature of atoms in K
    """

    def __init__(
        self,
        volume: float,
        limits: MDLimits,
        kelvin: float,
        temperature: Callable[[Atoms], float],
    ) -> None:
        self._limits = limits
        self._hottest = max(limits.temperature, limits.temperature_factor * kelvin)
        self._temperature = temperature
        self._volume = volume
        self._energy: float | None = None
        self._closeness = Closeness(limits.closeness)

    def look(self, atoms: Atoms, energy: float, forces: np.ndarray) -> str | None:
        """Why the state, with its energy (eV) and forces (eV/Å), is unphysical, in words and
        figures; None if it is not."""
        return (
            _not_finite(atoms, energy, forces)
            or self._jump(energy, len(atoms))
            or self._force(atoms, forces)
            or self._heat(atoms)
            or self._swelling(atoms)
            or self._closeness.look(atoms)
        )

    def _jump(self, energy: float, n_atoms: int) -> str | None:
        before, self._energy = self._energy, energy
        jump = 0.0 if before is None else (energy - before) / n_atoms
        if abs(jump) <= self._limits.energy_jump:
            return None
        return (
            f"the potential energy jumped by {jump:+.3g} eV/atom in one step "
            f"(limit {self._limits.energy_jump:g})"
        )

    def _force(self, atoms: Atoms, forces: np.ndarray) -> str | None:
        sizes = np.linalg.norm(forces, axis=1)
        worst = int(sizes.argmax())
        if sizes[worst] <= self._limits.force:
            return None
        return (
            f"the force on atom {worst} ({atoms.symbols[worst]}) is {sizes[worst]:.4g} eV/Å "
            f"(limit {self._limits.force:g})"
        )

    def _heat(self, atoms: Atoms) -> str | None:
        kelvin = self._temperature(atoms)
        if kelvin <= self._hottest:
            return None
        return f"the temperature is {kelvin:.0f} K (limit {self._hottest:.0f})"

    def _swelling(self, atoms: Atoms) -> str | None:
        if np.isnan(self._volume):
            return None
        ratio, limit = atoms.get_volume() / self._volume, self._limits.volume_factor
        if 1.0 / limit <= ratio <= limit:
            return None
        return (
            f"the volume is {ratio:.3g} times that of the start (limits 1/{limit:g} to {limit:g})"
        )


def _not_finite(atoms: Atoms, energy: float, forces: np.ndarray) -> str | None:
    named = {
        "positions": atoms.positions,
        "momenta": atoms.get_momenta(),
        "cell": atoms.cell.array,
        "energy": energy,
        "forces": forces,
    }
    bad = [name for name, value in named.items() if not np.isfinite(value).all()]
    return f"{' and '.join(bad)} are no longer finite numbers" if bad else None


class Closeness:
    """Finds atoms closer than a fraction of the sum of their covalent radii.

    Pairs are searched with some margin; as long as no atom has moved by half of what the closest
    pair had left, none can have become too close, and nothing is searched.
    """

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction
        self._searched: tuple[np.ndarray, np.ndarray] | None = None
        self._slack = 0.0

    def look(self, atoms: Atoms) -> str | None:
        """The closest such pair, in words and figures; None if there is none."""
        if self._fraction == 0.0 or self._cannot_be(atoms):
            return None
        radii = self._fraction * covalent_radii[atoms.numbers]
        i, j, distance = neighbor_list("ijd", atoms, radii + 0.5 * _SKIN)
        slack = distance - radii[i] - radii[j]
        self._searched = (atoms.positions.copy(), atoms.cell.array.copy())
        self._slack = min(_SKIN, float(slack.min(initial=_SKIN)))
        if self._slack >= 0.0:
            return None
        pair = int(slack.argmin())
        a, b = int(i[pair]), int(j[pair])
        return (
            f"atoms {a} ({atoms.symbols[a]}) and {b} ({atoms.symbols[b]}) are "
            f"{distance[pair]:.3f} Å apart (limit {radii[a] + radii[b]:.3f})"
        )

    def _cannot_be(self, atoms: Atoms) -> bool:
        if self._searched is None:
            return False
        positions, cell = self._searched
        if not np.array_equal(cell, atoms.cell.array):
            return False
        moved = np.linalg.norm(atoms.positions - positions, axis=1).max(initial=0.0)
        return bool(2.0 * moved < self._slack)
