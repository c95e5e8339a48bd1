"""Numbers: finite, repeatable, the same in a batch as alone, and right to how many digits."""

import copy

import numpy as np
import torch
from ase import Atoms

from mlip.validation.check import Check, Figure, judge
from mlip.validation.patient import Patient, predictions
from mlip.validation.symmetry import deviations

_WANT = ("energy", "forces", "stress")

#: Å between points of which a smooth curve should hold.
_STEP = 1e-6


def finite(patient: Patient) -> Check:
    """No prediction is NaN or infinite, in the model's own precision."""
    found = predictions(patient.own, patient.structures, _WANT)
    broken = sum(not np.isfinite(value).all() for result in found for value in result.values())
    return judge(
        "finite numbers",
        [Figure(float(broken), "predictions", 0.0)],
        "all predictions are finite numbers",
        "predictions are not finite: the structure lies far outside the training data, or the "
        "training has diverged",
    )


def repeatable(patient: Patient) -> Check:
    """The same question twice has the same answer, to the last bit; at worst a warning if the
    difference is of the size of rounding."""
    first = predictions(patient.own, patient.structures, _WANT)
    second = predictions(patient.own, patient.structures, _WANT)
    largest = max(
        1e3 * float(np.abs(one["forces"] - other["forces"]).max(initial=0.0))
        for one, other in zip(first, second)
    )
    same = all(np.array_equal(one[k], other[k]) for one, other in zip(first, second) for k in one)
    if same:
        meaning = "the same structure gives the same bits every time"
        return Check("repeatable", "pass", 0.0, "meV/Å", 0.0, meaning)
    meaning = (
        "the same structure gives slightly other numbers every time, as parallel sums on a GPU "
        "do: runs cannot be repeated exactly"
    )
    return Check("repeatable", "warn" if largest <= 1.0 else "fail", largest, "meV/Å", 0.0, meaning)


def batched(patient: Patient) -> Check:
    """Many structures at once give what each gives alone."""
    lonely = Atoms([patient.elements[0]], [[0.0, 0.0, 0.0]])
    structures = [*patient.structures, lonely, patient.small]
    together = patient.look(structures)
    figures = [
        figure
        for atoms, found in zip(structures, together)
        for figure in deviations(found, patient.look([atoms])[0])
    ]
    return judge(
        "batch and alone",
        figures,
        "a structure has the same energy and forces in a batch as alone",
        "predictions depend on which other structures are computed along: compute them one by one",
    )


def single_precision(patient: Patient) -> Check:
    """What float32 costs."""
    single = copy.deepcopy(patient.model).to(torch.float32)
    figures = []
    for rough, exact in zip(
        predictions(single, patient.structures, _WANT), patient.look(patient.structures, _WANT)
    ):
        energy = abs(float(rough["energy"] - exact["energy"])) / len(exact["forces"])
        force = float(np.abs(rough["forces"] - exact["forces"]).max(initial=0.0))
        figures.append(Figure(1e3 * energy, "meV/atom", 0.1))
        figures.append(Figure(1e3 * force, "meV/Å", 1.0))
    return judge(
        "float32 beside float64",
        figures,
        "float32 is as good as float64 for this model",
        "float32 loses digits that matter: use this model with dtype float64",
        leeway=10.0,
    )


def rounding_noise(patient: Patient) -> Check:
    """The energy in float64 follows a smooth curve down to 1e-6 Å: no part of the model computes
    in lower precision."""
    rng = patient.rng()
    steps = np.arange(-6, 7)
    figures = []
    for atoms in patient.structures:
        direction = rng.normal(size=(len(atoms), 3))
        direction /= np.linalg.norm(direction)
        moved = []
        for step in steps:
            copied = atoms.copy()
            copied.positions += step * _STEP * direction
            moved.append(copied)
        energies = patient.energies(moved)
        curve = np.polynomial.Polynomial.fit(steps, energies - energies.mean(), 2)
        noise = float(np.std(energies - energies.mean() - curve(steps)))
        scale = max(1.0, 1e-3 * float(np.abs(energies).max()))
        figures.append(Figure(1e3 * noise, "meV", 1e-7 * scale))
    return judge(
        "noise of float64",
        figures,
        "the energy is smooth down to the last digits of float64",
        "the energy is noisy in float64, so some part computes in lower precision: relaxations and "
        "phonons will not converge tightly",
    )
