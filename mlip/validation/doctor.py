"""The doctor: every check that makes sense on a trained model and on the user's own structures."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from ase import Atoms

from mlip.models import Potential
from mlip.validation import derivatives, limits, precision, symmetry
from mlip.validation.check import Check
from mlip.validation.patient import Patient

#: Every check, in the order of the table.
CHECKS: tuple[Callable[[Patient], Check], ...] = (
    symmetry.rotation,
    symmetry.reflection,
    symmetry.translation,
    symmetry.permutation,
    symmetry.supercell,
    symmetry.unwrapped,
    symmetry.equivalent_cell,
    symmetry.meaningless_cell,
    derivatives.forces,
    derivatives.forces_every_pbc,
    derivatives.stress,
    derivatives.net_force,
    derivatives.net_torque,
    limits.energy_at_cutoff,
    limits.forces_at_cutoff,
    limits.curvature_at_cutoff,
    limits.far_apart,
    limits.isolated_atoms,
    limits.dimers_close,
    limits.neighbours_close,
    precision.finite,
    precision.repeatable,
    precision.batched,
    precision.single_precision,
    precision.rounding_noise,
)


def examine(model: Potential, structures: Sequence[Atoms] = (), seed: int = 0) -> Iterator[Check]:
    """The findings, one after the other, in the order of `CHECKS`.

    Parameters
    ----------
    structures : the user's own; some are made up of the model's elements if there are none
    seed : of every random rotation, displacement and choice

    Raises
    ------
    ValueError
        If a structure has no atoms, or an element that the model does not know.
    """
    for number, atoms in enumerate(structures):
        if len(atoms) == 0:
            raise ValueError(f"structure {number} has no atoms")
        model.index_of(torch.tensor(atoms.numbers, device=model.device))
    patient = Patient(model, structures, seed)
    for check in CHECKS:
        yield _survived(check, patient)


def sample(structures: Sequence[Atoms], count: int) -> list[Atoms]:
    """At most `count` structures, evenly spread over all."""
    chosen = np.unique(np.linspace(0, len(structures) - 1, min(count, len(structures))).round())
    return [structures[int(i)] for i in chosen]


def _survived(check: Callable[[Patient], Check], patient: Patient) -> Check:
    """The finding of a check; that it could not be finished is a finding too."""
    try:
        return check(patient)
    except Exception as problem:  # whatever a broken model does, the other checks go on
        name = check.__name__.replace("_", " ")
        meaning = f"the model failed under this check: {type(problem).__name__}: {problem}"
        return Check(name, "fail", None, "", None, meaning)
