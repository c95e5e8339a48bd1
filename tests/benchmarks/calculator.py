"""A call of the ASE calculator beside its parts: ``python tests/benchmarks/calculator.py``.

A `behler_parrinello` model, float64, one thread: the neighbour list, edge vectors, features and
network, each of the last three with its derivative, as one would call them by hand; then the call,
which also takes the structure from ASE, checks it, counts features that are outside their range and
gives energy, energies of atoms, forces and stress in ASE's shapes. All atoms move before each call.
Microseconds of processor time.
"""

import itertools
import warnings

import torch
from ase import Atoms
from rich.console import Console
from rich.table import Table
from structures import batch, elements, silicon, water
from timing import Call, least

from mlip.calculators import MLIPCalculator
from mlip.models import BehlerParrinello
from mlip.neighbours import with_neighbours

#: Calls times atoms of each case: the least is of thousands of calls where they are short, and what
#: else the machine does seldom spares a millisecond.
ATOMS = 300_000
MOVED = 16
CASES = {
    ("64 Si", "soap"): silicon(2),
    ("64 Si", "symmetry_functions"): silicon(2),
    ("64 H2O", "soap"): water(4),
    ("64 H2O", "symmetry_functions"): water(4),
    ("512 H2O", "soap"): water(8),
}


def calculator_for(atoms: Atoms, descriptor: str) -> MLIPCalculator:
    """A model that knows the range of its features, as a trained one does."""
    torch.manual_seed(0)
    config = {"descriptor": {"name": descriptor, "cutoff": 5.0}}
    model = BehlerParrinello(BehlerParrinello.Config.model_validate(config), elements([atoms]))
    frames = [atoms.copy() for _ in range(8)]
    for seed, frame in enumerate(frames):
        frame.rattle(0.02, seed=seed)
    model.adapt([batch([frame], model.cutoff) for frame in frames])
    return MLIPCalculator(model)


def calls(atoms: Atoms, descriptor: str) -> dict[str, Call]:
    """The parts and the call, by name."""
    calculator = calculator_for(atoms, descriptor)
    model = calculator.model
    assert isinstance(model, BehlerParrinello)
    graph = batch([atoms], model.cutoff)
    index = model.index_of(graph.numbers)
    edges = (graph.centres, graph.neighbours, index)
    vectors = graph.edge_vectors().requires_grad_()
    features = model.features(graph).detach().requires_grad_()
    moved = [atoms.copy() for _ in range(MOVED)]
    for seed, frame in enumerate(moved):
        frame.rattle(1e-3, seed=seed)
    frames = itertools.cycle(moved)

    def edge_vectors() -> None:
        positions = graph.positions.clone().requires_grad_()
        found = graph.replace(positions=positions).edge_vectors()
        torch.autograd.grad(found, positions, vectors.detach())

    def of_descriptor() -> None:
        found = model.descriptor.evaluate(vectors, *edges)
        torch.autograd.grad(found, vectors, features.detach())

    def network() -> None:
        torch.autograd.grad(model.regress(features, index).sum(), features)

    def call() -> None:
        calculator.calculate(next(frames), ["energy", "forces", "stress"])

    return {
        "neighbours": lambda: with_neighbours(graph, model.cutoff),
        "edge vectors": edge_vectors,
        "features": of_descriptor,
        "network": network,
        "call": call,
    }


def table() -> Table:
    found = Table("structure", "descriptor", title="µs of processor time")
    parts = ("neighbours", "edge vectors", "features", "network")
    for column in (*parts, "sum", "call", "call / sum"):
        found.add_column(column, justify="right")
    for (name, descriptor), atoms in CASES.items():
        cost = least(calls(atoms, descriptor), 1, ATOMS // len(atoms))
        call = cost.pop("call")
        total = sum(cost.values())
        numbers = [f"{x:.0f}" for x in (*cost.values(), total, call)]
        found.add_row(name, descriptor, *numbers, f"{call / total:.2f}")
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    Console(width=120).print(table())
