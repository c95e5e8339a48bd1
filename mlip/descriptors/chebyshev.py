"""Chebyshev descriptors: the radial and angular distributions around an atom, expanded in Chebyshev
polynomials, once for all neighbours alike and once weighted by species.

N. Artrith, A. Urban, G. Ceder, Phys. Rev. B 96, 014112 (2017). Their number does not depend on the
number of species. With f the cutoff function and w the weight of a neighbour's species,

    radial_a  = sum_j w_j T_a(2 r_ij / r_c - 1) f(r_ij)
    angular_a = sum_{j<k} w_j w_k T_a(cos theta_ijk) f(r_ij) f(r_ik)

T_a(cos theta) is a sum of Legendre polynomials up to degree a, so the sum over pairs is, by the
addition theorem, a sum of squares of moments of the neighbours' directions: exact, and linear in
the number of neighbours. The compiled core does it without a tape, and goes back through it from
dE/d(feature) to dE/d(edge vector); second derivatives are those of the same in torch.
"""

from collections.abc import Sequence
from math import pi
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.polynomial import chebyshev, legendre
from pydantic import Field, model_validator
from torch import Tensor

from mlip import kernels
from mlip.descriptors.compiled import CompiledDescriptor
from mlip.ops.chebyshev import chebyshev_polynomials
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.cutoffs import CUTOFF_FUNCTIONS, IN_THE_CORE, CutoffName
from mlip.ops.padding import Rectangle, rectangles
from mlip.ops.spherical import L_MAX, solid_harmonics
from mlip.settings import Settings

#: Neighbours treated at once; bounds memory and keeps intermediate results in a core's cache.
_PLACES = 8192


class ChebyshevConfig(Settings):
    """Settings of the Chebyshev descriptors."""

    name: Literal["chebyshev"] = "chebyshev"
    cutoff: float = Field(default=6.0, gt=0, allow_inf_nan=False)
    """Neighbours farther than this (Å) are not seen."""
    cutoff_function: CutoffName = "polynomial"
    """How a neighbour's weight goes to zero at the cutoff; cosine is only once differentiable."""
    angular_cutoff: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Radius for the angular part, Å; the cutoff if not given."""
    radial_order: int = Field(default=12, ge=0)
    """Highest degree of the radial polynomials."""
    angular_order: int = Field(default=8, ge=0, le=L_MAX)
    """Highest degree of the angular polynomials."""

    @model_validator(mode="after")
    def _check_cutoffs(self) -> "ChebyshevConfig":
        if self.angular_end > self.cutoff:
            raise ValueError(
                f"angular_cutoff ({self.angular_end} Å) must not exceed cutoff ({self.cutoff} Å)"
            )
        return self

    @property
    def angular_end(self) -> float:
        """Radius for the angular part, Å."""
        return self.cutoff if self.angular_cutoff is None else self.angular_cutoff


class Chebyshev(CompiledDescriptor):
    """Radial and angular coefficients of the structure, then, for two species or more, the same
    weighted by species: ..., -2, -1, 1, 2, ... by increasing atomic number, with 0 in the middle of
    an odd number."""

    Config = ChebyshevConfig
    undefined = "Chebyshev descriptors are not defined"
    set_weights: Tensor
    legendre_to_chebyshev: Tensor

    def __init__(self, config: ChebyshevConfig, species: Sequence[int]) -> None:
        weights = _set_weights(len(set(species)))
        n_each = config.radial_order + config.angular_order + 2
        super().__init__(species, config.cutoff, len(weights) * n_each)
        self.config: ChebyshevConfig = config
        self.register_buffer("set_weights", torch.from_numpy(weights), persistent=False)
        self.register_buffer(
            "legendre_to_chebyshev",
            torch.from_numpy(_legendre_to_chebyshev(config.angular_order)),
            persistent=False,
        )

    def in_the_core(
        self, vectors: Tensor, edges: tuple[Tensor, Tensor, Tensor]
    ) -> CompiledFunction | None:
        if not kernels.runs_on(vectors.device):
            return None
        config, core = self.config, torch.ops.mlip
        kind = IN_THE_CORE.index(config.cutoff_function)
        tables = (self.set_weights, self.legendre_to_chebyshev)
        numbers = (config.radial_order, kind, self.cutoff, config.angular_end)
        fixed = (*edges, *tables, *numbers)
        return CompiledFunction(
            lambda vectors: core.chebyshev(vectors, *fixed),
            lambda by, vectors: (core.chebyshev_gradients(by, vectors, *fixed),),
            lambda vectors: self.evaluate_in_torch(vectors, *edges),
        )

    def evaluate_in_torch(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        n_atoms, n_sets = len(species_index), len(self.set_weights)
        weights = self.set_weights.to(vectors.dtype)[:, species_index[neighbours]].T
        features = vectors.new_zeros(n_atoms, n_sets, self.n_features // n_sets)
        for rectangle in rectangles(centres, n_atoms, _PLACES):
            found = self._features(rectangle, vectors, weights)
            features = features.index_add(0, rectangle.rows, found)
        return features.flatten(1)

    def _features(
        self,
        rectangle: Rectangle,
        vectors: Float[Tensor, "edges 3"],
        weights: Float[Tensor, "edges sets"],
    ) -> Float[Tensor, "rows sets features_of_set"]:
        """Empty places hold a vector to the cutoff, of weight zero."""
        xyz = rectangle.filled(vectors, vectors.new_tensor([0.0, 0.0, self.cutoff])).T.contiguous()
        distances = torch.linalg.vector_norm(xyz, dim=0)
        cutoff_function = CUTOFF_FUNCTIONS[self.config.cutoff_function]
        species_weights = rectangle.filled(weights, weights.new_zeros(weights.shape[1]))
        outer = species_weights * cutoff_function(distances, self.cutoff)[:, None]
        inner = species_weights * cutoff_function(distances, self.config.angular_end)[:, None]
        polynomials = chebyshev_polynomials(
            2.0 * distances / self.cutoff - 1.0, self.config.radial_order + 1
        )
        radial = _by_row(outer, rectangle).transpose(1, 2) @ _by_row(polynomials.T, rectangle)
        angular = self._angular(xyz / distances, _by_row(inner, rectangle), rectangle)
        return torch.cat([radial, angular], dim=2)

    def _angular(
        self,
        directions: Float[Tensor, "3 places"],
        weights: Float[Tensor, "rows width sets"],
        rectangle: Rectangle,
    ) -> Float[Tensor, "rows sets angular"]:
        """sum_{j<k} w_j w_k P_l(cos theta) = (4 pi / (2 l + 1) sum_m |sum_j w_j Y_lm|^2
        - sum_j w_j^2) / 2, then from Legendre to Chebyshev polynomials."""
        harmonics = solid_harmonics(directions, self.config.angular_order)
        moments = weights.transpose(1, 2) @ _by_row(harmonics.T, rectangle)
        alone = weights.square().sum(dim=1)
        pairs = [
            2.0 * pi / (2 * l + 1) * moments[..., l * l : (l + 1) ** 2].square().sum(dim=2)
            - 0.5 * alone
            for l in range(self.config.angular_order + 1)
        ]
        return torch.stack(pairs, dim=2) @ self.legendre_to_chebyshev.to(weights.dtype)

    def feature_names(self) -> list[str]:
        orders = [f"radial {a}" for a in range(self.config.radial_order + 1)]
        orders += [f"angular {a}" for a in range(self.config.angular_order + 1)]
        sets = ("structure", "species")[: len(self.set_weights)]
        return [f"{name} {order}" for name in sets for order in orders]


def _by_row(
    values: Float[Tensor, "places values"], rectangle: Rectangle
) -> Float[Tensor, "rows width values"]:
    return values.unflatten(0, rectangle.shape)


def _set_weights(n_species: int) -> np.ndarray:
    """Weights [sets, species]: ones, and for several species numbers symmetric about zero."""
    if n_species == 1:
        return np.ones((1, 1))
    half = n_species // 2
    spins = [s for s in range(-half, half + 1) if s != 0 or n_species % 2]
    return np.stack([np.ones(n_species), np.array(spins, dtype=np.float64)])


def _legendre_to_chebyshev(order: int) -> np.ndarray:
    """Matrix [l, a] with T_a = sum_l matrix[l, a] P_l."""
    columns = [legendre.poly2leg(chebyshev.cheb2poly(row)) for row in np.eye(order + 1)]
    return np.stack([np.pad(c, (0, order + 1 - len(c))) for c in columns], axis=1)
