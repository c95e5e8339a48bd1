"""Predictions for single structures, and derivatives of them by differences."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from ase import Atoms

from mlip.graph import AtomicGraph
from mlip.models import Potential, predict
from mlip.neighbours import with_neighbours

#: What every model can be asked for, of every structure.
EVERYTHING = ("energy", "energies", "forces", "virial")


def graph_of(model: Potential, atoms: Atoms) -> AtomicGraph:
    return with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff)


def compute(
    model: Potential, atoms: Atoms, want: Sequence[str] = EVERYTHING
) -> dict[str, np.ndarray]:
    """Properties of one structure as numpy arrays."""
    return as_numpy(predict(model, graph_of(model, atoms), want))


def as_numpy(found: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.cpu().numpy() for name, value in found.items()}


def energy_force_slope(model: Potential, atoms: Atoms, moving: int) -> np.ndarray:
    """Energy and its first two derivatives as one atom moves along x."""
    graph = graph_of(model, atoms)
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    step = torch.zeros_like(graph.positions)
    step[moving, 0] = 1.0
    energy = model(graph.replace(positions=graph.positions + x * step)).sum()
    (first,) = torch.autograd.grad(energy, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, allow_unused=True) if first.requires_grad else (None,)
    slope = 0.0 if second is None else float(second)
    return np.array([energy.item(), first.item(), slope])


def slope_of(function: Callable[[float], float], step: float) -> float:
    """Derivative at zero by five-point differences, exact to the fourth order of the step."""
    near = function(step) - function(-step)
    far = function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)
