"""
Your own descriptor in one file
===============================

A descriptor is a class with its settings beside it and one function of torch tensors. Everything
else follows: use from ASE structures, derivatives, its name in config files, and a suite of tests
that knows what has gone wrong in other packages.
"""

# %%
# The idea
# --------
# Around each atom, sum the directions :math:`\hat r_j` to its neighbours, weighted by radial
# functions :math:`g_n(r) = B_n(r) f(r)`: Bessel functions times a cutoff function. The sums are
# tensors of rank 0, 1 and 2; their squared lengths do not change under rotation:
#
# .. math::
#
#    \sum_j g_n(r_j), \qquad
#    \left|\sum_j g_n(r_j)\, \hat r_j\right|^2, \qquad
#    \left|\sum_j g_n(r_j) \left(\hat r_j \otimes \hat r_j - \tfrac13\right)\right|^2 .
#
# These are the simplest invariants of moment tensors (A. V. Shapeev, Multiscale Model. Simul. 14,
# 1153 (2016)).

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from ase.data import chemical_symbols
from pydantic import Field
from torch import Tensor

import mlip
from mlip import read_frames
from mlip.descriptors import Descriptor
from mlip.ops.cutoffs import polynomial
from mlip.ops.radial import bessel
from mlip.ops.scatter import sum_by_index
from mlip.settings import Settings

ROOT = Path(mlip.__file__).parents[1]  # of the clone

# %%
# The descriptor
# --------------
# ``Config`` holds the settings: their types are checked, and the texts below them become
# documentation. ``evaluate`` is given the vectors of all edges from centre to neighbour, the two
# atoms at their ends, and which species each atom is. It never sees a cell: periodicity is in the
# edges.


class Moments(Descriptor):
    """Squared lengths of the first three moments of the neighbour directions."""

    class Config(Settings):
        """Settings of the moments."""

        name: Literal["moments"] = "moments"
        cutoff: float = Field(default=5.0, gt=0)
        """Neighbours farther than this (Å) are not seen."""
        count: int = Field(default=6, ge=1)
        """Number of radial functions."""

    def __init__(self, config: Config, species: Sequence[int]) -> None:
        super().__init__(species, config.cutoff, len(set(species)) * config.count * 3)
        self.config = config

    def evaluate(
        self, vectors: Tensor, centres: Tensor, neighbours: Tensor, species_index: Tensor
    ) -> Tensor:
        n_atoms, n_species = len(species_index), len(self.species)
        distances = torch.linalg.vector_norm(vectors, dim=1)
        cutoff = polynomial(distances, self.cutoff)
        weights = (bessel(distances, self.cutoff, self.config.count) * cutoff).T
        directions = vectors / distances[:, None]
        squares = directions[:, :, None] * directions[:, None, :] - torch.eye(3).to(vectors) / 3
        row = centres * n_species + species_index[neighbours]  # one for each centre and species
        moments = [
            sum_by_index(weights, row, n_atoms * n_species),
            sum_by_index(weights[:, :, None] * directions[:, None], row, n_atoms * n_species),
            sum_by_index(weights[:, :, None, None] * squares[:, None], row, n_atoms * n_species),
        ]
        invariants = [moments[0], *(m.square().flatten(2).sum(dim=2) for m in moments[1:])]
        return torch.cat(invariants, dim=1).reshape(n_atoms, self.n_features)

    def feature_names(self) -> list[str]:
        symbols = [chemical_symbols[z] for z in self.species]
        orders = range(1, self.config.count + 1)
        return [f"{s} rank={rank} n={n}" for s in symbols for rank in range(3) for n in orders]


# %%
# The suite
# ---------
# The conformance suite is a class to inherit from. It asks for a descriptor and tests rotation,
# translation, permutation, supercells, every combination of periodic directions, skewed and
# left-handed cells, atoms outside the cell, cells smaller than the cutoff, isolated atoms, batches,
# smoothness at the cutoff, second derivatives and precision.

sys.path.insert(0, str(ROOT / "tests"))  # the suite lives beside the tests of the package
from conformance.descriptor import DescriptorConformance  # noqa: E402


class TestMoments(DescriptorConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def descriptor(cls) -> Moments:
        return Moments(Moments.Config(cutoff=4.5, count=4), cls.species)


if __name__ == "__main__":
    script = str(ROOT / "examples" / "04_your_own_descriptor.py")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", script],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout[-2000:])
    run.check_returncode()

# %%
# Does it know enough?
# --------------------
# A quick look, before any network is trained: can the energies of ``datasets/silicon`` be written
# as a sum over atoms of a quadratic function of these features? One linear least-squares fit,
# judged on structures that were left out.


def rows_and_energies(name: str, descriptor: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Mean features and their products for each structure, and energies per atom."""
    frames = read_frames([ROOT / "datasets" / "silicon" / f"{name}.extxyz"])
    upper = np.triu_indices(descriptor.n_features)
    rows = []
    for frame in frames:
        features = descriptor.create(frame.atoms)
        products = np.einsum("ai,aj->aij", features, features)[:, upper[0], upper[1]]
        rows.append(np.concatenate([[1.0], features.mean(0), products.mean(0)]))
    return np.array(rows), np.array([f.labels["energy"] / len(f) for f in frames])


if __name__ == "__main__":
    moments = Moments(Moments.Config(cutoff=5.0, count=4), species=[14])
    rows, energies = rows_and_energies("train", moments)
    mean, spread = energies.mean(), rows.std(axis=0) + 1e-12
    ridge = 1e-2 * np.eye(rows.shape[1])
    scaled = rows / spread
    weights = np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ (energies - mean))

    figure, axis = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
    for name, marker in (("train", "o"), ("test", "s")):
        rows, energies = rows_and_energies(name, moments)
        found = mean + rows / spread @ weights
        error = 1e3 * np.abs(found - energies).mean()
        axis.plot(energies, found, marker, ms=4, alpha=0.7, label=f"{name}: {error:.0f} meV/atom")
    axis.axline((energies[0], energies[0]), slope=1, color="0.6", lw=0.8, zorder=0)
    axis.set_xlabel("DFT energy / (eV/atom)")
    axis.set_ylabel("fitted energy / (eV/atom)")
    axis.legend(title="mean absolute error", frameon=False)
    axis.set_aspect("equal")
    axis.spines[["top", "right"]].set_visible(False)
    plt.show()

# %%
# Into config files
# -----------------
# In this package: the file goes into ``mlip/descriptors/``, and one line into the table in
# ``mlip/descriptors/registry.py``. In a package of your own, an entry point does it:
#
# .. code-block:: toml
#
#    [project.entry-points."mlip.descriptors"]
#    moments = "my_package.moments:Moments"
#
# From then on ``descriptor: {name: moments, count: 8}`` works in every config, is checked and
# documented by ``mlip schema``, and is stored in model files.
