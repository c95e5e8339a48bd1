"""SOAP: the power spectrum of the neighbour density, expanded in radial functions and spherical
harmonics.

Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013). Every neighbour j of species Z is a
Gaussian of width sigma, weighted by a cutoff function f; the centre itself counts as a neighbour at
distance zero. With the orthonormal radial functions g_n,

    c_nlm^Z  = sum_j f(r_j) int exp(-|x - r_j|^2 / 2 sigma^2) g_n(|x|) Y_lm(x / |x|) d^3x
    p_nn'l^ZZ' = pi sqrt(8 / (2 l + 1)) sum_m c_nlm^Z c_n'lm^Z'

Prefactor, radial functions and the order of features are those of DScribe (Himanen et al., Comput.
Phys. Commun. 247, 106949 (2020)), which has no f: see `SOAPConfig.like_dscribe`.
"""

from collections.abc import Sequence
from math import log, pi, sqrt
from typing import Literal

import numpy as np
import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from mlip.descriptors.compiled import CompiledDescriptor
from mlip.descriptors.fused_soap import FusedSOAP
from mlip.descriptors.pull_back import PullBack, features_and_pull_back_by_autograd
from mlip.ops.chebyshev import ChebyshevSeries
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.cutoffs import CUTOFF_FUNCTIONS, CutoffName
from mlip.ops.padding import Rectangle, rectangles
from mlip.ops.radial import DENSITY_PROJECTIONS
from mlip.ops.spherical import L_MAX, solid_harmonics
from mlip.settings import Settings

#: Neighbours treated at once; bounds memory and keeps intermediate results in a core's cache.
_PLACES = 8192

#: Edges whose derivatives are found at once; bounds memory.
_EDGES = 2048


class SOAPConfig(Settings):
    """Settings of the SOAP power spectrum."""

    name: Literal["soap"] = "soap"
    cutoff: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    """Neighbours farther than this (Å) are not seen."""
    n_max: int = Field(default=8, ge=1)
    """Number of radial functions."""
    l_max: int = Field(default=6, ge=0, le=L_MAX)
    """Highest degree of the spherical harmonics."""
    sigma: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    """Width of the Gaussian that stands for an atom, Å."""
    radial_basis: Literal["gto", "polynomial"] = "gto"
    """Gaussian-type orbitals r^l exp(-alpha r^2), or polynomials (r_c - r)^(n + 2)."""
    cutoff_function: CutoffName | Literal["none"] = "polynomial"
    """How a neighbour's weight goes to zero at the cutoff. With `none`, features jump there: only
    for comparison with other codes."""
    basis_cutoff: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Where the radial functions end, Å; the cutoff if not given."""
    compression: Literal["none", "mu1nu1", "alchemical"] = "none"
    """mu1nu1 multiplies the density of each species with that of all species together, so that the
    number of features grows linearly with the species: Darby, Kermode and Csányi, npj Comput.
    Mater. 8, 166 (2022). alchemical mixes the densities of the species into a few channels, by
    weights that are learned with the model: Willatt, Musil and Ceriotti, Phys. Chem. Chem. Phys.
    20, 29661 (2018)."""
    channels: int = Field(default=4, ge=1)
    """Most channels of the alchemical compression; there are never more than species."""
    normalise: bool = False
    """Divide the feature vector of each atom by its length."""

    @model_validator(mode="after")
    def _check_basis(self) -> "SOAPConfig":
        if self.radial_basis == "gto" and self.basis_end <= 1.0:
            raise ValueError(f"the gto basis needs a cutoff above 1 Å, not {self.basis_end}")
        return self

    @property
    def basis_end(self) -> float:
        """Where the radial functions end, Å."""
        return self.cutoff if self.basis_cutoff is None else self.basis_cutoff

    @classmethod
    def like_dscribe(
        cls,
        r_cut: float,
        n_max: int,
        l_max: int,
        sigma: float = 1.0,
        rbf: Literal["gto", "polynomial"] = "gto",
        compression: Literal["none", "mu1nu1"] = "none",
    ) -> "SOAPConfig":
        """The settings with which features equal those of ``dscribe.descriptors.SOAP``: all
        neighbours count fully until their Gaussian has fallen to 1e-3 at `r_cut`, then not at all.

        Not smooth: for comparison, not for potentials.
        """
        return cls(
            cutoff=r_cut + sigma * sqrt(-2.0 * log(1e-3)),
            basis_cutoff=r_cut,
            n_max=n_max,
            l_max=l_max,
            sigma=sigma,
            radial_basis=rbf,
            cutoff_function="none",
            compression=compression,
        )


class SOAP(CompiledDescriptor):
    """SOAP power spectrum of each atom's environment.

    Features are ordered by pair of species Z <= Z' (or, with mu1nu1, species), then l, n, n'; for
    Z = Z' only n <= n' are kept.
    """

    Config = SOAPConfig
    undefined = "SOAP is not defined"
    selected: Tensor

    def __init__(self, config: SOAPConfig, species: Sequence[int]) -> None:
        n_species = len(set(species))
        n_rows = (
            min(config.channels, n_species) if config.compression == "alchemical" else n_species
        )
        selected = _selection(n_rows, config.n_max, config.l_max, config.compression)
        super().__init__(species, config.cutoff, len(selected))
        self.config: SOAPConfig = config
        self.radial = ChebyshevSeries(self._projections, config.cutoff)
        self.register_buffer("selected", torch.from_numpy(selected), persistent=False)
        first = _even_mixing(n_rows, n_species)
        self.mixing = nn.Parameter(first) if config.compression == "alchemical" else None
        own = self._own(torch.zeros(1, dtype=torch.float64))
        with_total = config.compression == "mu1nu1"
        self.fused = FusedSOAP(self._weighted, own, config.cutoff, n_species, with_total)

    def _projections(self, distances: np.ndarray) -> np.ndarray:
        """R_nl on a grid [l, n; points], with the root of the prefactor of the power spectrum."""
        config = self.config
        values = DENSITY_PROJECTIONS[config.radial_basis](
            distances, config.n_max, config.l_max, config.sigma, config.basis_end
        )
        degrees = np.arange(config.l_max + 1)
        prefactor = np.sqrt(pi * np.sqrt(8.0 / (2.0 * degrees + 1.0)))
        return (prefactor[:, None, None] * values).reshape(-1, len(distances))

    def evaluate(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        features = super().evaluate(vectors, centres, neighbours, species_index)
        if self.config.normalise:
            return features / torch.linalg.vector_norm(features, dim=1, keepdim=True)
        return features

    def features_and_pull_back(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "atoms features"], PullBack]:
        edges = (centres, neighbours, species_index)
        if self.config.normalise:
            return features_and_pull_back_by_autograd(self.evaluate, vectors, *edges)
        return super().features_and_pull_back(vectors, *edges)

    def in_the_core(
        self, vectors: Tensor, edges: tuple[Tensor, Tensor, Tensor]
    ) -> CompiledFunction | None:
        if not self.fused.can_do(vectors):
            return None
        return self.fused.function(vectors, *edges, lambda v, m: self.power_spectrum(v, m, *edges))

    def inputs(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Edge vectors, and the mixing of species: without rows where they are not mixed."""
        mixing = vectors.new_empty(0, len(self.species)) if self.mixing is None else self.mixing
        return vectors, mixing

    def evaluate_in_torch(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        """Before they are normalised."""
        _, mixing = self.inputs(vectors)
        return self.power_spectrum(vectors, mixing, centres, neighbours, species_index)

    def power_spectrum(
        self,
        vectors: Float[Tensor, "edges 3"],
        mixing: Float[Tensor, "channels species"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, "atoms features"]:
        """The features before they are normalised; `mixing` without rows stands for densities that
        are not mixed."""
        n_atoms, n_species = len(species_index), len(self.species)
        row = centres * n_species + species_index[neighbours]
        density = self._own_density(species_index, vectors)
        for rectangle in rectangles(row, n_atoms * n_species, _PLACES):
            density = density.index_add(0, rectangle.rows, self._density(vectors, rectangle))
        density = density.unflatten(0, (n_atoms, n_species))
        if len(mixing):
            density = torch.einsum("ks,asnm->aknm", mixing, density)
        return self._products(density)

    def _weighted(self, distances: Float[Tensor, " points"]) -> Float[Tensor, "functions points"]:
        """R_nl(r) f(r)."""
        radial: Tensor = self.radial(distances)
        if self.config.cutoff_function == "none":
            return radial
        return radial * CUTOFF_FUNCTIONS[self.config.cutoff_function](distances, self.cutoff)

    def _own(self, origin: Float[Tensor, "1"]) -> Float[Tensor, " n_max"]:
        """c_n00 of an atom itself."""
        return self.radial(origin)[: self.config.n_max, 0] / sqrt(4.0 * pi)

    def _own_density(
        self, species_index: Int[Tensor, " atoms"], vectors: Float[Tensor, "edges 3"]
    ) -> Float[Tensor, "rows n_max harmonics"]:
        """c_nlm of the centres themselves: only l = 0, in the row of their own species."""
        n_atoms, n_species = len(species_index), len(self.species)
        own = torch.arange(n_atoms, device=vectors.device) * n_species + species_index
        harmonics = (self.config.l_max + 1) ** 2
        density = vectors.new_zeros(n_atoms * n_species, self.config.n_max, harmonics)
        density[own, :, 0] = self._own(vectors.new_zeros(1))
        return density

    def _density(
        self, vectors: Float[Tensor, "edges 3"], rectangle: Rectangle
    ) -> Float[Tensor, "rows n_max harmonics"]:
        """c_nlm of the neighbours in each row of a rectangle.

        Empty places hold a vector to the cutoff, of weight zero.
        """
        config = self.config
        empty = vectors.new_tensor([0.0, 0.0, self.cutoff])
        xyz = rectangle.filled(vectors, empty).T.contiguous()
        distances = torch.linalg.vector_norm(xyz, dim=0)
        occupied = rectangle.occupied().to(xyz.dtype)
        harmonics = solid_harmonics(xyz / distances, config.l_max) * occupied
        harmonics = harmonics.unflatten(1, rectangle.shape).permute(1, 2, 0)
        radial = self._weighted(distances).unflatten(1, rectangle.shape).transpose(0, 1)
        products = [
            radial[:, l * config.n_max : (l + 1) * config.n_max]
            @ harmonics[:, :, l * l : (l + 1) ** 2]
            for l in range(config.l_max + 1)
        ]
        return torch.cat(products, dim=2)

    def _products(
        self, density: Float[Tensor, "atoms species n_max harmonics"]
    ) -> Float[Tensor, "atoms features"]:
        """p_nn'l of the densities of species or channels."""
        left = density.flatten(1, 2)
        right = density.sum(dim=1) if self.config.compression == "mu1nu1" else left
        blocks = [slice(l * l, (l + 1) ** 2) for l in range(self.config.l_max + 1)]
        products = [left[..., block] @ right[..., block].transpose(1, 2) for block in blocks]
        return torch.stack(products, dim=1).flatten(1)[:, self.selected]

    @torch.no_grad()
    def features_and_jacobian(
        self,
        vectors: Float[Tensor, "edges 3"],
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "atoms features"], Float[Tensor, "edges 3 features"]]:
        """By the product rule: a neighbour changes the density of its own species only, and the
        power spectrum is a product of densities."""
        n_atoms, n_species = len(species_index), len(self.species)
        kinds = species_index[neighbours]
        density = self._own_density(species_index, vectors)
        blocks = torch.split(torch.arange(len(vectors), device=vectors.device), _EDGES)
        slopes = []
        for block in blocks:
            terms, slope = self._terms_and_slopes(vectors[block])
            density.index_add_(0, centres[block] * n_species + kinds[block], terms)
            slopes.append(slope)
        density = density.unflatten(0, (n_atoms, n_species))
        shares = torch.eye(n_species, dtype=vectors.dtype, device=vectors.device)
        if self.mixing is not None:
            shares = self.mixing
            density = torch.einsum("ks,asnm->aknm", shares, density)
        features = self._products(density)
        jacobian = features.new_empty(*vectors.shape, self.n_features)
        for block, slope in zip(blocks, slopes):
            jacobian[block] = self._product_slopes(
                density[centres[block]], slope, shares.T[kinds[block]]
            )
        if self.config.normalise:
            length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
            features = features / length
            unit = features[centres].unsqueeze(1)
            jacobian -= unit * (unit * jacobian).sum(dim=2, keepdim=True)
            jacobian /= length[centres].unsqueeze(2)
        return features, jacobian

    def _terms_and_slopes(
        self, vectors: Float[Tensor, "edges 3"]
    ) -> tuple[Float[Tensor, "edges n_max harmonics"], Float[Tensor, "edges 3 n_max harmonics"]]:
        """What each edge adds to the density, and its derivative by the edge vector.

        The derivative by one component is found forwards, as the derivative of the gradient by
        the weights it was taken with: three sweeps for all edges.
        """
        config = self.config
        degree = [l for l in range(config.l_max + 1) for _ in range(2 * l + 1)]
        with torch.enable_grad():
            free = vectors.detach().requires_grad_(True)
            xyz = free.T
            distances = torch.linalg.vector_norm(xyz, dim=0)
            radial = self._weighted(distances).unflatten(0, (config.l_max + 1, config.n_max))
            harmonics = solid_harmonics(xyz / distances, config.l_max)
            terms = (radial[degree] * harmonics.unsqueeze(1)).permute(2, 1, 0)
            weights = torch.zeros_like(terms, requires_grad=True)
            (gradient,) = torch.autograd.grad(terms, free, weights, create_graph=True)
            slopes = [
                torch.autograd.grad(component.sum(), weights, retain_graph=True)[0]
                for component in gradient.unbind(1)
            ]
        return terms.detach(), torch.stack(slopes, dim=1)

    def _product_slopes(
        self,
        density: Float[Tensor, "edges species n_max harmonics"],
        slope: Float[Tensor, "edges 3 n_max harmonics"],
        shares: Float[Tensor, "edges species"],
    ) -> Float[Tensor, "edges 3 features"]:
        """Derivative of the power spectrum at the centre of each edge by the edge vector; `shares`
        are those of the neighbour in the densities."""
        changed = shares[:, None, :, None, None] * slope.unsqueeze(2)
        left, d_left = density.flatten(1, 2), changed.flatten(2, 3)
        compressed = self.config.compression == "mu1nu1"
        right, d_right = (density.sum(dim=1), slope) if compressed else (left, d_left)
        products = []
        for l in range(self.config.l_max + 1):
            m = slice(l * l, (l + 1) ** 2)
            from_left = d_left[..., m].flatten(1, 2) @ right[..., m].transpose(1, 2)
            from_right = d_right[..., m].flatten(1, 2) @ left[..., m].transpose(1, 2)
            products.append(
                from_left.unflatten(1, (3, -1)) + from_right.unflatten(1, (3, -1)).transpose(2, 3)
            )
        return torch.stack(products, dim=2).flatten(2)[..., self.selected]

    def feature_names(self) -> list[str]:
        symbols = [chemical_symbols[z] for z in self.species]
        if self.mixing is not None:
            symbols = [f"channel{k}" for k in range(len(self.mixing))]
        left = [f"{s} n={n}" for s in symbols for n in range(self.config.n_max)]
        right = left
        if self.config.compression == "mu1nu1":
            right = [f"any n={n}" for n in range(self.config.n_max)]
        names = [
            f"l={l} {a} {b}" for l in range(self.config.l_max + 1) for a in left for b in right
        ]
        return [names[i] for i in self.selected.tolist()]


def _selection(n_species: int, n_max: int, l_max: int, compression: str) -> np.ndarray:
    """Which of the products [l, (Z, n), (Z', n')] are features, in DScribe's order."""
    partners = 1 if compression == "mu1nu1" else n_species
    l, a, n, b, k = np.indices((l_max + 1, n_species, n_max, partners, n_max)).reshape(5, -1)
    kept = np.full(len(l), True) if partners < n_species else (a < b) | ((a == b) & (n <= k))
    if compression == "mu1nu1":
        kept[:] = True
    order = np.lexsort((k, n, l, b, a))
    return order[kept[order]]


def _even_mixing(n_channels: int, n_species: int) -> Float[Tensor, "channels species"]:
    """Orthonormal channels to begin with, the rows of a cosine transform: the first takes all
    species alike, each further one tells them apart more finely. Numbers that float32 can hold."""
    k, s = np.indices((n_channels, n_species))
    rows = np.cos(pi * k * (s + 0.5) / n_species) * np.sqrt((2.0 - (k == 0)) / n_species)
    return torch.from_numpy(rows).float().double()
