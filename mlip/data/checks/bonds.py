"""Do short bonds push and long bonds pull? The sign and the size of forces, seen on bonds.

For each atom and its nearest neighbour the force that opens their bond is set against its length.
Whatever the material, the two are anticorrelated, and for bonds of hydrogen the slope is known: a
stretching constant of some 30 to 50 eV/Å^2 (Herzberg, Molecular Spectra and Molecular Structure),
twice that as difference of the forces on two atoms.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from mlip.data.checks.contacts import Contacts
from mlip.data.checks.report import Finding
from mlip.data.frames import Frame

_ENOUGH = 30  # bonds of one kind
_SOFT, _STIFF = 12.0, 400.0  # eV/Å^2, three times beyond what bonds of hydrogen have


def check_bonds(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    """Findings about the sign and unit of forces."""
    findings = []
    for (a, b), lengths, openings in _bonds(frames, contacts):
        if not np.std(openings) or np.std(lengths) < 1e-3:
            continue
        correlation = float(np.corrcoef(lengths, openings)[0, 1])
        slope = -float(np.polyfit(lengths, openings, 1)[0])
        bond = f"{chemical_symbols[a]}-{chemical_symbols[b]}"
        if correlation > 0.3:
            findings.append(
                Finding(
                    "error",
                    "bonds",
                    f"short {bond} bonds pull and long ones push (correlation {correlation:.2f} "
                    f"over {len(lengths)} bonds)",
                    "the forces have the wrong sign, they are gradients: turn it",
                )
            )
        elif correlation < -0.7 and a == 1 and b in (6, 7, 8) and not _SOFT < slope < _STIFF:
            findings.append(
                Finding(
                    "error",
                    "bonds",
                    f"{bond} bonds have a stiffness of {slope:.3g} eV/Å^2; some 70 are expected",
                    "check the unit of the forces: Hartree/Bohr are 51 times too small, kcal/mol/Å "
                    "23 times too large",
                )
            )
    return findings


def _bonds(
    frames: Sequence[Frame], contacts: Sequence[Contacts]
) -> list[tuple[tuple[int, int], np.ndarray, np.ndarray]]:
    """For each pair of elements with enough bonds: lengths in Å, and the forces that open them."""
    kinds: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    for frame, contact in zip(frames, contacts):
        if "forces" not in frame.labels or not len(contact.bonds):
            continue
        forces = frame.labels["forces"]
        first, second = contact.bonds.T
        lengths = np.linalg.norm(contact.bond_vectors, axis=1)
        away = contact.bond_vectors / np.maximum(lengths, 1e-12)[:, None]
        openings = ((forces[second] - forces[first]) * away).sum(axis=1)
        elements = np.sort(frame.atoms.numbers[contact.bonds], axis=1)
        for kind in np.unique(elements, axis=0):
            own = (elements == kind).all(axis=1)
            a, b = kind.tolist()
            kinds[a, b].append(np.stack([lengths[own], openings[own]]))
    joined = {kind: np.concatenate(values, axis=1) for kind, values in kinds.items()}
    return [(kind, v[0], v[1]) for kind, v in joined.items() if v.shape[1] >= _ENOUGH]
