"""Molecular dynamics in plain ASE with a trained potential.

    python examples/03_md_with_ase.py MODEL STRUCTURE

`mlip md` does the same with checks, a log, a plot and resuming; here is what lies beneath, for
those who drive ASE themselves. Silicon, for instance: 1 ps at constant energy.
"""

import sys

import ase.io
import numpy as np
from ase import units
from ase.md.verlet import VelocityVerlet

from mlip import MLIPCalculator
from mlip.calculators.velocities import draw_velocities

model, structure = sys.argv[1:3]
atoms = ase.io.read(structure)
atoms.calc = MLIPCalculator(model)
draw_velocities(atoms, kelvin=600.0, seed=0)

dynamics = VelocityVerlet(atoms, timestep=1.0 * units.fs, trajectory="md.traj", loginterval=10)
energies = []
for _ in range(20):
    dynamics.run(50)
    energies.append(atoms.get_total_energy())
    picoseconds = dynamics.get_time() / (1000.0 * units.fs)
    print(f"{picoseconds:5.2f} ps  {energies[-1]:.6f} eV  {atoms.get_temperature():6.1f} K")

spread = 1000.0 * np.ptp(energies) / len(atoms)
print(f"the total energy stayed within {spread:.4f} meV/atom")
