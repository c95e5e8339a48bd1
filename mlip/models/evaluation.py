"""Predictions for many structures, batched, as numpy arrays."""

from collections.abc import Collection, Iterable

import numpy as np
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.batching import batches
from mlip.models.derivatives import predict
from mlip.neighbours import with_neighbours
from mlip.properties import PROPERTIES


def evaluate(
    model: Potential,
    graphs: Iterable[AtomicGraph],
    want: Collection[str] = ("energy", "forces"),
    *,
    batch_atoms: int = 512,
) -> list[dict[str, np.ndarray]]:
    """Properties of many structures, in order.

    Parameters
    ----------
    graphs : with or without neighbours, these within any radius not below the cutoff, on any device
    want : names out of `mlip.models.derivatives.PREDICTABLE`
    batch_atoms : about how many atoms are computed at once; bounds the memory

    Returns
    -------
    One dict per structure of float64 arrays (extrapolations: int64): energy (), energies (n,),
    forces (n, 3), virial and stress (3, 3), energy_uncertainty (), forces_uncertainty and
    extrapolations (n,). `stress` is absent where there is none, in structures that are not periodic
    in three directions.

    Raises
    ------
    ValueError
        As `mlip.models.predict` does, or if `batch_atoms` is not positive.
    """
    if batch_atoms < 1:
        raise ValueError(f"batch_atoms must be at least 1, got {batch_atoms}")
    results: list[dict[str, np.ndarray]] = []
    for batch in batches((_reaching(g, model.cutoff) for g in graphs), batch_atoms):
        results += _evaluate_batch(model, batch.to(model.device), want)
    return results


def _reaching(graph: AtomicGraph, cutoff: float) -> AtomicGraph:
    """The graph with its neighbours out to the cutoff and none beyond it."""
    return with_neighbours(graph, cutoff) if graph.edges is None else graph.within(cutoff)


def _evaluate_batch(
    model: Potential, batch: AtomicGraph, want: Collection[str]
) -> list[dict[str, np.ndarray]]:
    """One dict per structure; structures that have a stress are computed apart from the rest."""
    solid = batch.pbc.all(dim=1).tolist()
    if "stress" not in want or all(solid):
        return _by_structure(batch, predict(model, batch, want))
    parts = batch.unbatch()
    results: list[dict[str, np.ndarray]] = [{} for _ in parts]
    for has_stress, wanted in ((True, set(want)), (False, set(want) - {"stress"})):
        own = [s for s, periodic in enumerate(solid) if periodic == has_stress]
        if own:
            joined = AtomicGraph.batch([parts[s] for s in own])
            for s, result in zip(own, _by_structure(joined, predict(model, joined, wanted))):
                results[s] = result
    return results


def _by_structure(batch: AtomicGraph, found: dict[str, Tensor]) -> list[dict[str, np.ndarray]]:
    arrays = {name: value.cpu().numpy() for name, value in found.items()}
    ends = np.cumsum(batch.atom_counts.cpu().numpy())
    starts = ends - batch.atom_counts.cpu().numpy()
    return [
        {
            name: array[start:end] if PROPERTIES[name].per_atom else array[s, ...]
            for name, array in arrays.items()
        }
        for s, (start, end) in enumerate(zip(starts, ends))
    ]
