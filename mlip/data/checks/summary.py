"""The numbers of the report's tables: one row for each element, one for each config_type."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from mlip.data.checks.contacts import Contacts
from mlip.data.checks.report import ElementSummary, GroupSummary, Range
from mlip.data.checks.stress import pressure
from mlip.data.frames import Frame, elements
from mlip.data.statistics import ReferenceEnergies


def count_pbc(frames: Sequence[Frame]) -> dict[str, int]:
    """How many structures have each periodicity."""
    kinds = ("".join("T" if periodic else "F" for periodic in f.atoms.pbc) for f in frames)
    return dict(Counter(kinds).most_common())


def count_labels(frames: Sequence[Frame]) -> dict[str, int]:
    """How many structures have each label."""
    return {n: sum(n in f.labels for f in frames) for n in ("energy", "forces", "stress")}


def summarise_elements(
    frames: Sequence[Frame], contacts: Sequence[Contacts], references: ReferenceEnergies | None
) -> list[ElementSummary]:
    """One row for each element, in the order of atomic numbers."""
    rows = []
    for z in elements(frames):
        own = [frame.atoms.numbers == z for frame in frames]
        forces = [f.labels["forces"][m] for f, m in zip(frames, own) if "forces" in f.labels]
        nearest = np.concatenate([c.nearest[m] for c, m in zip(contacts, own)])
        rms, largest = _force_sizes(forces)
        rows.append(
            ElementSummary(
                symbol=chemical_symbols[z],
                n_atoms=int(sum(mask.sum() for mask in own)),
                n_structures=sum(bool(mask.any()) for mask in own),
                force_rms=rms,
                force_max=largest,
                nearest=float(nearest.min()) if np.isfinite(nearest).any() else None,
                reference_energy=references.values.get(z) if references else None,
            )
        )
    return rows


def summarise_groups(frames: Sequence[Frame]) -> list[GroupSummary]:
    """One row for each config_type, the most frequent first."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[frame.config_type].append(frame)
    rows = [_summarise_group(name, group) for name, group in groups.items()]
    return sorted(rows, key=lambda row: -row.n_structures)


def _summarise_group(name: str, frames: Sequence[Frame]) -> GroupSummary:
    rms, largest = _force_sizes([f.labels["forces"] for f in frames if "forces" in f.labels])
    sizes = Range.of([len(frame) for frame in frames])
    assert sizes is not None  # a group has members
    return GroupSummary(
        config_type=name,
        n_structures=len(frames),
        atoms=sizes,
        labels=count_labels(frames),
        energy=Range.of(
            [float(f.labels["energy"]) / len(f) for f in frames if "energy" in f.labels]
        ),
        force_rms=rms,
        force_max=largest,
        pressure=Range.of([pressure(frame) for frame in frames if "stress" in frame.labels]),
    )


def _force_sizes(forces: Sequence[np.ndarray]) -> tuple[float | None, float | None]:
    """Root mean square of the components, and the largest force, eV/Å."""
    every = np.concatenate([np.zeros((0, 3)), *forces])
    if not len(every):
        return None, None
    return float(np.sqrt(np.mean(every**2))), float(np.linalg.norm(every, axis=1).max())
