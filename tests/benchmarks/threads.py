"""What a second thread is worth for one structure: ``python tests/benchmarks/threads.py``.

Wall time of one thread beside that of several (``--threads``), which take turns; the least of the
repeats counts. The first row is arithmetic of torch on what fits into the caches: what the machine
has to give just now. A machine that has other things to do shows little else.
"""

import argparse
import os
import time
import warnings

import torch
from calculator import calculator_for
from rich.console import Console
from rich.table import Table
from structures import batch, water
from timing import Call

from mlip.descriptors import SOAP, Chebyshev, Descriptor, SymmetryFunctions
from mlip.neighbours import with_neighbours

REPEATS = 30


def calls() -> dict[str, Call]:
    """Of 1536 atoms of water, neighbours within 5 Å."""
    atoms = water(8)
    graph = batch([atoms], 5.0)
    numbers = torch.linspace(-0.9, 0.9, 2**17)
    found: dict[str, Call] = {
        "arithmetic": lambda: torch.special.erfinv(numbers),
        "neighbour list": lambda: with_neighbours(graph, 5.0),
    }
    for kind in (SOAP, SymmetryFunctions, Chebyshev):
        descriptor: Descriptor = kind(kind.Config(cutoff=5.0), [1, 8])
        weights = torch.ones(len(atoms), descriptor.n_features, dtype=torch.float64)

        def forces(descriptor: Descriptor = descriptor, weights: torch.Tensor = weights) -> None:
            positions = graph.positions.clone().requires_grad_()
            features = descriptor(graph.replace(positions=positions))
            torch.autograd.grad(features, positions, weights)

        name = kind.__name__
        found[f"{name}, features"] = torch.no_grad()(lambda d=descriptor: d(graph))
        found[f"{name}, features and forces"] = forces
    for name in ("soap", "symmetry_functions", "chebyshev"):
        calculator = calculator_for(atoms, name)
        found[f"calculator, {name}"] = lambda c=calculator: c.calculate(atoms, ["forces"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    several = parser.parse_args().threads
    warnings.simplefilter("ignore")
    table = Table("", "1 thread, ms", f"{several} threads, ms", "gain")
    for name, call in calls().items():
        best = {1: float("inf"), several: float("inf")}
        for _ in range(REPEATS):
            for threads in (1, several):
                torch.set_num_threads(threads)
                call()
                start = time.perf_counter()
                call()
                best[threads] = min(best[threads], time.perf_counter() - start)
        one, more = (1e3 * seconds for seconds in best.values())
        table.add_row(name, f"{one:.1f}", f"{more:.1f}", f"{one / more:.2f}")
    Console(width=100).print(f"load {os.getloadavg()[0]:.1f}", table)


if __name__ == "__main__":
    main()
