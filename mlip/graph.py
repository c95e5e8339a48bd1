"""`AtomicGraph`, the one structure that flows through everything: atoms, cells, neighbours, labels.

Geometry is always float64. A model casts edge vectors, which are short, to its own precision; so
float32 models do not lose digits for atoms far from the origin, and sums stay exact.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ase import Atoms
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mlip.ops.edges import edge_sums, edge_vectors
from mlip.properties import PROPERTIES

#: What edge vectors belong to.
_OF_VECTORS = frozenset({"positions", "cell", "edges", "shifts"})


@dataclasses.dataclass(frozen=True)
class AtomicGraph:
    """One or several structures of atoms with, once computed, their neighbours.

    A atoms, E edges, S structures. The constructor checks shapes; `from_atoms` also checks values.

    Attributes
    ----------
    numbers : [A] atomic numbers
    positions : [A, 3] Å, float64, as given: never wrapped, never moved
    cell : [S, 3, 3] Å, float64, rows are lattice vectors, as given; zero rows are allowed along
        directions that are not periodic
    pbc : [S, 3] periodic or not, for each direction
    structure : [A] the structure an atom belongs to, non-decreasing
    edges : [2, E] centre i and neighbour j of each edge, sorted by centre; a full list, both (i, j)
        and (j, i); an atom is its own neighbour only through an image. None before
        `with_neighbours`. Code that needs edges reads `centres` and `neighbours`
    shifts : [E, 3] whole cell vectors added to neighbour j, int64; zero along directions that are
        not periodic
    edge_cutoff : Å, the radius within which `edges` is complete
    vectors : [E, 3] Å, the edge vectors as variables of their own, by which something is to be
        differentiated; None where they are computed from positions and cell. `replace` forgets them
        when what they belong to changes
    labels : reference values by the names of `mlip.properties`; per structure [S, ...] or per atom
        [A, ...], float64. An absent label is an absent key; in a batch of structures of which only
        some carry it, the others hold NaN
    """

    numbers: Int[Tensor, " atoms"]
    positions: Float[Tensor, "atoms 3"]
    cell: Float[Tensor, "structures 3 3"]
    pbc: Bool[Tensor, "structures 3"]
    structure: Int[Tensor, " atoms"]
    edges: Int[Tensor, "2 edges"] | None = None
    shifts: Int[Tensor, "edges 3"] | None = None
    edge_cutoff: float | None = None
    vectors: Float[Tensor, "edges 3"] | None = None
    labels: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)

    # ---------------------------------------------------------------------------------- creation

    @classmethod
    def from_atoms(cls, atoms: Atoms, labels: Mapping[str, Any] | None = None) -> "AtomicGraph":
        """The graph of one structure, without neighbours.

        Parameters
        ----------
        labels : reference values by property name, in the package's units; stress is 3x3

        Raises
        ------
        ValueError
            If positions or cell are not finite, an atomic number is not that of an element, a
            periodic direction has no cell vector, or a label has the wrong shape.
        """
        numbers, positions = atoms.numbers.astype(np.int64), atoms.positions.astype(np.float64)
        cell, pbc = atoms.cell.array.astype(np.float64), np.array(atoms.pbc, dtype=bool)
        _check_atoms(numbers, positions, cell, pbc)
        n = len(atoms)
        return cls(
            numbers=torch.from_numpy(numbers),
            positions=torch.from_numpy(positions),
            cell=torch.from_numpy(cell[np.newaxis]),
            pbc=torch.from_numpy(pbc[np.newaxis]),
            structure=torch.zeros(n, dtype=torch.int64),
            labels={name: _label(name, value, n) for name, value in (labels or {}).items()},
        )

    @classmethod
    def batch(cls, graphs: Sequence["AtomicGraph"]) -> "AtomicGraph":
        """Several graphs as one, in order. Labels that only some carry become NaN in the others."""
        if not graphs:
            raise ValueError("cannot batch zero graphs")
        atoms_before = _offsets([g.n_atoms for g in graphs])
        structures_before = _offsets([g.n_structures for g in graphs])
        return cls(
            numbers=torch.cat([g.numbers for g in graphs]),
            positions=torch.cat([g.positions for g in graphs]),
            cell=torch.cat([g.cell for g in graphs]),
            pbc=torch.cat([g.pbc for g in graphs]),
            structure=torch.cat([g.structure + n for g, n in zip(graphs, structures_before)]),
            labels=_batch_labels(graphs),
            **_batch_edges(graphs, atoms_before),
        )

    def unbatch(self) -> list["AtomicGraph"]:
        """The structures of this graph, one graph each; a label that is NaN is absent there."""
        counts = self.atom_counts.tolist()
        edges = self._edges_by_structure()
        parts = []
        for s, (start, n) in enumerate(zip(_offsets(counts), counts)):
            atoms = slice(start, start + n)
            part = AtomicGraph(
                numbers=self.numbers[atoms],
                positions=self.positions[atoms],
                cell=self.cell[s : s + 1],
                pbc=self.pbc[s : s + 1],
                structure=torch.zeros_like(self.structure[atoms]),
                labels=self._labels_of(s, atoms),
            )
            if edges is not None:
                own, shifts = edges[s]
                part = part.replace(edges=own - start, shifts=shifts, edge_cutoff=self.edge_cutoff)
            parts.append(part)
        return parts

    def _edges_by_structure(self) -> list[tuple[Tensor, Tensor]] | None:
        """Edges and shifts of each structure, found in one pass over all; None without edges."""
        if self.edges is None or self.shifts is None:
            return None
        owner = self.structure[self.centres]
        order = torch.argsort(owner, stable=True)
        counts = torch.bincount(owner, minlength=self.n_structures).tolist()
        return list(
            zip(self.edges[:, order].split(counts, dim=1), self.shifts[order].split(counts))
        )

    def plain_fields(self) -> dict[str, Any]:
        """What every graph has, without what a richer kind carries besides."""
        return {name: getattr(self, name) for name in _PLAIN}

    def replace(self, **changes: Any) -> "AtomicGraph":
        """A copy with some fields exchanged."""
        if not _OF_VECTORS.isdisjoint(changes):
            changes = {"vectors": None} | changes
        return type(self)(**{**vars(self), **changes})

    def to(self, device: torch.device | str) -> "AtomicGraph":
        """The same graph on another device; itself, if it is there."""
        if self.device == torch.device(device):
            return self
        moved = {
            f.name: value.to(device)
            for f in dataclasses.fields(self)
            if isinstance(value := getattr(self, f.name), Tensor)
        }
        return self.replace(**moved, labels={k: v.to(device) for k, v in self.labels.items()})

    # ---------------------------------------------------------------------------------- geometry

    @property
    def n_atoms(self) -> int:
        return self.numbers.shape[0]

    @property
    def n_structures(self) -> int:
        return self.cell.shape[0]

    @property
    def n_edges(self) -> int:
        return self.centres.shape[0]

    @property
    def centres(self) -> Int[Tensor, " edges"]:
        """The atom at the centre of each edge, non-decreasing."""
        return self._edges_and_shifts()[0][0]

    @property
    def neighbours(self) -> Int[Tensor, " edges"]:
        """The neighbour of each edge."""
        return self._edges_and_shifts()[0][1]

    @property
    def device(self) -> torch.device:
        return self.positions.device

    @property
    def atom_counts(self) -> Int[Tensor, " structures"]:
        """Number of atoms of each structure."""
        return torch.bincount(self.structure, minlength=self.n_structures)

    @property
    def volumes(self) -> Float[Tensor, " structures"]:
        """Volume of each cell, |det|, in Å^3; NaN unless the structure is periodic in all three
        directions: a slab or a molecule has none."""
        if self.n_structures == 1 and self.device.type == "cpu":  # sooner than torch begins
            (cell,), (pbc,) = self.cell.tolist(), self.pbc.tolist()
            return self.cell.new_full((1,), abs(_determinant(cell)) if all(pbc) else math.nan)
        a, b, c = self.cell.unbind(1)
        volumes = torch.linalg.vecdot(a, torch.linalg.cross(b, c)).abs()
        return torch.where(self.pbc.all(dim=1), volumes, torch.nan)

    def edge_vectors(self) -> Float[Tensor, "edges 3"]:
        """Vector from centre to neighbour of each edge, r_j + shift @ cell - r_i, Å, float64.

        Computed from positions and cell, so that derivatives follow, unless the graph has them.
        """
        if self.vectors is not None:
            return self.vectors
        edges, shifts = self._edges_and_shifts()
        return edge_vectors(self.positions, self.cell, self.structure, edges, shifts)

    def edge_sums(
        self, by_vectors: Float[Tensor, "edges 3"]
    ) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "structures 3 3"]]:
        """From derivatives by edge vectors, those by positions and by a strain of all vectors,
        v -> v @ (1 + strain)."""
        edges, _ = self._edges_and_shifts()
        vectors = self.edge_vectors().detach()
        return edge_sums(by_vectors, vectors, self.structure, edges, self.n_structures)

    def closest_pair(self) -> tuple[int, int, float] | None:
        """The two atoms nearest to each other and their distance in Å; None without edges."""
        distances = torch.linalg.norm(self.edge_vectors().detach(), dim=1)
        if not len(distances):
            return None
        nearest = int(distances.argmin())
        first, second = int(self.centres[nearest]), int(self.neighbours[nearest])
        return min(first, second), max(first, second), float(distances[nearest])

    def strained(self, strain: Float[Tensor, "structures 3 3"]) -> "AtomicGraph":
        """Positions and cells deformed together: every vector v becomes v @ (1 + strain)."""
        if self.n_structures == 1:
            positions = torch.addmm(self.positions, self.positions, strain[0])
        else:
            of_atoms = strain.index_select(0, self.structure)
            positions = self.positions + torch.einsum("ac,acd->ad", self.positions, of_atoms)
        return self.replace(positions=positions, cell=torch.baddbmm(self.cell, self.cell, strain))

    def within(self, cutoff: float) -> "AtomicGraph":
        """The graph with only the edges shorter than `cutoff` (Å): the same, in the same order, as
        those that `with_neighbours` finds.

        Raises
        ------
        ValueError
            If there are no neighbours yet, or they are not complete out to the cutoff.
        """
        edges, shifts = self._edges_and_shifts()
        if self.edge_cutoff is None or self.edge_cutoff < cutoff:
            raise ValueError(
                f"the graph has neighbours within {self.edge_cutoff} Å, but {cutoff} Å are needed; "
                f"call with_neighbours(graph, {cutoff})"
            )
        if self.edge_cutoff == cutoff:
            return self
        cell = self.cell if self.n_structures == 1 else self.cell[self.structure[edges[0]]]
        near = are_within(cutoff, self.positions.detach(), cell.detach(), edges, shifts)
        return self.replace(edges=edges[:, near], shifts=shifts[near], edge_cutoff=cutoff)

    def _edges_and_shifts(self) -> tuple[Tensor, Tensor]:
        if self.edges is None or self.shifts is None:
            raise ValueError("the graph has no neighbours yet; call with_neighbours(graph, cutoff)")
        return self.edges, self.shifts

    # ------------------------------------------------------------------------------------ labels

    def _labels_of(self, s: int, atoms: slice) -> dict[str, Tensor]:
        own = {
            name: value[atoms] if PROPERTIES[name].per_atom else value[s : s + 1]
            for name, value in self.labels.items()
        }
        return {name: v for name, v in own.items() if not bool(torch.isnan(v).all())}

    def __post_init__(self) -> None:
        a, s = self.n_atoms, self.n_structures
        for name, tensor, shape in (
            ("positions", self.positions, (a, 3)),
            ("cell", self.cell, (s, 3, 3)),
            ("pbc", self.pbc, (s, 3)),
            ("structure", self.structure, (a,)),
        ):
            if tensor.shape != shape:
                found = tuple(tensor.shape)
                raise ValueError(f"AtomicGraph.{name} has shape {found}, expected {shape}")
        if (self.edges is None) != (self.shifts is None):
            raise ValueError("AtomicGraph.edges and AtomicGraph.shifts come together")

    def __repr__(self) -> str:
        edges = "no neighbours" if self.edges is None else f"{self.n_edges} edges"
        within = "" if self.edge_cutoff is None else f" within {self.edge_cutoff:g} Å"
        labels = f", labels {', '.join(self.labels)}" if self.labels else ""
        return (
            f"AtomicGraph({self.n_structures} structures, {self.n_atoms} atoms, "
            f"{edges}{within}{labels})"
        )


#: Fields of every graph.
_PLAIN = tuple(f.name for f in dataclasses.fields(AtomicGraph))


def are_within(
    cutoff: float,
    positions: Float[Tensor, "atoms 3"],
    cell: Float[Tensor, "one_or_edges 3 3"],
    edges: Int[Tensor, "2 edges"],
    shifts: Int[Tensor, "edges 3"],
) -> Bool[Tensor, " edges"]:
    """Whether |r_j + shift @ cell - r_i| < cutoff (Å), for each edge.

    Where rounding decides, it is that of these operations one after the other in float64, squares
    compared: as in the compiled neighbour list, so that all lists agree to the last edge.
    """
    n = shifts.to(cell.dtype)[:, :, None]
    moved = n[:, 0] * cell[:, 0] + n[:, 1] * cell[:, 1] + n[:, 2] * cell[:, 2]
    vectors = (positions[edges[1]] - positions[edges[0]]) + moved
    x, y, z = (vectors * vectors).unbind(1)
    return (x + y + z) < cutoff * cutoff


def check_positions(positions: np.ndarray) -> None:
    """Raise a ValueError that names atoms whose positions are not finite."""
    if not np.isfinite(positions).all():
        bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
        raise ValueError(f"positions of atoms {bad[:10].tolist()} are not finite")


def check_cell(rows: list[list[float]], pbc: np.ndarray) -> None:
    """Raise a ValueError unless the vectors of periodic directions span them."""
    periodic = [row for row, repeats in zip(rows, pbc.tolist()) if repeats]
    if periodic and _is_singular(periodic):
        raise ValueError(
            f"the cell is singular: pbc is {pbc.tolist()} but its periodic "
            f"vectors {periodic} are zero or linearly dependent: give the cell its vectors, or set "
            "pbc to false in directions that do not repeat"
        )


def _check_atoms(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray
) -> None:
    check_positions(positions)
    rows = cell.tolist()  # nine numbers: plain Python is done before numpy begins
    if not all(math.isfinite(x) for row in rows for x in row):
        raise ValueError("the cell is not finite")
    if len(numbers) and not (numbers.min() >= 1 and numbers.max() <= 118):
        unknown = sorted(set(numbers[(numbers < 1) | (numbers > 118)].tolist()))
        raise ValueError(
            f"atomic numbers {unknown} are not elements (dummy atoms are not supported)"
        )
    check_cell(rows, pbc)


def _is_singular(rows: list[list[float]]) -> bool:
    """Whether the rank of up to three vectors is less than their number, as numpy's `matrix_rank`
    decides it in more time."""
    if len(rows) == 3:
        # the least singular value is not below |det| / |rows|^2, the largest not above |rows|
        square = sum(x * x for row in rows for x in row)
        if abs(_determinant(rows)) > 1e-12 * square**1.5:
            return False
    singular = np.linalg.svd(rows, compute_uv=False)
    return bool(singular[-1] <= 3.0 * np.finfo(np.float64).eps * singular[0])


def _determinant(rows: list[list[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _label(name: str, value: Any, n_atoms: int) -> Tensor:
    if name not in PROPERTIES:
        raise ValueError(f"unknown label {name!r}; known are {', '.join(PROPERTIES)}")
    prop = PROPERTIES[name]
    shape = (n_atoms if prop.per_atom else 1, *prop.shape)
    array = np.asarray(value, dtype=np.float64)
    if array.size != np.prod(shape) or (prop.per_atom and array.shape != shape):
        raise ValueError(f"label {name!r} has shape {array.shape}, expected {shape}")
    return torch.from_numpy(array.reshape(shape).copy())


def _offsets(counts: list[int]) -> list[int]:
    """How many come before each: [3, 2, 4] -> [0, 3, 5]."""
    return [0, *itertools.accumulate(counts)][: len(counts)]


def _batch_edges(graphs: Sequence[AtomicGraph], atoms_before: list[int]) -> dict[str, Any]:
    """Fields for the edges of all graphs; none if none has them, an error if only some do."""
    if all(g.edges is None for g in graphs):
        return {}
    cutoffs = {g.edge_cutoff for g in graphs}
    if len(cutoffs) > 1:
        raise ValueError(f"cannot batch graphs with neighbours within different radii: {cutoffs}")
    return {
        "edges": torch.cat(
            [g._edges_and_shifts()[0] + n for g, n in zip(graphs, atoms_before)], dim=1
        ),
        "shifts": torch.cat([g._edges_and_shifts()[1] for g in graphs]),
        "edge_cutoff": cutoffs.pop(),
    }


def _batch_labels(graphs: Sequence[AtomicGraph]) -> dict[str, Tensor]:
    names = dict.fromkeys(name for g in graphs for name in g.labels)
    return {name: torch.cat([_label_or_nan(g, name) for g in graphs]) for name in names}


def _label_or_nan(graph: AtomicGraph, name: str) -> Tensor:
    if name in graph.labels:
        return graph.labels[name]
    prop = PROPERTIES[name]
    rows = graph.n_atoms if prop.per_atom else graph.n_structures
    return graph.positions.new_full((rows, *prop.shape), torch.nan)
