"""What descriptors cost, in microseconds of processor time per atom on one thread.

    python tests/benchmarks/descriptors.py [--against-dscribe]

Three columns: features alone; energies and forces of a model that squares a mixture of features;
and a training step, which differentiates a loss of those energies and forces by the parameters.
The least of several repeats counts. DScribe computes features only.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial

import torch
from ase import Atoms
from rich.console import Console
from rich.table import Table
from structures import silicon, water

from mlip.descriptors import (
    SOAP,
    Chebyshev,
    ChebyshevConfig,
    Descriptor,
    SOAPConfig,
    SymmetryFunctions,
    SymmetryFunctionsConfig,
    WeightedSymmetryFunctions,
    WeightedSymmetryFunctionsConfig,
)
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours
from mlip.settings import Settings

REPEATS = 7

DESCRIPTORS: dict[str, tuple[Callable[..., Descriptor], Settings]] = {
    "soap, n 8, l 6": (SOAP, SOAPConfig()),
    "soap, n 8, l 4": (SOAP, SOAPConfig(l_max=4)),
    "soap, n 8, l 6, mu1nu1": (SOAP, SOAPConfig(compression="mu1nu1")),
    "symmetry functions, G4": (SymmetryFunctions, SymmetryFunctionsConfig(cutoff=5.0)),
    "symmetry functions, G5": (
        SymmetryFunctions,
        SymmetryFunctionsConfig(cutoff=5.0, angular={"type": "G5"}),
    ),
    "weighted symmetry functions": (
        WeightedSymmetryFunctions,
        WeightedSymmetryFunctionsConfig(cutoff=5.0),
    ),
    "chebyshev": (Chebyshev, ChebyshevConfig(cutoff=5.0)),
}


STRUCTURES = {"64 Si": silicon(2), "512 Si": silicon(4), "64 H2O": water(4)}


def least(call: Callable[[], object], n_atoms: int) -> float:
    """Microseconds of processor time per atom."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e6 * min(times) / n_atoms


def costs(descriptor: Descriptor, atoms: Atoms) -> tuple[float, float, float]:
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), descriptor.cutoff)
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(descriptor.n_features, generator=generator).to(descriptor.dtype)
    mix.requires_grad_()

    def features() -> None:
        with torch.no_grad():
            descriptor(graph)

    def energy_and_forces(training: bool) -> tuple[torch.Tensor, torch.Tensor]:
        positions = graph.positions.clone().requires_grad_()
        found = descriptor(graph.replace(positions=positions))
        energy = (found @ mix).square().sum()
        (gradient,) = torch.autograd.grad(energy, positions, create_graph=training)
        return energy, gradient

    def step() -> None:
        energy, gradient = energy_and_forces(training=True)
        torch.autograd.grad(energy + gradient.square().sum(), mix)

    calls = (features, lambda: energy_and_forces(training=False), step)
    features_cost, forces_cost, step_cost = (least(call, len(atoms)) for call in calls)
    return features_cost, forces_cost, step_cost


def our_table() -> Table:
    table = Table("descriptor", "structure", "features", "precision")
    for column in ("features", "+ forces", "training step"):
        table.add_column(f"{column}, µs/atom", justify="right")
    for name, (kind, config) in DESCRIPTORS.items():
        for label, atoms in STRUCTURES.items():
            for dtype in (torch.float32, torch.float64):
                descriptor = kind(config, sorted(set(atoms.numbers.tolist()))).to(dtype)
                numbers = [f"{cost:.0f}" for cost in costs(descriptor, atoms)]
                precision = str(dtype).removeprefix("torch.")
                table.add_row(name, label, str(descriptor.n_features), precision, *numbers)
    return table


def table_against_dscribe() -> Table:
    """Features by the same definition, in float64."""
    from mlip.descriptors.dscribe_adapter import dscribe_soap, dscribe_symmetry_functions

    table = Table("definition", "structure", "DScribe, µs/atom", "ours, µs/atom")
    soap = SOAPConfig.like_dscribe(5.0, 8, 6, 0.5)
    polynomial = SOAPConfig.like_dscribe(5.0, 8, 6, 0.5, rbf="polynomial")
    functions = SymmetryFunctionsConfig(cutoff=5.0, cutoff_function="cosine")
    pairs = {
        "SOAP, gto": (SOAP, dscribe_soap, soap),
        "SOAP, polynomial": (SOAP, dscribe_soap, polynomial),
        "symmetry functions": (SymmetryFunctions, dscribe_symmetry_functions, functions),
    }
    for name, (kind, adapter, config) in pairs.items():
        for label, atoms in STRUCTURES.items():
            species = sorted(set(atoms.numbers.tolist()))
            ours, theirs = kind(config, species), adapter(config, species)
            times = [least(partial(d.create, atoms), len(atoms)) for d in (theirs, ours)]
            table.add_row(name, label, *(f"{t:.0f}" for t in times))
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against-dscribe", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    Console(width=120).print(table_against_dscribe() if arguments.against_dscribe else our_table())
