"""What a model needs to know about its data before training: energies of atoms, and a scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase.data import chemical_symbols

from mlip.data.frames import Frame, elements
from mlip.data.label_search import where_declared
from mlip.neighbours import neighbour_list

#: Å; an atom this far from its images, or further, is isolated.
_ALONE = 8.0


@dataclass(frozen=True)
class ReferenceEnergies:
    """The energy of each element that is subtracted before anything is learned.

    Attributes
    ----------
    values : eV by atomic number
    source : where they come from
    residual : root mean square of what they leave of the energy per atom, eV
    unique : False if the compositions in the data do not determine them: then the solution of
        least norm was taken, whose sums are right and whose single values mean nothing
    """

    values: dict[int, float]
    source: Literal["isolated atoms", "least squares", "given"]
    residual: float
    unique: bool = True

    def remainder(self) -> str:
        """What they leave of the energies, in words: beyond free atoms, that is cohesion."""
        if self.source == "isolated atoms":
            return f"structures are bound by {self.residual:.2f} eV/atom (rms), their cohesion"
        if self.source == "given":
            return f"energies lie {self.residual:.2f} eV/atom (rms) away from them"
        return f"energies scatter around them by {1e3 * self.residual:.0f} meV/atom (rms)"

    def __str__(self) -> str:
        values = ", ".join(f"{chemical_symbols[z]} {e:.4f}" for z, e in self.values.items())
        note = "" if self.unique else "; least norm, the compositions do not determine them"
        return f"{values} eV ({self.source}{note})"


def reference_energies(
    frames: Sequence[Frame], isolated: Mapping[int, float] | None = None
) -> ReferenceEnergies:
    """Energies of the elements: those given, else of isolated atoms among the frames if there are
    some for every element, else least squares on the energies per atom.

    Isolated atoms and least squares are never mixed: the element that is left over would carry
    the binding energy of all.

    Parameters
    ----------
    isolated : eV by atomic number, for every element of the frames

    Raises
    ------
    ValueError
        If an element has no given energy, frames have no energies, or isolated atoms of one
        element have different energies.
    """
    species = elements(frames)
    if isolated is not None:
        missing = [chemical_symbols[z] for z in species if z not in isolated]
        if missing:
            raise ValueError(
                f"no energy of an isolated atom is given for {', '.join(missing)}. Give all of "
                "them, or none: then isolated atoms in the data or least squares are used"
            )
        values = {z: float(isolated[z]) for z in species}
        return ReferenceEnergies(values, "given", _residual(frames, values))
    found = isolated_energies(frames)
    if species and all(z in found for z in species):
        return ReferenceEnergies(found, "isolated atoms", _residual(frames, found))
    return _least_squares(frames, species)


def isolated_energies(frames: Sequence[Frame]) -> dict[int, float]:
    """Energies of isolated atoms in eV, by atomic number.

    Raises
    ------
    ValueError
        If atoms of one element have energies that differ by more than 1 meV.
    """
    found: dict[int, tuple[float, str]] = {}
    for frame in frames:
        if not is_isolated_atom(frame) or "energy" not in frame.labels:
            continue
        number, energy = int(frame.atoms.numbers[0]), float(frame.labels["energy"])
        first, source = found.setdefault(number, (energy, frame.source))
        if abs(energy - first) > 1e-3:
            raise ValueError(
                f"the isolated {chemical_symbols[number]} atoms {source} and {frame.source} have "
                f"energies {first:.4f} and {energy:.4f} eV. Keep the one with the right spin and "
                "level of theory"
            )
    return {z: found[z][0] for z in sorted(found)}


def is_isolated_atom(frame: Frame) -> bool:
    """One atom, with no image nearer than 8 Å."""
    if len(frame) != 1:
        return False
    return not frame.atoms.pbc.any() or not len(neighbour_list("i", frame.atoms, _ALONE))


def without_isolated_atoms(frames: Sequence[Frame]) -> list[Frame]:
    """The frames that are not isolated atoms, in order."""
    return [frame for frame in frames if not is_isolated_atom(frame)]


def energy_scale(frames: Sequence[Frame], references: ReferenceEnergies) -> float:
    """A scale in eV for the outputs of a network: the root mean square force component if there
    are forces (with lengths in Å), else the standard deviation of the energies per atom beyond
    the references. At least 1 meV; 1 eV if there is nothing to measure."""
    bound = without_isolated_atoms(frames)
    squares = [np.square(f.labels["forces"]).ravel() for f in bound if "forces" in f.labels]
    if squares and (scale := float(np.sqrt(np.concatenate(squares).mean()))) > 0.0:
        return max(scale, 1e-3)
    spread = binding_energies(bound, references.values)
    if len(spread) > 1 and (scale := float(np.std(spread))) > 0.0:
        return max(scale, 1e-3)
    return 1.0


def binding_energies(frames: Sequence[Frame], values: Mapping[int, float]) -> np.ndarray:
    """Energy per atom beyond the references, eV, of the frames that have an energy."""
    return np.array(
        [
            (f.labels["energy"] - sum(values[int(z)] for z in f.atoms.numbers)) / len(f)
            for f in frames
            if "energy" in f.labels
        ]
    )


def mean_binding_energies(frames: Sequence[Frame], values: Mapping[int, float]) -> dict[int, float]:
    """What an atom of each element has on average beyond the references, eV by atomic number.

    The least squares fit to `binding_energies`; that of least norm if it is not unique.
    """
    labelled = [f for f in without_isolated_atoms(frames) if "energy" in f.labels]
    species = elements(frames)
    if not labelled:
        return dict.fromkeys(species, 0.0)
    solution, _ = _fit_elements(labelled, species, binding_energies(labelled, values))
    return dict(zip(species, solution))


def _residual(frames: Sequence[Frame], values: Mapping[int, float]) -> float:
    left = binding_energies(without_isolated_atoms(frames), values)
    return float(np.sqrt(np.mean(left**2))) if len(left) else 0.0


def _least_squares(frames: Sequence[Frame], species: Sequence[int]) -> ReferenceEnergies:
    """Minimise the sum over structures of (E / n - sum of references / n)^2."""
    bound = without_isolated_atoms(frames) or list(frames)
    labelled = [frame for frame in bound if "energy" in frame.labels]
    if not labelled:
        raise ValueError(
            "reference energies need energies, and no structure has one. Declare the key of the "
            f"energy if it has another name ({where_declared('energy')}); or, to train without "
            "energies, give those of the isolated atoms (data.reference_energies)"
        )
    energies = np.array([f.labels["energy"] / len(f) for f in labelled])
    solution, rank = _fit_elements(labelled, species, energies)
    values = dict(zip(species, solution))
    residual = _residual(labelled, values)
    return ReferenceEnergies(values, "least squares", residual, rank == len(species))


def _fit_elements(
    frames: Sequence[Frame], species: Sequence[int], energies: np.ndarray
) -> tuple[list[float], int]:
    """Energy of each element that best gives the energies per atom, and the rank of the fit."""
    fractions = np.array([[np.mean(f.atoms.numbers == z) for z in species] for f in frames])
    solution, _, rank, _ = np.linalg.lstsq(fractions, energies, rcond=1e-10)
    return [float(e) for e in solution], int(rank)
