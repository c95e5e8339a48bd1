"""Equivariant message passing with atomic cluster expansions at the nodes.

Edges only carry radial functions times spherical harmonics; everything is coupled at the atoms. For
atom i, channel c and harmonic lm (z_i is the element, all sums and weights are in `Layer`):

    A_i   = U sum_j R_cl(r_ij) x_jc Y_lm(r_ij) / n       neighbours, n of them on average       (1)
    A_i  += P( sum_j R'_cl(r_ij) x_j,clm / n, A_i )      only if more than x_j,c00 is sent      (2)
    A_i  += sum_j P( x_j, R_cl'l(r_ij) Y_lm(r_ij) ) / n  instead, if that is coupled on edges   (2')
    B_i   = P(A_i, A_i)    and    D_i = P(B_i, A_i)      bodies three and four                  (3)
    h_i   = (U A_i + U' B_i + U'' D_i) / sqrt(3) + V(z_i) h_i of the layer before               (4)
    E_i   = linear(h_i0) of each layer but the last + network(h_i0) of the last + shift(z_i)    (5)
    E_i   = the same - that of an atom alone + shift(z_i) (1 - exp(-3 d_i / d))     if asked    (5')

P couples with Clebsch-Gordan coefficients, with a weight for each path, element and channel
(`mlip.ops.tensor_product`); every U mixes channels, for each l; V(z) weighs channels by element and
mixes them; x = U h of the layer before; h before the first layer is an embedding of the element.

This is the function class of MACE (I. Batatia et al., NeurIPS 2022, arXiv:2206.07697), arranged so
that there are no tensor products on edges. (1) is the A basis of R. Drautz, Phys. Rev. B 99, 014104
(2019), the recursion (3) that of J. Nigam et al., J. Chem. Phys. 153, 121101 (2020), (2) the node
product of Y. Zhang and H. Guo, arXiv:2508.16086, which stands for (2'). P is linear in its tables:
the sums of (2') go over products of components, and are coupled at the atom.

In (5') d_i is the density of neighbours, a sum of cutoff functions, and d its mean: an atom alone
has its reference energy, one with the usual neighbours nearly all of the shift.

All features have natural parity, so that energies do not change under reflections.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import pi, sqrt
from types import MappingProxyType
from typing import Any, Literal, cast

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.batching import batches
from mlip.models.repulsion import ZBL
from mlip.models.surroundings import Surroundings, surroundings_in
from mlip.models.unit_variance import GAIN, Mixing, Network, normal, scaled
from mlip.ops.cutoffs import envelope
from mlip.ops.neighbour_sums import compiled_for, neighbour_sums
from mlip.ops.node_products import node_product, node_square
from mlip.ops.radial import bessel
from mlip.ops.radial_sums import RadialTable, radial_sums
from mlip.ops.scatter import sum_by_index
from mlip.ops.spherical import solid_harmonics
from mlip.ops.stacking import stacked
from mlip.ops.tensor_product import couple, product_paths, square_paths
from mlip.settings import Settings

#: What the names of sizes stand for.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "small": {"channels": 64, "layers": 2, "senders": "scalar"},
        "medium": {"channels": 64, "layers": 2, "senders": "tensor"},
        "large": {"channels": 128, "layers": 2, "senders": "tensor"},
        "local": {"channels": 64, "layers": 1, "senders": "scalar"},
    }
)

#: Highest degree of what is sent.
_DEGREES = MappingProxyType({"scalar": 0, "vector": 1, "tensor": 2, "octupole": 3})

#: Bytes of the largest arrays: beyond, memory costs more time than arithmetic.
_LARGEST_ARRAY = 16e6

#: Parts with arrays of that size that are kept for the backward pass, some GB.
_PARTS_KEPT = 8

#: Atoms from which the mean energies of a new model are taken.
_ATOMS_TO_CENTRE = 1000


class Equivariant(Potential):
    """Message passing between atoms with learned, body-ordered, equivariant features.

    Parameters
    ----------
    species : atomic numbers
    """

    class Config(Settings):
        """Equivariant messages: the best accuracy for few data."""

        name: Literal["equivariant"] = "equivariant"
        preset: Literal["small", "medium", "large", "local"] = "small"
        """Size, as values for `channels`, `layers` and `senders` that are not written down: `small`
        64, 2, scalar; `medium` 64, 2, tensor; `large` 128, 2, tensor; `local` 64, 1, scalar, whose
        atoms feel nothing beyond one cutoff."""
        cutoff: float = Field(default=5.0, gt=0, allow_inf_nan=False)
        """Å. With several layers an atom feels others up to that many cutoffs away."""
        channels: PositiveInt = 64
        """Features of each kind that an atom has."""
        layers: int = Field(default=2, ge=1, le=4)
        """How often messages are passed."""
        senders: Literal["scalar", "vector", "tensor", "octupole"] = "scalar"
        """What neighbours send from the second layer on: invariants; vectors besides; tensors of
        degree two as well, which learns far more from few data and takes half as much time again;
        or octupoles, of degree three, as well, which changes little."""
        coupling: Literal["atoms", "edges"] = "atoms"
        """Where what neighbours send beyond invariants meets directions: at the atom, after the
        sums over neighbours; or on each edge, which learns more from few data and takes twice as
        long."""
        l_max: int = Field(default=3, ge=1, le=6)
        """Highest degree of the spherical harmonics."""
        radial_functions: PositiveInt = 8
        """Bessel functions of the distance."""
        radial_hidden: tuple[PositiveInt, ...] = Field(default=(64,), min_length=1)
        """Widths of the network that makes radial weights of them."""
        readout_hidden: PositiveInt = 16
        """Width of the network that makes the energy of the last layer's features."""
        isolated_limit: bool = False
        """Whether an atom without neighbours has its reference energy, which then should be that of
        the isolated atom; atoms with few neighbours are bound less. Else it has any energy."""
        repulsion: ZBL.Config | None = None
        """Repulsion of nuclei at distances where there are no data; null for none."""

        @model_validator(mode="before")
        @classmethod
        def _sized(cls, values: Any) -> Any:
            """What the preset stands for, below what is written down."""
            if not isinstance(values, Mapping):
                return values
            return {**PRESETS.get(str(values.get("preset", "small")), {}), **values}

        @model_validator(mode="after")
        def _harmonics_for_what_is_sent(self) -> "Equivariant.Config":
            if _DEGREES[self.senders] > self.l_max:
                least = _DEGREES[self.senders]
                raise ValueError(f"senders: {self.senders} needs l_max of at least {least}")
            if self.coupling == "edges" and self.senders == "scalar":
                raise ValueError("coupling: edges needs senders of more than scalars")
            return self

    config: Config
    mean_neighbours: Tensor
    mean_density: Tensor

    def __init__(self, config: Config, species: Sequence[int]) -> None:
        repulsion = ZBL(config.repulsion, species, config.cutoff) if config.repulsion else None
        super().__init__(species, config.cutoff, repulsion)
        self.config = config
        n_elements, last = len(self.species), config.layers - 1
        sent = _DEGREES[config.senders]
        self.register_buffer("mean_neighbours", torch.ones((), dtype=torch.float64))
        if config.isolated_limit:
            self.register_buffer("mean_density", torch.ones((), dtype=torch.float64))
        self.shifts = nn.Parameter(torch.zeros(n_elements, dtype=torch.float64))
        self.embedding = normal(1, n_elements, config.channels)
        self.layers = nn.ModuleList(
            Layer(config, n_elements, sent if i else 0, sent if i < last else 0)
            for i in range(config.layers)
        )
        hidden = [()] * last + [(config.readout_hidden,)]
        self.readouts = nn.ModuleList(Network((config.channels, *h, 1)) for h in hidden)

    def interaction(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        energies = self.shifts.index_select(0, species_index)
        for readout, state in zip(self.readouts, self.states(graph, species_index)):
            energies = energies + readout(state[0]).squeeze(1)
        if not self.config.isolated_limit:
            return energies
        unbound = self.shifts.index_select(0, species_index) * self._unbound(graph)
        alone = sum(
            readout(state).squeeze(1) for readout, state in zip(self.readouts, self._alone())
        )
        return energies - unbound - cast(Tensor, alone).index_select(0, species_index)

    def _alone(self) -> list[Float[Tensor, "elements channels"]]:
        """Invariant features of atoms without neighbours, after each layer."""
        states = [self.embedding]
        for layer in cast(Sequence[Layer], self.layers):
            kept = states[-1][: layer.keep.n_harmonics] * layer.keep_weights
            states.append(layer.keep(kept))
        return [state[0] for state in states[1:]]

    def _unbound(self, graph: AtomicGraph) -> Float[Tensor, " atoms"]:
        """The exponential of equation 5': one for an atom alone."""
        return torch.exp(-3.0 * self._density(graph) / self.mean_density).to(self.dtype)

    def _density(self, graph: AtomicGraph) -> Float[Tensor, " atoms"]:
        near = envelope(torch.linalg.norm(graph.edge_vectors(), dim=1), self.cutoff)
        return sum_by_index(near, graph.centres, graph.n_atoms)

    def last_weights(self) -> Float[Tensor, " weights"]:
        """Those of eq. 5 that come last, of each layer's readout, and the shifts."""
        readouts = cast(list[Network], list(self.readouts))
        return torch.cat([*(readout.weights[-1].flatten() for readout in readouts), self.shifts])

    def last_features(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, "atoms weights"]:
        readouts = cast(list[Network], list(self.readouts))
        states = self.states(graph, species_index)
        seen = [readout.before_last(state[0]) for readout, state in zip(readouts, states)]
        element = nn.functional.one_hot(species_index, len(self.species)).to(self.dtype)
        if self.config.isolated_limit:
            alone = [readout.before_last(state) for readout, state in zip(readouts, self._alone())]
            seen = [of - by.index_select(0, species_index) for of, by in zip(seen, alone)]
            element = element * (1.0 - self._unbound(graph))[:, None]
        return torch.cat([*seen, element], dim=1)

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        graph = graph.within(self.cutoff)
        states = self.states(graph, self.index_of(graph.numbers))
        return torch.cat([state[0] for state in states], dim=1)

    def states(
        self, graph: AtomicGraph, species_index: Int[Tensor, " atoms"]
    ) -> list[Float[Tensor, "_ atoms channels"]]:
        """The features h of eq. 4 after each layer: harmonics up to the degree that is sent."""
        tables = [layer.tables() for layer in cast(Sequence[Layer], self.layers)]
        tabulated = all(of_layer is not None for of_layer in tables)
        parts = surroundings_in(graph, self.dtype, *self._largest_part(tabulated))
        large = len(parts) > _PARTS_KEPT
        near = [
            Near(part, None if tabulated else Expansion(part.vectors, self.config))
            for part in parts
        ]
        states = [self.embedding.index_select(1, species_index)]
        for layer, of_layer in zip(self.layers, tables):
            fixed = of_layer if tabulated else None
            new = layer(states[-1], near, fixed, species_index, self.mean_neighbours, large)
            states.append(new)
        return states[1:]

    def _largest_part(self, tabulated: bool) -> tuple[int, int]:
        """How many edges and how many atoms make arrays of the size that is best."""
        row = self.config.channels * torch.finfo(self.dtype).bits // 8
        most = int(_LARGEST_ARRAY / row) + 1
        harmonics = (self.config.l_max + 1) ** 2
        layers = cast(Sequence[Layer], self.layers)
        of_atom = harmonics * max(layer.n_summed for layer in layers)
        if tabulated:
            return 2**62, most // of_atom + 1
        in_torch = not compiled_for(self.embedding, self.config.l_max)
        return (
            min(most // layer.n_weights for layer in layers) + 1,
            most // (max(of_atom, harmonics**2 // 2) if in_torch else of_atom) + 1,
        )

    # ------------------------------------------------------------------------------------ training

    def decaying_parameters(self) -> list[nn.Parameter]:
        """Weights of products and of mixing after the sums, but not of what makes the sums."""
        parameters = self.layers.named_parameters()
        return [
            p for name, p in parameters if name.split(".")[1] not in ("radial", "heads", "send")
        ]

    def adapt(self, graphs: Sequence[AtomicGraph]) -> None:
        """Find the mean number and density of neighbours, and shift the energies of the new
        model so that each element's are zero on average.

        Raises
        ------
        ValueError
            If an element of the model does not occur in `graphs`.
        """
        edges, density, counts = 0, 0.0, torch.zeros(119, dtype=torch.int64)
        for graph in graphs:
            near = graph.within(self.cutoff)
            edges += near.n_edges
            density += float(self._density(near).sum()) if self.config.isolated_limit else 0.0
            counts += torch.bincount(graph.numbers.cpu(), minlength=119)
        absent = [chemical_symbols[z] for z in self.species if counts[z] == 0]
        if absent:
            raise ValueError(f"the training data have no atoms of {', '.join(absent)}")
        self.mean_neighbours.fill_(max(edges / int(counts.sum()), 1.0))
        if density:
            self.mean_density.fill_(density / int(counts.sum()))
        step = max(1, int(counts.sum()) // _ATOMS_TO_CENTRE)
        some = list(graphs[::step])
        rare = [z for z in self.species if not any(z in graph.numbers for graph in some)]
        self._centre([*some, *(next(g for g in graphs if z in g.numbers) for z in rare)])

    @torch.no_grad()
    def _centre(self, graphs: Sequence[AtomicGraph]) -> None:
        sums = torch.zeros(len(self.species), 2, dtype=torch.float64, device=self.device)
        for graph in batches(graphs, _ATOMS_TO_CENTRE):
            graph = graph.within(self.cutoff).to(self.device)
            index = self.index_of(graph.numbers)
            energies = self.interaction(graph, index).double()
            both = torch.stack([energies, torch.ones_like(energies)], dim=1)
            sums += sum_by_index(both, index, len(self.species))
        self.shifts.sub_(sums[:, 0] / sums[:, 1].clamp(min=1.0))

    @torch.no_grad()
    def start_from(self, energies: Mapping[int, float]) -> None:
        for s, z in enumerate(self.species):
            self.shifts[s] += energies[z] / float(self.composition.scale)


class Expansion:
    """What the edges are expanded in: functions of their lengths, harmonics of their directions.

    Parameters
    ----------
    vectors : along the edges, Å
    """

    def __init__(self, vectors: Float[Tensor, "edges 3"], config: Equivariant.Config) -> None:
        distances = torch.linalg.norm(vectors, dim=1)
        directions = (vectors / distances[:, None]).T
        self.functions: Float[Tensor, "functions edges"] = radial_functions(distances, config)
        self.harmonics: Float[Tensor, "harmonics edges"] = sqrt(4.0 * pi) * solid_harmonics(
            directions, config.l_max
        )


def radial_functions(
    distances: Float[Tensor, " edges"], config: Equivariant.Config
) -> Float[Tensor, "functions edges"]:
    """Bessel functions that end smoothly at the cutoff."""
    functions = bessel(distances, config.cutoff, config.radial_functions)
    return functions * envelope(distances, config.cutoff)


@dataclass(frozen=True)
class Near:
    """Some atoms with their edges.

    Attributes
    ----------
    expansion : what the edges are expanded in; None if every layer has a table
    """

    surroundings: Surroundings
    expansion: Expansion | None


class Layer(nn.Module):
    """From features of atoms to those of the next layer, equations 1 to 4.

    Parameters
    ----------
    l_in : highest degree of the features before
    l_out : highest degree of those after
    """

    def __init__(self, config: Equivariant.Config, n_elements: int, l_in: int, l_out: int) -> None:
        super().__init__()
        self.config, self.l_in, self.l_out = config, l_in, l_out
        channels, l_max = config.channels, config.l_max
        self.on_edges = l_in > 0 and config.coupling == "edges"
        self.n_summed = (l_in + 1) ** 2 if self.on_edges else 1
        if self.on_edges:
            self.n_weights = (l_in + 1) * (l_max + 1)
        else:
            self.n_weights = l_max + 1 + (l_in + 1 if l_in else 0)
        self.radial = Network((config.radial_functions, *config.radial_hidden))
        self.heads = normal(self.n_weights, config.radial_hidden[-1], channels)
        self._tabulated = [RadialTable() for _ in range(l_in + 1 if self.on_edges else 1)]
        self.send = Mixing(channels, l_in)
        self.gather = Mixing(channels, l_max)
        self.paths = product_paths(l_in, l_max, l_max)
        if self.on_edges:  # invariants are summed as in equation 1
            self.paths = tuple(path for path in self.paths if path[0] > 0)
        if l_in:
            self.node_weights = normal(len(self.paths), n_elements, channels)
        self.square_weights = normal(len(square_paths(l_max, l_max)), n_elements, channels)
        self.cube_weights = normal(len(product_paths(l_max, l_max, l_out)), n_elements, channels)
        self.a_weights = normal(1, n_elements, channels)
        self.keep_weights = normal(1, n_elements, channels)
        self.from_a, self.from_b, self.from_d = (Mixing(channels, l_out) for _ in range(3))
        self.keep = Mixing(channels, min(l_in, l_out))

    def forward(
        self,
        state: Float[Tensor, "harmonics_in atoms channels"],
        parts: Sequence[Near],
        tables: Sequence[Tensor] | None,
        species_index: Int[Tensor, " atoms"],
        mean_neighbours: Float[Tensor, ""],
        recompute: bool,
    ) -> Float[Tensor, "harmonics_out atoms channels"]:
        """The new features. `recompute` keeps nothing of a part for the backward pass but computes
        it again there, so that memory is bounded for a third more time."""
        sent = self.send(state) / mean_neighbours
        update = _recomputed(self._update) if recompute else self._update
        new = [update(state, sent, near, tables, species_index) for near in parts]
        return torch.cat(new, dim=1)

    def _update(
        self,
        state: Tensor,
        sent: Tensor,
        near: Near,
        tables: Sequence[Tensor] | None,
        species_index: Tensor,
    ) -> Tensor:
        """The new features of some atoms."""
        atoms = near.surroundings.atoms
        z, own = species_index[atoms], state[:, atoms]
        l_max, n_out = self.config.l_max, (self.l_out + 1) ** 2
        a = self._neighbours(self._sums(sent, near, tables), z)
        b = node_square(a, self.square_weights, z, l_max)
        d = node_product(b, a, self.cube_weights, z, self.l_out)
        new = self.from_a(a[:n_out] * self.a_weights.index_select(1, z))
        new = (new + self.from_b(b[:n_out]) + self.from_d(d)) / sqrt(3.0)
        kept = self.keep(own[: self.keep.n_harmonics] * self.keep_weights.index_select(1, z))
        return torch.cat([new[: len(kept)] + kept, new[len(kept) :]])

    def _neighbours(self, sums: Sequence[Tensor], z: Tensor) -> Tensor:
        """Equations 1 and 2 from the sums over neighbours."""
        first = sums[0]
        a = self.gather(first[: self.gather.n_harmonics])
        if self.on_edges:
            weights = self.node_weights.index_select(1, z)
            return a + couple(stacked(sums[1:]), weights, self.paths)
        if self.l_in:
            tensors = first[self.gather.n_harmonics :]
            return a + node_product(tensors, a, self.node_weights, z, self.config.l_max)
        return a

    def _sums(self, sent: Tensor, near: Near, tables: Sequence[Tensor] | None) -> list[Tensor]:
        """[harmonics, atoms, channels]: coupled on edges, for each component of what is sent; else
        all sums of equations 1 and 2, one below the other."""
        part, expansion = near.surroundings, near.expansion
        edges = (part.centres, part.neighbours, part.n_atoms)
        if tables is None:
            assert expansion is not None
            weights = self._by_degree(self._weights(expansion.functions))
            return [
                neighbour_sums(weights[i], expansion.harmonics, x, *edges)
                for i, x in self._portions(sent)
            ]

        def from_table(i: int, x: Tensor) -> Tensor:
            def of_vectors(vectors: Tensor, x: Tensor) -> Tensor:
                new = Expansion(vectors, self.config)
                weights = self._by_degree(self._weights(new.functions))[i]
                return neighbour_sums(weights, new.harmonics, x, *edges)

            cutoff = self.config.cutoff
            return radial_sums(part.vectors, x, tables[i], cutoff, *edges, of_vectors)

        return [from_table(i, x) for i, x in self._portions(sent)]

    def _portions(self, sent: Tensor) -> list[tuple[int, Tensor]]:
        """What is summed at once, and with which of the weights `_by_degree`."""
        if not self.on_edges:
            return [(0, sent)]
        degrees = [l for l in range(self.l_in + 1) for _ in range(2 * l + 1)]
        return list(zip(degrees, sent.split(1)))

    def _by_degree(self, weights: Tensor) -> list[Tensor]:
        """Coupled on edges, the weights for each degree that is sent; else all of them."""
        if not self.on_edges:
            return [weights]
        return [part.contiguous() for part in weights.split(self.config.l_max + 1, dim=1)]

    def radial_weights(
        self, distances: Float[Tensor, " edges"]
    ) -> Float[Tensor, "edges n_weights channels"]:
        """R and R' of equations 1 and 2."""
        return self._weights(radial_functions(distances, self.config))

    def _weights(self, functions: Tensor) -> Tensor:
        hidden = nn.functional.silu(self.radial(functions.T))
        heads = scaled(self.heads, GAIN).to(hidden.dtype).transpose(0, 1).flatten(1)
        return (hidden @ heads).unflatten(1, self.heads.shape[::2])

    def tables(self) -> list[Tensor] | None:
        """`radial_weights` as tables, `_by_degree`, if nothing is to be learned and the compiled
        core is there."""
        parameters = [self.heads, *self.radial.parameters()]
        learns = any(parameter.requires_grad for parameter in parameters)
        if learns or not compiled_for(self.heads, self.config.l_max):
            return None
        found = []
        for i, tabulated in enumerate(self._tabulated):
            table = tabulated.find(partial(self._weights_of, i), parameters, self.config.cutoff)
            if table is None:
                return None
            found.append(table)
        return found

    def _weights_of(self, i: int, distances: Tensor) -> Tensor:
        return self._by_degree(self.radial_weights(distances))[i]


def _recomputed(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same function, computed once more in the backward pass instead of kept until then."""
    return partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)
