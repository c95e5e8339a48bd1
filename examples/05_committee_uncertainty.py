"""
A committee and its uncertainty
===============================

Several networks, trained alike but for their random numbers, agree where they have seen data and
part where they have not. Their mean is the prediction, their spread an error bar.
"""

# %%
# Four networks
# -------------
# One config, four seeds. The seed decides first weights, the order of the data, and which tenth of
# the training structures is set aside for validation, so no two members see quite the same. They
# are small and trained briefly here, so that this page is made in a minute.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.build import bulk

import mlip
from mlip import AtomicGraph, MLIPCalculator, load_model, read_frames, save_model
from mlip.data import GraphDataset
from mlip.models import Committee, Laplace, Potential, evaluate
from mlip.settings import parse_settings
from mlip.training import TrainingConfig, train
from mlip.training.calibration import calibrate_model

data = Path(mlip.__file__).parents[1] / "datasets" / "silicon"  # in the clone
config = parse_settings(
    TrainingConfig,
    {
        "data": {"train": [str(data / "train.extxyz")], "valid": 0.1},
        "model": {
            "name": "behler_parrinello",
            "descriptor": {"name": "soap", "cutoff": 5.0, "n_max": 6, "l_max": 4},
            "hidden": [24, 24],
        },
        "epochs": 60,
        "batch_atoms": 32,
        "device": "cpu",
    },
)

folder = Path(tempfile.mkdtemp())
members = []
for seed in range(4):
    run = folder / f"seed-{seed}"
    errors = train(config.model_copy(update={"seed": seed}), run)
    found = errors["valid"].overall["forces"]
    print(f"seed {seed}: {found.mae:.0f} {found.unit} on its validation set")
    members.append(load_model(run / "model.safetensors"))

# %%
# One model
# ---------
# A ``Committee`` is a potential like any other. It can be saved, examined by ``mlip doctor`` and
# used in ASE, where it has two more results: ``energy_uncertainty`` in eV and
# ``forces_uncertainty`` in eV/Å for each atom, standard deviations over the members.

committee = Committee(members)
save_model(folder / "committee.safetensors", committee)
crystal = bulk("Si", cubic=True)
crystal.rattle(0.1, seed=0)
crystal.calc = MLIPCalculator(folder / "committee.safetensors")
per_atom = 1e3 * crystal.calc.get_property("energy_uncertainty", crystal) / len(crystal)
print(f"energy {crystal.get_potential_energy():.3f} eV, give or take {per_atom:.1f} meV/atom")

# %%
# Does the spread know the error?
# -------------------------------
# On structures that no member was trained on: the spread of the forces on each atom against the
# true error. Each point is an atom. A spread is worth having if it is large where the error is
# large; it need not be equal to it. Where it is small it usually flatters: the members share data,
# features and shape, and with them some of their errors.

frames = [*read_frames([data / "test.extxyz"]), *read_frames([data / "valid.extxyz"])]
graphs = [AtomicGraph.from_atoms(frame.atoms) for frame in frames]
predictions = evaluate(committee, graphs, ("forces", "forces_uncertainty"))
spreads = np.concatenate([found["forces_uncertainty"] for found in predictions])
misses = np.concatenate(
    [
        np.linalg.norm(found["forces"] - frame.labels["forces"], axis=1)
        for found, frame in zip(predictions, frames)
    ]
)
seen = misses > 1e-4  # symmetry makes the force exactly zero on some atoms
spreads, misses = spreads[seen], misses[seen]
groups = np.array_split(np.argsort(spreads), 8)

figure, axis = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
axis.loglog(spreads, misses, "o", ms=4, alpha=0.5, mew=0, label="one atom")
axis.loglog(
    [np.median(spreads[group]) for group in groups],
    [np.sqrt(np.mean(misses[group] ** 2)) for group in groups],
    "D-", color="tab:red", ms=6, label="rms of an eighth of the atoms",
)  # fmt: skip
axis.axline((0.1, 0.1), (1, 1), color="0.6", lw=0.8, zorder=0, label="error = spread")
axis.set_xlabel("spread of the committee / (eV/Å)")
axis.set_ylabel("error of the force / (eV/Å)")
axis.legend(frameon=False)
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# One network, and error bars that are right
# ------------------------------------------
# A single network can tell its uncertainty too: the Laplace approximation of its last layer needs
# the training data once more, but no further training. ``calibrate_model`` finds the factor that
# makes an error bar of either, puts it onto the model's card, and tells how good it was: how
# closely predicted and found errors are correlated, and which share of the errors is within one
# standard deviation, before the factor and after it.

train_frames = read_frames([data / "train.extxyz"])
single = Laplace.fit(members[0], GraphDataset(train_frames, members[0].cutoff))
for name, model in (("committee", committee), ("single network", single)):
    before = calibrate_model(model, frames, "test and validation set")["forces"]
    after = calibrate_model(model, frames, "test and validation set")["forces"]
    print(
        f"{name}: factor {before.factor:.1f}, correlation {before.correlation:.2f}, within one "
        f"standard deviation {before.within[0]:.0%}, then {after.within[0]:.0%} of "
        f"{after.expected_within[0]:.0%}"
    )

# %%
# The factor of the single network is large: what is not in its last layer is not uncertain to it.
# What counts is that it knows where. ``mlip uncertainty`` does the same on the command line.

# %%
# Where the data end
# ------------------
# Diamond, compressed and stretched far beyond the volumes at which it is in the training data. Each
# line is a member; the band is two standard deviations. The crosses are DFT, and none of them was
# trained on.

points = read_frames([data / "eos.extxyz"])
volumes = np.array([frame.atoms.get_volume() / len(frame) for frame in points])
energies = np.array([float(frame.labels["energy"]) / len(frame) for frame in points])
grid = np.linspace(10.0, 34.0, 80)


def energies_per_atom(model: Potential, structures: list[Atoms]) -> np.ndarray:
    found = evaluate(model, [AtomicGraph.from_atoms(atoms) for atoms in structures], ("energy",))
    return np.array([f["energy"] for f in found]) / [len(atoms) for atoms in structures]


crystals = [bulk("Si", "diamond", a=(8 * volume) ** (1 / 3)) for volume in grid]
curves = np.array([energies_per_atom(member, crystals) for member in members])
mean, deviation = curves.mean(axis=0), curves.std(axis=0, ddof=1)
lowest = energies.min()

figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
axis.axvspan(volumes.min(), volumes.max(), color="0.93", zorder=0)
axis.fill_between(
    grid, mean - 2 * deviation - lowest, mean + 2 * deviation - lowest, alpha=0.25, lw=0,
    label="committee ± 2 standard deviations",
)  # fmt: skip
axis.plot(grid, curves.T - lowest, color="tab:blue", lw=0.7, alpha=0.7)
axis.plot(grid, mean - lowest, color="tab:blue", lw=2)
axis.plot(volumes, energies - lowest, "kx", label="DFT, not trained on")
axis.set_ylim(-0.6, 2.5)
axis.text(volumes.mean(), -0.4, "DFT points", ha="center", color="0.4")
axis.set_xlabel("volume / Å³ per atom")
axis.set_ylabel("energy / eV per atom")
axis.legend(frameon=False, loc="upper center")
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Inside the data the members agree to a few meV/atom; outside, the band opens. Where it is open, a
# calculation with DFT is worth its price. Mind the opposite conclusion: members that are wrong in
# the same way agree too, so a small spread is a hint and no proof.
#
# F. Bigi *et al.*, Mach. Learn.: Sci. Technol. 5, 045018 (2024) (last layer);
# B. Lakshminarayanan, A. Pritzel, C. Blundell, NeurIPS 2017; F. Musil *et al.*, J. Chem. Theory
# Comput. 15, 906 (2019).
