"""
Molecular dynamics in plain ASE
===============================

A trained potential is an ASE calculator, and ASE does the rest. ``mlip md`` runs the same dynamics
with checks, a log and resuming; this is for those who drive ASE themselves::

    python examples/03_md_with_ase.py [MODEL [STRUCTURE]]
"""

# %%
# A structure and a potential
# ---------------------------
# Without arguments: 64 atoms of silicon, and the potential of ``examples/benchmarks/silicon``.

import sys
from pathlib import Path

import ase.io
import matplotlib.pyplot as plt
import numpy as np
from ase import units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet

import mlip
from mlip import MLIPCalculator
from mlip.calculators.velocities import draw_velocities

arguments = dict(enumerate(sys.argv))
benchmarks = Path(mlip.__file__).parents[1] / "examples" / "benchmarks"  # in the clone
atoms = (
    ase.io.read(arguments[2])
    if 2 in arguments
    else bulk("Si", "diamond", a=5.47, cubic=True).repeat(2)
)
atoms.calc = MLIPCalculator(
    arguments.get(1, benchmarks / "silicon" / "model.safetensors"), dtype="float64"
)
print(f"{len(atoms)} atoms, {atoms.get_potential_energy() / len(atoms):.4f} eV/atom")

# %%
# Constant energy
# ---------------
# Velocities are drawn at twice the temperature that is wanted: a crystal at rest gives half of its
# kinetic energy to the springs between its atoms.

draw_velocities(atoms, kelvin=1200.0, seed=0)
dynamics = VelocityVerlet(atoms, timestep=1.0 * units.fs)
rows = []


def record() -> None:
    rows.append((atoms.get_total_energy() / len(atoms), atoms.get_temperature()))


dynamics.attach(record, interval=5)
dynamics.run(500)
total, kelvin = np.array(rows).T
picoseconds = 5e-3 * np.arange(len(rows))
print(f"temperature in the second half: {kelvin[len(kelvin) // 2 :].mean():.0f} K")
print(f"the total energy stayed within {1e3 * np.ptp(total):.3f} meV/atom")

# %%
# The temperature swings, the total energy must not. What it does is the error of the time step of
# 1 fs; it grows with its square.

figure, axes = plt.subplots(2, 1, figsize=(6.4, 4.6), sharex=True, layout="constrained")
axes[0].plot(picoseconds, kelvin, color="tab:red")
axes[0].set_ylabel("temperature / K")
axes[1].plot(picoseconds, 1e3 * (total - total[0]))
axes[1].set_ylabel("total energy / (meV/atom)")
axes[1].set_ylim(-1, 1)
axes[1].set_xlabel("time / ps")
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Relaxation
# ----------
# The same calculator relaxes atoms and cell: forces and stress are exact derivatives of one energy.

from ase.filters import UnitCellFilter  # noqa: E402
from ase.optimize import BFGS  # noqa: E402

atoms.rattle(0.05, seed=1)
BFGS(UnitCellFilter(atoms), logfile=None).run(fmax=0.001, steps=200)
largest = np.abs(atoms.get_forces()).max()
edge = atoms.cell.cellpar()[0] / 2
print(f"largest force {1e3 * largest:.2f} meV/Å; lattice constant {edge:.3f} Å")
