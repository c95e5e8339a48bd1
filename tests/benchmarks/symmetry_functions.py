"""What symmetry functions of a published water potential's size cost, in microseconds of processor
time per atom on one thread, by the compiled core and in plain torch.

    python tests/benchmarks/symmetry_functions.py [--potential FOLDER] [--structure FILE]

Without a potential (a folder of n2p2) it is one of the same size with random weights: 27 functions
for H, 30 for O, networks of 20 and 20 nodes, a cutoff of 6.35 Å. Neighbour lists are not counted.
The two take turns; the least of several repeats counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ase import Atoms
from ase.io import read
from rich.console import Console
from rich.table import Table
from structures import water

from mlip import kernels
from mlip.descriptors import SymmetryFunctionsByElementConfig
from mlip.graph import AtomicGraph
from mlip.interop.n2p2 import read_potential
from mlip.models import BehlerParrinello
from mlip.models.derivatives import predict
from mlip.neighbours import with_neighbours

#: Compiled, and in plain torch, which takes long.
REPEATS = (9, 2)
CUTOFF = 6.35


def functions() -> SymmetryFunctionsByElementConfig:
    """Radial functions of eight widths for each neighbour; three to four widths of angular ones
    with both signs for each pair, and one more for H."""
    radial = [
        {"type": "G2", "neighbour": neighbour, "eta": eta, "shift": shift}
        for neighbour in ("H", "O")
        for eta, shift in [(0.004, 0), (0.04, 0), (0.1, 0), (0.2, 0)]
        + [(eta, 1.0) for eta in (0.5, 1.0, 2.0, 5.0)]
    ]

    def angular(pair: tuple[str, str], widths: list[tuple[float, float]]) -> list[dict[str, Any]]:
        shape = {"type": "G4", "neighbours": pair}
        return [
            shape | {"eta": eta, "zeta": zeta, "sign": sign}
            for eta, zeta in widths
            for sign in (1, -1)
        ]

    narrow, wide = [(0.25, 1.0), (0.1, 1.0), (0.04, 4.0)], [(0.1, 1.0), (0.004, 4.0)]
    one_more = {"type": "G4", "neighbours": ("H", "O"), "eta": 0.7, "zeta": 1.0, "sign": 1}
    pairs = {pair: angular(pair, wide) for pair in (("H", "O"), ("O", "O"))}
    of_hydrogen = [one_more, *angular(("H", "O"), narrow), *pairs["O", "O"]]
    of_oxygen = [*angular(("H", "H"), narrow), *pairs["H", "O"], *pairs["O", "O"]]
    return SymmetryFunctionsByElementConfig(
        cutoff=CUTOFF,
        cutoff_function="tanh3",
        elements={"H": radial + of_hydrogen, "O": radial + of_oxygen},
    )


def potential(folder: Path | None) -> BehlerParrinello:
    """The potential of a folder, or a random one."""
    if folder is not None:
        return read_potential(folder)[0]
    torch.manual_seed(0)
    settings = {"descriptor": functions(), "hidden": (20, 20), "activation": "tanh"}
    return BehlerParrinello(BehlerParrinello.Config(**settings), (1, 8))


def calls(model: BehlerParrinello, graph: AtomicGraph) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    descriptor = model.descriptor
    vectors = graph.edge_vectors().to(descriptor.dtype)
    atoms = (graph.centres, graph.neighbours, descriptor.index_of(graph.numbers))

    def derivatives() -> None:
        free = vectors.clone().requires_grad_()
        features = descriptor.evaluate(free, *atoms)
        torch.autograd.grad(features, free, torch.ones_like(features))

    return {
        "features": lambda: descriptor.evaluate(vectors, *atoms),
        "and back": derivatives,
        "energy and forces": lambda: predict(model, graph),
    }


def processor_time(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(model: BehlerParrinello, atoms: Atoms) -> dict[str, list[float]]:
    """Microseconds per atom of each call: compiled, in torch."""
    graph = with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff)
    compiled = kernels.available
    times: dict[str, list[list[float]]] = {name: [[], []] for name in calls(model, graph)}
    for turn in range(max(REPEATS)):
        for name, call in calls(model, graph).items():
            for which, available in enumerate((compiled, lambda: False)):
                if turn < REPEATS[which]:
                    kernels.available = available
                    times[name][which].append(processor_time(call))
    kernels.available = compiled
    return {name: [1e6 * min(t) / len(atoms) for t in both] for name, both in times.items()}


def table(folder: Path | None, structure: Atoms) -> Table:
    how = kernels.status()["symmetry functions (CPU)"]
    columns = Table("precision", "call", title=f"{len(structure)} atoms; {how}")
    for column in ("compiled", "plain torch"):
        columns.add_column(f"{column}, µs/atom", justify="right")
    for dtype in (torch.float64, torch.float32):
        model = potential(folder).to(dtype)
        for name, times in measure(model, structure).items():
            columns.add_row(str(dtype).removeprefix("torch."), name, *(f"{t:.0f}" for t in times))
    return columns


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potential", type=Path)
    parser.add_argument("--structure", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chosen = read(arguments.structure) if arguments.structure else water(4)
    Console(width=100).print(table(arguments.potential, chosen))
