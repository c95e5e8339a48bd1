"""
A silicon potential in five minutes
===================================

From 200 small PBE calculations to a potential: check the data, train, judge on structures that were
never seen, compare the equation of state with DFT, run molecular dynamics, and examine the result.

Run it with ``make demo``. Everything it does is a command that you can type yourself.
"""

# %%
# The data are in ``datasets/silicon``: strained, rattled and defective crystals, other phases and
# liquid snapshots of 2 to 16 atoms, and a card that says how they were made.

import shutil
from pathlib import Path

from ase.build import bulk
from ase.io import write

from mlip import MLIPCalculator, read_frames
from mlip.cli import console
from mlip.cli.main import app
from mlip.validation.physics import (
    compare,
    equation_of_state,
    labelled_equation_of_state,
    plot_equations_of_state,
)

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "datasets" / "silicon"
RUN = ROOT / "runs" / "silicon"


def mlip(*words: str | Path) -> None:
    """Run one command of the command line."""
    shown = [str(word).replace(f"{ROOT}/", "") for word in words]
    print(f"\n$ mlip {' '.join(shown)}\n", flush=True)
    with console.plain_warnings():
        app([str(word) for word in words], standalone_mode=False)


# %%
# Look at the data first
# ----------------------
# What is in it, where the labels were found, and whether anything is suspicious.

mlip("data", "check", DATA / "train.extxyz", DATA / "isolated_atoms.extxyz")

# %%
# Train
# -----
# One config file says it all: ``examples/silicon.yaml``. The run folder then holds the model, the
# learning curve and ``report.html``. If the run was interrupted, it goes on where it was.

resume = ["--resume"] if (RUN / "config.yaml").exists() else []
mlip("train", ROOT / "examples" / "silicon.yaml", "--run-folder", RUN, *resume)

# %%
# Judge
# -----
# Errors on the test set, which took no part in training.

MODEL = RUN / "model.safetensors"
mlip("evaluate", MODEL, DATA / "test.extxyz")

# %%
# Equation of state
# -----------------
# The points of the crystal at eleven volumes or more were not trained on.

points = read_frames([DATA / "eos.extxyz"], require=["energy"])
dft = labelled_equation_of_state(points)
with console.plain_warnings():
    model = equation_of_state([frame.atoms for frame in points], MLIPCalculator(MODEL))
difference = compare(model, dft)
plot_equations_of_state(model, dft, RUN / "eos.png")
rows = [
    ("volume [Å^3/atom]", dft.volume, model.volume, difference.volume_error),
    ("bulk modulus [GPa]", dft.bulk_modulus, model.bulk_modulus, difference.bulk_modulus_error),
]
print(f"\n{'equation of state':20}{'DFT':>10}{'model':>10}{'error':>10}")
for name, expected, found, error in rows:
    print(f"{name:20}{expected:10.3f}{found:10.3f}{error:+10.2%}")
print(f"rms difference of the curves: {1e3 * difference.curve_error:.2f} meV/atom")

# %%
# Molecular dynamics
# ------------------
# One picosecond at constant energy. A crystal at rest gives half of its kinetic energy to the
# potential, so it starts at 1200 K to arrive at 600 K.

shutil.rmtree(RUN / "md", ignore_errors=True)
crystal = RUN / "crystal.extxyz"
write(crystal, bulk("Si", "diamond", a=(8.0 * dft.volume) ** (1 / 3), cubic=True))
mlip(
    "md", MODEL, crystal, "--supercell", "2", "2", "2", "--ensemble", "nve",
    "--temperature", "1200", "--timestep", "1", "--time", "1", "--output-dir", RUN / "md",
)  # fmt: skip

# %%
# Examine
# -------
# Symmetries, derivatives, limits: is the potential physically sound?

mlip("doctor", MODEL, DATA / "test.extxyz")

print(f"""
Look at
  {RUN / "report.html"}   errors with pictures
  {RUN / "eos.png"}   equation of state
  {RUN / "md"}   trajectory, log and picture of the run

Use it
  from mlip import MLIPCalculator
  atoms.calc = MLIPCalculator("{MODEL}")
""")
