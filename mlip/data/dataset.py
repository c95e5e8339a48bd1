"""What training goes through: graphs with neighbours and labels, and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

import numpy as np

from mlip.data.frames import Frame
from mlip.data.identity import fingerprint
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours


class GraphDataset(Sequence[AtomicGraph]):
    """Frames as graphs, neighbours computed once.

    Parameters
    ----------
    frames : labelled structures
    cutoff : Å, the radius of the neighbour lists
    progress : called after each structure with how many are done and how many there are

    Attributes
    ----------
    frames, cutoff : as given
    fingerprint : sha256 of structures and labels, see `mlip.data.identity`
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        cutoff: float,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.frames = tuple(frames)
        self.cutoff = float(cutoff)
        self.fingerprint = fingerprint(self.frames)
        graphs = []
        for done, frame in enumerate(self.frames, start=1):
            graphs.append(_graph(frame, self.cutoff))
            if progress is not None:
                progress(done, len(self.frames))
        self._graphs = tuple(graphs)

    @overload
    def __getitem__(self, index: int) -> AtomicGraph: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[AtomicGraph]: ...
    def __getitem__(self, index: int | slice) -> AtomicGraph | Sequence[AtomicGraph]:
        return self._graphs[index]

    def __len__(self) -> int:
        return len(self._graphs)

    def __iter__(self) -> Iterator[AtomicGraph]:
        return iter(self._graphs)

    def __repr__(self) -> str:
        return (
            f"GraphDataset({len(self)} structures, {sum(self.atom_counts)} atoms, "
            f"{self.mean_neighbours:.1f} neighbours within {self.cutoff:g} Å)"
        )

    @property
    def atom_counts(self) -> list[int]:
        """Atoms in each structure."""
        return [graph.n_atoms for graph in self._graphs]

    @property
    def mean_neighbours(self) -> float:
        """Average number of neighbours of an atom."""
        return sum(graph.n_edges for graph in self._graphs) / max(1, sum(self.atom_counts))


def batches_by_atoms(
    atom_counts: Sequence[int], batch_atoms: int, shuffle_seed: int | None
) -> list[list[int]]:
    """Indices of structures in batches of at most `batch_atoms` atoms.

    Each structure is in exactly one batch; one that is larger than `batch_atoms` has a batch of its
    own. The same arguments give the same batches. Without seed, structures keep their order.
    """
    if batch_atoms < 1:
        raise ValueError(f"a batch must hold at least one atom, got batch_atoms = {batch_atoms}")
    order = np.arange(len(atom_counts))
    if shuffle_seed is not None:
        order = np.random.default_rng(shuffle_seed).permutation(order)
    batches: list[list[int]] = []
    room = 0
    for index in order.tolist():
        if atom_counts[index] > room or not batches:
            batches.append([])
            room = batch_atoms
        batches[-1].append(index)
        room -= atom_counts[index]
    return batches


def _graph(frame: Frame, cutoff: float) -> AtomicGraph:
    try:
        return with_neighbours(AtomicGraph.from_atoms(frame.atoms, frame.labels), cutoff)
    except ValueError as error:
        raise ValueError(f"{frame.source}: {error}") from error
