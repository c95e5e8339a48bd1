"""The uncertainty of one model, from the curvature of its loss in the weights of its last layer.

The learned energy of a structure is linear in the weights w of the last layer, E = phi . w, and so
are the forces. Near its smallest value the loss is therefore quadratic in w, and with a normal
prior the weights are normally distributed about those that were found, with the covariance

    C = ( sum phi phi^T / s_E^2  +  sum psi psi^T / s_F^2  +  1 / t^2 )^-1

The sums run over the energies per atom and the components of forces that the model was trained on;
phi and psi are their derivatives by w, s_E and s_F the root mean squares of the errors that remain,
and t the size of the weights themselves, 1.48 times the median of |w|. What is predicted for
another structure has the variance phi^T C phi, or psi^T C psi.

D. J. C. MacKay, Neural Comput. 4, 448 (1992); of the last layer alone: A. Kristiadi, M. Hein and P.
Hennig, ICML (2020), arXiv:2002.10118; for potentials: F. Bigi, S. Chong, M. Ceriotti and F.
Grasselli, Mach. Learn.: Sci. Technol. 5, 045018 (2024).

Energies cost nothing more. The variance of forces would cost a backward pass for each weight.
Instead K random orthonormal combinations of the whitened features take part, as the members of a
shallow ensemble with one backbone do (M. Kellner and M. Ceriotti, Mach. Learn.: Sci. Technol. 5,
035006 (2024)): right on average, and exact when there are as many as weights.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
from jaxtyping import Float, Int
from pydantic import Field, PositiveInt
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.batching import batches
from mlip.models.derivatives import predict
from mlip.models.exact import ExactModule
from mlip.models.registry import ModelConfig, build_model
from mlip.ops.scatter import sum_by_index
from mlip.settings import Settings

#: Backward passes for the uncertainties of forces, unless another number is wanted.
PASSES = 32

#: Atoms whose features are differentiated at once.
_ATOMS_AT_ONCE = 256

#: eV/atom and eV/Å. No labels are converged better than this.
_SMALLEST_NOISE = {"energy": 1e-5, "forces": 1e-4}

#: Of a normal distribution, standard deviation over median of the absolute value.
_PER_MEDIAN = 1.4826


class Laplace(Potential):
    """A trained model that knows its uncertainty, with energies and forces as they were.

    Made by `Laplace.fit`; before, its uncertainties are not a number.

    Parameters
    ----------
    model : single, with a last linear layer
    passes : backward passes for the uncertainties of forces, at most

    Raises
    ------
    ValueError
        If the model is not a single one, or has no last linear layer.
    """

    class Config(Settings):
        """A single model with the covariance of its last weights."""

        name: Literal["laplace"] = "laplace"
        model: ModelConfig
        passes: PositiveInt = Field(default=PASSES)
        """Backward passes for the uncertainties of forces. With as many as last weights they are
        exact; 32 of 100 are right to about a tenth."""

    config: Config

    def __init__(self, model: Potential, passes: int = PASSES) -> None:
        if model.potentials != [model]:
            raise ValueError(
                f"the model is a {type(model).__name__}, which has an uncertainty already; the "
                "Laplace approximation is of a single model, as it was trained"
            )
        super().__init__(model.species, model.cutoff)
        # not validated again: the model may be of a kind that is in no registry
        self.config = self.Config.model_construct(model=model.config, passes=passes)
        self.model = model
        self.posterior = _Posterior(len(model.last_weights()), passes)

    @classmethod
    def build(cls, config: "Laplace.Config", species: Sequence[int]) -> "Laplace":  # type: ignore[override]
        return cls(build_model(config.model, species), config.passes)

    @classmethod
    def fit(
        cls, model: Potential, graphs: Sequence[AtomicGraph], passes: int = PASSES
    ) -> "Laplace":
        """The model with the covariance that follows from its training data.

        Parameters
        ----------
        graphs : with neighbours, and labels of energy or forces; other labels are not looked at
        passes : as of the class

        Raises
        ------
        ValueError
            If there are no labels, or the model has no last linear layer.
        """
        found = cls(model, passes).to(model.device)
        weights = model.last_weights().detach().double()
        size = _PER_MEDIAN * float(weights.abs().quantile(0.5)) or 1.0
        precision = torch.eye(len(weights), dtype=torch.float64, device=weights.device) / size**2
        found.posterior.set(precision + _curvature(model, graphs))
        return found

    @property
    def potentials(self) -> list[Potential]:
        return [self.model]

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        seen = self.model.last_features(graph, species_index)
        return self._energies(seen, graph, species_index)

    @property
    def knows_its_uncertainty(self) -> bool:
        return True

    def votes(
        self, graph: AtomicGraph
    ) -> tuple[Float[Tensor, " atoms"], Float[Tensor, "votes atoms"]]:
        """The deviating ones are independent, each with what one standard deviation does."""
        graph = graph.within(self.cutoff)
        index = self.model.species_index(graph)
        seen = self.model.last_features(graph, index)
        in_ev = self.model.composition.scale * seen.double()
        return self._energies(seen, graph, index), self.posterior.whitening @ in_ev.T

    def condensed(self, totals: Float[Tensor, "votes structures"]) -> Float[Tensor, "_ structures"]:
        return self.posterior.mixing @ totals

    def variance(self, votes: Float[Tensor, " votes *values"]) -> Float[Tensor, "*values"]:
        return (votes**2).sum(0)

    def _energies(self, seen: Tensor, graph: AtomicGraph, species_index: Tensor) -> Tensor:
        """In eV, by the same operations whether or not an uncertainty is wanted too."""
        return self.model.in_ev(seen @ self.model.last_weights(), graph, species_index)

    # ------------------------------------------------------------------ what the model itself has

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        return self.model.features(graph)

    @property
    def knows_its_range(self) -> bool:
        return self.model.knows_its_range

    def with_features(self, graph: AtomicGraph) -> AtomicGraph:
        return self.model.with_features(graph)

    def extrapolations(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:
        return self.model.extrapolations(graph)

    def resolved_config(self) -> dict[str, Any]:
        own = {"name": "laplace", "passes": self.config.passes}
        return own | {"model": self.model.resolved_config()}


class _Posterior(ExactModule):
    """The distribution of P weights.

    Attributes
    ----------
    whitening : [P, P] makes independent features of variance one
    mixing : [K, P] K combinations of these whose sum of squares is on average that of all
    """

    whitening: Tensor
    mixing: Tensor

    def __init__(self, n_weights: int, passes: int) -> None:
        super().__init__()
        size = min(passes, n_weights), n_weights
        unknown = torch.full((n_weights, n_weights), torch.nan, dtype=torch.float64)
        self.register_buffer("whitening", unknown)
        self.register_buffer("mixing", torch.eye(*size, dtype=torch.float64))

    def set(self, precision: Float[Tensor, "weights weights"]) -> None:
        """Fix it from the inverse of the covariance."""
        n_combinations, n_weights = self.mixing.shape
        unit = torch.eye(n_weights, dtype=torch.float64, device=precision.device)
        factor = torch.linalg.cholesky(precision)
        self.whitening.copy_(torch.linalg.solve_triangular(factor, unit, upper=False))
        if n_combinations < n_weights:
            random = torch.Generator().manual_seed(0)
            square = torch.randn(n_weights, n_weights, generator=random, dtype=torch.float64)
            orthonormal = torch.linalg.qr(square).Q[:n_combinations]
            self.mixing.copy_((n_weights / n_combinations) ** 0.5 * orthonormal)


class _Evidence:
    """What the labels of one property tell of the weights, summed over portions."""

    def __init__(self, smallest_noise: float) -> None:
        self.products: Tensor | float = 0.0
        self.squares = 0.0
        self.count = 0
        self._smallest_noise = smallest_noise

    def add(
        self, rows: Float[Tensor, "labels weights"], residuals: Float[Tensor, " labels"]
    ) -> None:
        self.products = self.products + rows.T @ rows
        self.squares += float((residuals**2).sum())
        self.count += len(residuals)

    def precision(self) -> Tensor | float:
        """Zero if there are no labels."""
        noise = max(self.squares / max(self.count, 1), self._smallest_noise**2)
        return self.products / noise


def _curvature(model: Potential, graphs: Sequence[AtomicGraph]) -> Float[Tensor, "weights weights"]:
    """What labelled structures add to the inverse of the covariance."""
    found = {name: _Evidence(smallest) for name, smallest in _SMALLEST_NOISE.items()}
    for joined in batches(graphs, _ATOMS_AT_ONCE):
        batch = joined.to(model.device)
        labelled = [name for name in found if name in batch.labels]
        predicted = predict(model, batch, labelled)
        residuals = {name: predicted[name] - batch.labels[name] for name in labelled}
        totals, by_positions = _last_derivatives(model, batch, "forces" in labelled)
        counts = batch.atom_counts
        if "energy" in labelled:
            known = ~residuals["energy"].isnan()
            rows = totals[known] / counts[known, None]
            found["energy"].add(rows, residuals["energy"][known] / counts[known])
        if "forces" in labelled:
            known = ~residuals["forces"].isnan()
            found["forces"].add(by_positions[known], residuals["forces"][known])
    if not any(evidence.count for evidence in found.values()):
        raise ValueError("there is no label of energy or forces from which to find a covariance")
    return cast(Tensor, sum(evidence.precision() for evidence in found.values()))


def _last_derivatives(
    model: Potential, batch: AtomicGraph, of_forces: bool
) -> tuple[Float[Tensor, "structures weights"], Float[Tensor, "atoms 3 weights"]]:
    """Derivatives of energies (eV) and forces (eV/Å, if wanted) by the last weights."""
    with torch.set_grad_enabled(of_forces):
        positions = batch.positions.detach().requires_grad_(of_forces)
        moved = batch.replace(positions=positions).within(model.cutoff)
        seen = model.last_features(moved, model.index_of(moved.numbers)).double()
        totals = sum_by_index(model.composition.scale * seen, batch.structure, batch.n_structures)
        forces = positions.new_zeros(*positions.shape, totals.shape[1])
        for p in range(totals.shape[1] if of_forces and totals.grad_fn is not None else 0):
            (gradient,) = torch.autograd.grad(
                totals[:, p].sum(), positions, retain_graph=True, allow_unused=True
            )
            if gradient is not None:
                forces[:, :, p] = -gradient
    return totals.detach(), forces
