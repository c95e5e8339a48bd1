"""The equivariant model on a GPU, by the library for GPUs beside plain torch: `make bench-cuda`.

Water, untrained models (the cost does not depend on the weights). Energy, forces and stress through
the ASE calculator, the neighbour list included, as in dynamics; and a training step, the gradient
of a loss of energy and forces by the parameters. Times are of the clock on the wall, from call to
the end of all work on the GPU; the median of many turns counts.
"""

import argparse
import sys
from collections.abc import Callable

import torch
from descriptors_cuda import median
from equivariant import PRESETS, build, compiled, in_torch
from rich.console import Console
from rich.table import Table
from structures import water

from mlip import kernels
from mlip.calculators import MLIPCalculator
from mlip.graph import AtomicGraph
from mlip.models import Equivariant, predict
from mlip.neighbours import with_neighbours

#: Molecules along each side of a box: 192 to 98304 atoms; training steps up to 1536.
SIDES = (4, 8, 16, 32)
LARGEST_STEP = 8


def evaluation(model: Equivariant, side: int) -> Callable[[], object]:
    calculator, atoms = MLIPCalculator(model, device="cuda"), water(side)
    return lambda: calculator.calculate(atoms, ["energy", "forces", "stress"])


def training_step(model: Equivariant, side: int) -> Callable[[], object]:
    model = model.to("cuda")
    parameters = list(model.parameters())
    graph = with_neighbours(AtomicGraph.from_atoms(water(side)).to("cuda"), model.cutoff)

    def step() -> object:
        found = predict(model, graph, ("energy", "forces"), training=True)
        loss = found["energy"].square().sum() + found["forces"].square().sum()
        return torch.autograd.grad(loss, parameters)

    return step


def cells(preset: str, side: int, dtype: torch.dtype, budget: float) -> list[str]:
    """Evaluation compiled and in torch, then the same of a training step."""
    found = []
    for make in (evaluation, training_step):
        for how in (compiled, in_torch):
            if make is training_step and side > LARGEST_STEP:
                found.append("-")
                continue
            with how():
                try:
                    call = make(build(preset, water(4), dtype), side)
                    time = median(call, budget)
                except torch.cuda.OutOfMemoryError:
                    torch.cuda.empty_cache()
                    found.append("out of memory")
                    continue
            found.append(f"{time * 1e3:.1f} ({time * 1e6 / (3 * side**3):.1f})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=32, help="molecules along the longest side")
    parser.add_argument("--budget", type=float, default=0.5, help="s for each case")
    arguments = parser.parse_args()
    if not kernels.cuda_available():
        why = kernels.status()["equivariant messages (CUDA)"]
        sys.exit(f"equivariant messages (CUDA): {why}")
    console = Console(width=140)
    console.print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; ms (µs an atom)")
    table = Table("model", "atoms", "precision")
    for what in ("evaluation", "training step"):
        for way in ("compiled", "in torch"):
            table.add_column(f"{what}, {way}", justify="right")
    for preset in PRESETS:
        for dtype in (torch.float32, torch.float64):
            for side in SIDES:
                if side <= arguments.largest:
                    name = str(dtype).removeprefix("torch.")
                    row = cells(preset, side, dtype, arguments.budget)
                    table.add_row(preset, f"{3 * side**3}", name, *row)
    console.print(table)


if __name__ == "__main__":
    main()
