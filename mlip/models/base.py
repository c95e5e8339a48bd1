"""What every potential is: a sum of atom-centred energies within a cutoff, and nothing else.

Forces, stress and totals are derived once for all models in `mlip.models.derivatives`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from torch import Tensor, nn

from mlip.graph import AtomicGraph
from mlip.models.card import CalibrationCard, ModelCard
from mlip.models.composition import Composition
from mlip.settings import Settings


class Potential(nn.Module, ABC):
    """Base of all models. A subclass implements `interaction`; the rest follows.

    A model is born in float64; ``model.to(torch.float32)`` rounds what it has learned. What needs
    every digit (reference energies, scale, repulsion) stays float64. Random weights come from
    torch's generator: ``torch.manual_seed(seed)`` before building makes them repeatable.

    Parameters
    ----------
    species : atomic numbers the model knows, any order; kept sorted
    cutoff : Å, the largest distance at which an atom feels another through one edge
    repulsion : optional short-range pair term added to the learned energies, graph -> [A] eV

    Attributes
    ----------
    Config : the settings from which the model is built, ``Model(config, species)``
    card : what is known of a model that was read from a file, else None
    """

    Config: ClassVar[type[Settings]]
    config: Settings
    card: ModelCard | None = None
    species_lookup: Tensor

    def __init__(
        self, species: Sequence[int], cutoff: float, repulsion: nn.Module | None = None
    ) -> None:
        super().__init__()
        if not species or not all(1 <= z <= 118 for z in species):
            raise ValueError(f"species are atomic numbers of at least one element, not {species}")
        self.species = tuple(sorted(set(species)))
        self.cutoff = float(cutoff)
        self.composition = Composition(self.species)
        self.repulsion = repulsion
        lookup = torch.full((119,), -1, dtype=torch.int64)
        lookup[list(self.species)] = torch.arange(len(self.species))
        self.register_buffer("species_lookup", lookup, persistent=False)

    @classmethod
    def build(cls, config: Any, species: Sequence[int]) -> "Potential":
        """A new model from its config."""
        return cls(config, species)  # type: ignore[arg-type]  # as concrete models have it

    @abstractmethod
    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        """Learned energies of atoms in units of the scale; `graph` has the edges within the
        cutoff, `species_index` says which of `self.species` each atom is."""

    def adapt(self, graphs: Sequence[AtomicGraph]) -> None:
        """Fit what is fixed before training (feature means, neighbour counts) to training data
        with neighbours. The default has nothing to fit."""

    def start_from(self, energies: Mapping[int, float]) -> None:
        """Begin training with these mean energies of the elements, in eV beyond the reference
        energies, instead of learning them step by step. Needs `composition` to be set. The default
        keeps the model's own beginning."""

    def decaying_parameters(self) -> list[nn.Parameter]:
        """The parameters that weight decay pulls towards zero. The default is all of them."""
        return list(self.parameters())

    def preparation_bytes(self, graphs: Sequence[AtomicGraph]) -> int:  # noqa: ARG002
        """Memory that `prepare` needs for all of these graphs; 0 if it does nothing."""
        return 0

    def prepare(self, graph: AtomicGraph) -> AtomicGraph:
        """The graph with all that does not change while the parameters are trained, computed once.
        Predictions for it are those for the graph itself. The default has nothing to compute."""
        return graph

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:  # noqa: ARG002
        """What the model knows of each atom's environment, for selection and uncertainty."""
        raise TypeError(f"{type(self).__name__} has no features")

    def last_weights(self) -> Float[Tensor, " weights"]:
        """The weights of the last linear layer, flat: the learned energies are `last_features`
        times these.

        Raises
        ------
        ValueError
            If the model has no such layer, or the energy is not linear in its weights.
        """
        raise ValueError(f"{type(self).__name__} has no last linear layer")

    def last_features(
        self,
        graph: AtomicGraph,  # noqa: ARG002
        species_index: Int[Tensor, " atoms"],  # noqa: ARG002
    ) -> Float[Tensor, "atoms weights"]:
        """What `last_weights` are multiplied with; they themselves do not enter. Arguments as of
        `interaction`."""
        raise ValueError(f"{type(self).__name__} has no last linear layer")

    @property
    def knows_its_range(self) -> bool:
        """Whether the model knows what it was trained on well enough to count extrapolations."""
        return False

    def with_features(self, graph: AtomicGraph) -> AtomicGraph:
        """The graph carrying its features, as variables of their own, if the model has any that
        all its energies and extrapolations can share: see
        `mlip.descriptors.carried.FeaturedGraph`. The default carries nothing."""
        return graph

    def extrapolations(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:  # noqa: ARG002
        """How many features of each atom are outside their range in the training data.

        Raises
        ------
        ValueError
            If the model does not know that range.
        """
        raise ValueError(
            f"this {type(self).__name__} does not know the range of features in its training data"
        )

    def forward(self, graph: AtomicGraph) -> Float[Tensor, " atoms"]:
        """Energies of atoms in eV, float64, reference energies included.

        Raises
        ------
        ValueError
            If an element is unknown to the model, or neighbours are missing or incomplete.
        """
        graph = graph.within(self.cutoff)
        species_index = self.species_index(graph)
        return self.in_ev(self.interaction(graph, species_index), graph, species_index)

    def in_ev(
        self,
        learned: Float[Tensor, " atoms"],
        graph: AtomicGraph,
        species_index: Int[Tensor, " atoms"],
    ) -> Float[Tensor, " atoms"]:
        """Energies of atoms in eV, float64, from learned energies in units of the scale: reference
        energies and repulsion added."""
        energies = self.composition(learned, species_index)
        return energies if self.repulsion is None else energies + self.repulsion(graph)

    @property
    def potentials(self) -> list["Potential"]:
        """The models that this one puts together; of any other model itself."""
        return [self]

    @property
    def n_members(self) -> int:
        """How many models were trained apart for this one."""
        return 1

    @property
    def knows_its_uncertainty(self) -> bool:
        """Whether the model can tell how uncertain its energies and forces are, by `votes`."""
        return False

    @property
    def calibration(self) -> Mapping[str, CalibrationCard]:
        """By property, what its uncertainties are multiplied with; empty if they are as they are
        found, not calibrated."""
        return self.card.calibration if self.card else {}

    def votes(
        self,
        graph: AtomicGraph,  # noqa: ARG002
    ) -> tuple[Float[Tensor, " atoms"], Float[Tensor, "votes atoms"]]:
        """Energies of atoms, eV, float64: those of `forward`, and several that deviate. `variance`
        over the deviating ones, or over derivatives of their sums, is an uncertainty squared.

        Raises
        ------
        ValueError
            If the model does not know its uncertainty.
        """
        raise ValueError(
            f"a single {type(self).__name__} does not know its uncertainty; make a Committee of "
            "two or more models, or give it a Laplace approximation"
        )

    def condensed(self, totals: Float[Tensor, "votes structures"]) -> Float[Tensor, "_ structures"]:
        """Fewer votes whose variance is on average the same, for what is expensive for each. The
        default keeps all."""
        return totals

    def variance(self, votes: Float[Tensor, " votes *values"]) -> Float[Tensor, "*values"]:
        """Variance over votes. The default is that of a sample, about its mean."""
        return votes.var(0)

    def species_index(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:
        """Which of `self.species` each atom is; an error names unknown elements."""
        return self.index_of(graph.numbers)

    def index_of(self, numbers: Int[Tensor, " atoms"]) -> Int[Tensor, " atoms"]:
        """Which of `self.species` each atomic number is; an error names unknown elements."""
        index = self.species_lookup.index_select(0, numbers)
        if len(index) and int(index.min()) < 0:
            unknown = sorted(set(numbers[index < 0].tolist()))
            raise ValueError(
                f"the model does not know {', '.join(chemical_symbols[z] for z in unknown)}; "
                f"it was trained for {', '.join(chemical_symbols[z] for z in self.species)}"
            )
        return index

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the learned part: that of the parameters."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        return self.species_lookup.device

    def resolved_config(self) -> dict[str, Any]:
        """The config with every default, as plain data: with the species, all that is needed to
        build the model anew."""
        return self.config.model_dump(mode="json")

    def __repr__(self) -> str:
        symbols = " ".join(chemical_symbols[z] for z in self.species)
        n_parameters = sum(parameter.numel() for parameter in self.parameters())
        calibrated = "calibrated" if self.calibration else "not calibrated"
        return (
            f"{type(self).__name__}({symbols}, {n_parameters:,} parameters in "
            f"{str(self.dtype).removeprefix('torch.')}, neighbours within {self.cutoff:g} Å"
            + (f", uncertainties {calibrated})" if self.knows_its_uncertainty else ")")
        )
