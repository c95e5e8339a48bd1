"""
Descriptors of a crystal
========================

A descriptor turns the surroundings of an atom into a vector of numbers that does not change when
the structure is turned, moved or written down in another cell. Here SOAP tells the phases of
silicon apart, and shows which surroundings a data set holds.
"""

# %%
# Phases of silicon
# -----------------
# Six crystals with the lattice constants of PBE, or close to them. The two diamonds differ only in
# how their layers are stacked.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk
from ase.spacegroup import crystal

import mlip
from mlip import SOAP, read_frames

hexagonal = {"spacegroup": 194, "cellpar": [3.86, 3.86, 6.37, 90, 90, 120]}
tin = {"spacegroup": 141, "cellpar": [4.81, 4.81, 2.65, 90, 90, 90]}
phases = {
    "diamond": bulk("Si", "diamond", a=5.47),
    "hexagonal\ndiamond": crystal("Si", [(1 / 3, 2 / 3, 0.0625)], **hexagonal),
    "β-tin": crystal("Si", [(0, 0, 0)], **tin),
    "simple\ncubic": bulk("Si", "sc", a=2.53),
    "bcc": bulk("Si", "bcc", a=3.09),
    "fcc": bulk("Si", "fcc", a=3.87),
}

# %%
# The descriptor
# --------------
# A descriptor is made from its settings, the same as in a training config, and the elements it is
# to know. ``create`` takes any ASE structure and returns an array with one row for each atom.

soap = SOAP(SOAP.Config(cutoff=5.0, n_max=8, l_max=6, normalise=True), species=[14])
features = {name: soap.create(atoms) for name, atoms in phases.items()}
print(f"{soap.n_features} features, for instance {', '.join(soap.feature_names()[:3])}")
print("one row for each atom of hexagonal diamond:", features["hexagonal\ndiamond"].shape)

# %%
# The same crystal, turned in space, shifted and repeated, has the same features. Only rounding
# differs.

diamond = phases["diamond"]
turned = diamond.repeat((1, 2, 3))
turned.rotate(40, (1, 2, 3), rotate_cell=True)
turned.translate([100, 0, 3])
change = np.abs(soap.create(turned) - features["diamond"][0]).max()
print(f"largest change of a feature: {change:.0e}")

# %%
# How different are the phases?
# -----------------------------
# Normalised feature vectors lie on a sphere; the distance between two of them,
# :math:`\sqrt{2 - 2\, p \cdot p'}`, says how different two surroundings are. All atoms of each of
# these crystals are alike, so one atom stands for all.

points = np.array([rows[0] for rows in features.values()])
distances = np.sqrt(np.maximum(2.0 - 2.0 * points @ points.T, 0.0))

figure, axis = plt.subplots(figsize=(6.6, 5.2), layout="constrained")
image = axis.imshow(distances, cmap="viridis_r", vmin=0)
for (row, column), value in np.ndenumerate(distances):
    colour = "white" if value > 0.55 * distances.max() else "black"
    axis.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
axis.set_xticks(range(len(phases)), phases)
axis.set_yticks(range(len(phases)), phases)
axis.tick_params(length=0)
axis.spines[:].set_visible(False)
figure.colorbar(image, label="distance", shrink=0.85)
axis.set_title("Distance between the phases of silicon")
plt.show()

# %%
# The two diamonds, with the same four nearest neighbours, are close; the dense phases form a group
# of their own.

# %%
# A map of a data set
# -------------------
# The same features show what a potential will have seen. Every atom of the training set in
# ``datasets/silicon`` is a point; the axes are the two directions in which the points spread most
# (principal components). Where there are no points, a potential extrapolates.

data = Path(mlip.__file__).parents[1] / "datasets" / "silicon"  # in the clone
frames = read_frames([data / "train.extxyz"])
environments = [soap.create(frame.atoms) for frame in frames]
kinds = np.repeat([frame.config_type for frame in frames], [len(frame) for frame in frames])
rows = np.concatenate(environments)
centre = rows.mean(axis=0)
_, spread, directions = np.linalg.svd(rows - centre, full_matrices=False)
plane = directions[:2].T
share = (spread[:2] ** 2).sum() / (spread**2).sum()

figure, axis = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
for kind in sorted(set(kinds), key=lambda kind: -np.sum(kinds == kind)):
    x, y = ((rows[kinds == kind] - centre) @ plane).T
    axis.scatter(x, y, s=14, alpha=0.7, linewidths=0, label=f"{kind} ({len(x)})")
for name in ("diamond", "β-tin", "simple\ncubic", "bcc", "fcc"):
    x, y = (features[name][0] - centre) @ plane
    axis.plot(x, y, "k+", markersize=10)
    axis.annotate(name.replace("\n", " "), (x, y), (5, 4), textcoords="offset points")
axis.set_xlabel("first principal component")
axis.set_ylabel("second principal component")
axis.set_title(f"{len(rows)} atoms; the plane holds {share:.0%} of the spread")
axis.legend(title="config_type (atoms)", frameon=False)
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Other descriptors are used the same way: :class:`mlip.descriptors.SymmetryFunctions`,
# :class:`mlip.descriptors.WeightedSymmetryFunctions`, :class:`mlip.descriptors.Chebyshev`. They are
# written in torch, so features can be differentiated by positions and cell.
