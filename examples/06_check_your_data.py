"""
Check your data before training
===============================

Most trouble with potentials is trouble with data: a sign, a unit, a file that was read twice. Here
a sound data set is spoiled in eight ways that happen every day, and ``mlip data check`` is asked
what it sees.
"""

# %%
# A sound data set
# ----------------
# ``read_frames`` reads anything ASE reads and says which labels it found, where, and in how many
# structures. ``check_frames`` is what ``mlip data check`` calls; it needs no model.

import textwrap
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

import mlip
from mlip.data import DataReport, check_frames, frames_from_atoms

data = Path(mlip.__file__).parents[1] / "datasets" / "silicon"  # in the clone
sound = read(data / "train.extxyz", ":")
frames = frames_from_atoms(sound, sources=[f"train#{i}" for i in range(len(sound))])
print(frames.labels_found)


def show(report: DataReport) -> None:
    """What is wrong, and what to do about it."""
    wrong = [finding for finding in report.findings if finding.severity != "info"]
    for finding in wrong:
        print(textwrap.fill(f"{finding.severity}: {finding.what}", 84, subsequent_indent="  "))
        print(textwrap.fill(f"  to do: {finding.advice}", 84, subsequent_indent="  "))
    if not wrong:
        print("nothing wrong was found")


show(check_frames(frames))

# %%
# Eight ways to spoil it
# ----------------------
# Each function takes the structures with their labels and returns a spoiled copy.


def relabelled(atoms: Atoms, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Atoms:
    """A copy of labelled atoms with one label changed."""
    copy = atoms.copy()
    labels = atoms.calc.results | {name: change(np.asarray(atoms.calc.results[name]))}
    copy.calc = SinglePointCalculator(copy, **labels)
    return copy


def gradients_for_forces(structures: list[Atoms]) -> list[Atoms]:
    return [relabelled(atoms, "forces", lambda f: -f) for atoms in structures]


def energies_in_hartree(structures: list[Atoms]) -> list[Atoms]:
    return [relabelled(atoms, "energy", lambda e: e / 27.2114) for atoms in structures]


def stress_as_vasp_prints_it(structures: list[Atoms]) -> list[Atoms]:
    return [relabelled(atoms, "stress", lambda s: -s * 1602.1766) for atoms in structures]


def placeholders(structures: list[Atoms]) -> list[Atoms]:
    failed = [relabelled(atoms, "energy", lambda e: 0 * e) for atoms in structures[:3]]
    return failed + structures[3:]


def another_functional(structures: list[Atoms]) -> list[Atoms]:
    pairs = [atoms for atoms in structures if len(atoms) == 2]
    shifted = [relabelled(atoms, "energy", lambda e: e - 0.8) for atoms in pairs[:5]]
    return structures + shifted


def overlapping_atoms(structures: list[Atoms]) -> list[Atoms]:
    broken = structures[0].copy()
    broken.positions[1] = broken.positions[0] + [0.3, 0.3, 0.0]
    broken.calc = SinglePointCalculator(broken, **structures[0].calc.results)
    return [broken, *structures[1:]]


def one_file_twice(structures: list[Atoms]) -> list[Atoms]:
    return structures + structures[:20]


def wrong_isolated_atom(structures: list[Atoms]) -> list[Atoms]:
    lowest = min(atoms.get_potential_energy() / len(atoms) for atoms in structures)
    alone = Atoms("Si")
    alone.calc = SinglePointCalculator(alone, energy=lowest - 1.0)
    return [*structures, alone]


# %%
# What the check says
# -------------------
# Where similar structures have energies and forces, the energy differences tell whether the two
# belong together: the slope betrays sign and unit, and so the advice can name them.

spoilings = (
    gradients_for_forces,
    energies_in_hartree,
    stress_as_vasp_prints_it,
    placeholders,
    another_functional,
    overlapping_atoms,
    one_file_twice,
    wrong_isolated_atom,
)
reports = {}
for spoil in spoilings:
    name = spoil.__name__.replace("_", " ")
    reports[name] = check_frames(frames_from_atoms(spoil(sound)))
    print(f"\n===== {name}")
    show(reports[name])

# %%
# One look at the numbers
# -----------------------
# What the third one looks like: pressure against volume, as it should be and as VASP prints
# stresses (in kbar, positive under compression), read as if it were eV/Å\ :sup:`3`.

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), layout="constrained")
for axis, structures, title in (
    (axes[0], sound, "as ASE has it"),
    (axes[1], stress_as_vasp_prints_it(sound), "kbar with VASP's sign"),
):
    volumes = [atoms.get_volume() / len(atoms) for atoms in structures]
    pressures = [-np.mean(atoms.get_stress()[:3]) for atoms in structures]
    axis.scatter(volumes, pressures, s=14, alpha=0.7, linewidths=0)
    axis.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axis.set_xlabel("volume / Å³ per atom")
    axis.set_title(title)
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("pressure / (eV/Å³)")
plt.show()
