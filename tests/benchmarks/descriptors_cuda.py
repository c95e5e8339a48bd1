"""Descriptors on a GPU, by the library for GPUs beside plain torch: `make bench-cuda`.

Water; features, and features with forces. Times are of the clock on the wall, from call to the end
of all work on the GPU; the median of many turns counts.
"""

import argparse
import statistics
import sys
from collections.abc import Callable

import torch
from neighbours_cuda import seconds
from rich.console import Console
from rich.table import Table
from structures import water

from mlip import kernels
from mlip.descriptors import (
    SOAP,
    Chebyshev,
    ChebyshevConfig,
    SOAPConfig,
    SymmetryFunctions,
    SymmetryFunctionsConfig,
)
from mlip.descriptors.compiled import CompiledDescriptor
from mlip.graph import AtomicGraph
from mlip.neighbours import with_neighbours

#: Boxes of 64 molecules along each side: 192 to 98304 atoms.
SIDES = (1, 2, 4, 8)
SPECIES = (1, 8)

Evaluate = Callable[..., torch.Tensor]


DESCRIPTORS: dict[str, Callable[[], CompiledDescriptor]] = {
    "SOAP": lambda: SOAP(SOAPConfig(), SPECIES),
    "SOAP, mu1nu1": lambda: SOAP(SOAPConfig(compression="mu1nu1"), SPECIES),
    "symmetry functions": lambda: SymmetryFunctions(SymmetryFunctionsConfig(), SPECIES),
    "Chebyshev": lambda: Chebyshev(ChebyshevConfig(), SPECIES),
}


def calls(evaluate: Evaluate, vectors: torch.Tensor, edges: tuple) -> list[Callable[[], object]]:
    """Features, and features with forces."""
    free = vectors.detach().requires_grad_()
    weights = torch.ones_like(evaluate(vectors, *edges))
    return [
        torch.no_grad()(lambda: evaluate(vectors, *edges)),
        lambda: torch.autograd.grad(evaluate(free, *edges), free, weights),
    ]


def median(call: Callable[[], object], budget: float) -> float:
    call()
    turns = max(5, min(200, int(budget / seconds(call))))
    return statistics.median(seconds(call) for _ in range(turns))


def row(descriptor: CompiledDescriptor, side: int, budget: float) -> list[str]:
    graph = with_neighbours(
        AtomicGraph.from_atoms(water(4).repeat(side)).to("cuda"), descriptor.cutoff
    )
    vectors = graph.edge_vectors().to(descriptor.dtype)
    edges = (graph.centres, graph.neighbours, descriptor.index_of(graph.numbers))
    cells = [f"{len(graph.numbers)}", str(descriptor.dtype).removeprefix("torch.")]
    for evaluate in (descriptor.evaluate, descriptor.evaluate_in_torch):
        try:
            times = [median(call, budget) for call in calls(evaluate, vectors, edges)]
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            cells += ["out of memory"] * 2
            continue
        cells += [f"{t * 1e6:.0f} ({t * 1e9 / len(graph.numbers):.0f})" for t in times]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=8, help="boxes along the longest side")
    parser.add_argument("--budget", type=float, default=0.5, help="s for each case")
    arguments = parser.parse_args()
    if not kernels.cuda_available():
        sys.exit(f"SOAP (CUDA): {kernels.status()['SOAP (CUDA)']}")
    console = Console(width=140)
    console.print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; µs (ns an atom)")
    table = Table("descriptor", "atoms", "precision")
    for way in ("compiled", "in torch"):
        table.add_column(f"features, {way}", justify="right")
        table.add_column(f"+ forces, {way}", justify="right")
    for name, make in DESCRIPTORS.items():
        for dtype in (torch.float64, torch.float32):
            descriptor = make().to(dtype).to("cuda")
            for side in SIDES:
                if side <= arguments.largest:
                    table.add_row(name, *row(descriptor, side, arguments.budget))
    console.print(table)


if __name__ == "__main__":
    main()
