"""Neural network potentials after Behler and Parrinello: one network for each element.

J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007). The energy of an atom is the output of
its element's network for the features of its environment; any descriptor gives the features.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import torch
from ase.data import atomic_numbers, chemical_symbols
from jaxtyping import Float, Int
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from mlip.descriptors import DescriptorConfig, build_descriptor
from mlip.graph import AtomicGraph
from mlip.models.activations import ActivationName
from mlip.models.atomic_network import AtomicNetwork
from mlip.models.batching import batches
from mlip.models.descriptor_potential import DescriptorPotential
from mlip.models.repulsion import ZBL
from mlip.settings import Settings

#: Atoms whose features are computed at once while standardising.
_ATOMS_AT_ONCE = 512

#: Share of its width by which the range of a feature goes on beyond the training data: a perfect
#: crystal is outside of the range of rattled ones by less than this, which is no extrapolation.
_MARGIN = 0.05


class NetworkConfig(Settings):
    """The network of one element that has a shape of its own."""

    hidden: tuple[PositiveInt, ...]
    """Widths of the hidden layers; none for a linear model."""
    activation: tuple[ActivationName, ...]
    """One for each hidden layer."""
    output: ActivationName = "linear"
    """Activation of the energy."""

    @model_validator(mode="after")
    def _check_lengths(self) -> "NetworkConfig":
        if len(self.hidden) != len(self.activation):
            raise ValueError(
                f"{len(self.hidden)} hidden layers, but {len(self.activation)} activations"
            )
        return self


class BehlerParrinello(DescriptorPotential):
    """One small network per element on the features of a descriptor.

    Parameters
    ----------
    species : atomic numbers
    """

    class Config(Settings):
        """A network for each element, on fixed features."""

        name: Literal["behler_parrinello"] = "behler_parrinello"
        descriptor: DescriptorConfig
        """What the networks see of an atom's environment."""
        hidden: tuple[PositiveInt, ...] = Field(default=(64, 64), min_length=1)
        """Widths of the hidden layers."""
        activation: ActivationName = "silu"
        """Of every hidden layer; with relu, which has a kink, forces jump."""
        networks: dict[str, NetworkConfig] = Field(default_factory=dict)
        """For elements that have a network of another shape: {H: {hidden: [20], activation:
        [tanh]}}."""
        repulsion: ZBL.Config | None = None
        """Repulsion of nuclei at distances where there are no data; null for none."""

    config: Config

    def __init__(self, config: Config, species: Sequence[int]) -> None:
        descriptor = build_descriptor(config.descriptor, species)
        repulsion = ZBL(config.repulsion, species, descriptor.cutoff) if config.repulsion else None
        super().__init__(species, descriptor, repulsion)
        self.config = config
        _check_elements(config.networks, self.species)
        self.networks = nn.ModuleDict(
            {
                chemical_symbols[z]: _network(config, chemical_symbols[z], n_features)
                for z, n_features in zip(self.species, descriptor.feature_counts)
            }
        )
        self.to(torch.float64)

    @property
    def dtype(self) -> torch.dtype:
        return self.each_network[0].mean.dtype  # at once: the base class looks for a parameter

    def regress(
        self, features: Float[Tensor, "atoms features"], species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        networks = list(self.networks.values())
        if len(networks) == 1:
            return networks[0](features)
        order = torch.argsort(species_index, stable=True)
        counts = torch.bincount(species_index, minlength=len(networks)).tolist()
        parts = torch.split(features.index_select(0, order), counts)
        energies = torch.cat([network(part) for network, part in zip(networks, parts)])
        return torch.empty_like(energies).index_copy(0, order, energies)

    def last_weights(self) -> Float[Tensor, " weights"]:
        return torch.cat([network.last_weights() for network in self.each_network])

    def last_features(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, "atoms weights"]:
        """Each atom's stand where the weights of its element do."""
        features, parts = self.features(graph), []
        for s, network in enumerate(self.each_network):
            own = torch.nonzero(species_index == s).flatten()
            last = network.last_features(features.index_select(0, own))
            parts.append(last.new_zeros(len(features), last.shape[1]).index_copy(0, own, last))
        return torch.cat(parts, dim=1)

    @property
    def each_network(self) -> list[AtomicNetwork]:
        """The networks, in the order of the species."""
        return cast(list[AtomicNetwork], list(self.networks.values()))

    def adapt(self, graphs: Sequence[AtomicGraph]) -> None:
        """Standardise the features of each element over all its atoms in the training data, and
        learn their range, which is made a twentieth wider on either side.

        Raises
        ------
        ValueError
            If an element of the model does not occur in `graphs`.
        """
        moments = [_Moments(self.descriptor.n_features) for _ in self.species]
        with torch.no_grad():
            for graph in batches(graphs, _ATOMS_AT_ONCE):
                features = self.features(graph.to(self.device))
                index = self.index_of(graph.numbers.to(self.device))
                for s, moment in enumerate(moments):
                    moment.add(features[index == s].double().cpu())
        absent = [chemical_symbols[z] for z, m in zip(self.species, moments) if m.count == 0]
        if absent:
            raise ValueError(f"the training data have no atoms of {', '.join(absent)}")
        for network, moment in zip(self.each_network, moments):
            network.standardise(moment.mean, moment.deviation)
        if self.fixed_features:
            margins = [_MARGIN * (m.largest - m.smallest) for m in moments]
            self.feature_range.set(
                [m.smallest - margin for m, margin in zip(moments, margins)],
                [m.largest + margin for m, margin in zip(moments, margins)],
            )

    @torch.no_grad()
    def start_from(self, energies: Mapping[int, float]) -> None:
        for z, network in zip(self.species, self.each_network):
            network.begin_at(energies[z] / float(self.composition.scale))


def _check_elements(networks: Mapping[str, NetworkConfig], species: Sequence[int]) -> None:
    unknown = [symbol for symbol in networks if atomic_numbers.get(symbol) not in species]
    if unknown:
        raise ValueError(
            f"networks are given for {', '.join(unknown)}, but the species are "
            f"{', '.join(chemical_symbols[z] for z in species)}"
        )


def _network(config: BehlerParrinello.Config, symbol: str, n_features: int) -> AtomicNetwork:
    own = config.networks.get(symbol)
    if own is None:
        return AtomicNetwork(n_features, config.hidden, config.activation)
    return AtomicNetwork(n_features, own.hidden, own.activation, own.output)


class _Moments:
    """Mean, standard deviation and extremes of rows that arrive in portions, summed stably (T. F.
    Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242 (1983), eq. 2.1)."""

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self.mean = torch.zeros(n_features, dtype=torch.float64)
        self.smallest = torch.full((n_features,), torch.inf, dtype=torch.float64)
        self.largest = -self.smallest
        self._squares = torch.zeros(n_features, dtype=torch.float64)

    def add(self, rows: Float[Tensor, "rows features"]) -> None:
        n = rows.shape[0]
        if n == 0:
            return
        mean = rows.mean(0)
        total = self.count + n
        self._squares += ((rows - mean) ** 2).sum(0)
        self._squares += (mean - self.mean) ** 2 * (self.count * n / total)
        self.mean = self.mean + (mean - self.mean) * (n / total)
        self.smallest = torch.minimum(self.smallest, rows.amin(0))
        self.largest = torch.maximum(self.largest, rows.amax(0))
        self.count = total

    @property
    def deviation(self) -> Tensor:
        return (self._squares / self.count).sqrt()
