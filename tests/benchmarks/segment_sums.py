"""Sums over edges: `index_add` of torch beside torch-scatter (extra `scatter`), in milliseconds of
processor time on one thread.

    python tests/benchmarks/segment_sums.py

Values in float32 for edges sorted by centre, as ours are, and in random order; forward, and forward
with backward. All take turns; the least of the repeats counts.
"""

import time
from collections.abc import Callable
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from mlip.ops.scatter import sum_by_index

try:
    import torch_scatter
except ImportError:
    torch_scatter = None

REPEATS = 15
ATOMS = 192
NEIGHBOURS = 54
CHANNELS = (16, 64, 256)

Sum = Callable[[Tensor], Tensor]


def ways(index: Tensor) -> dict[str, Sum]:
    """How values can be summed by that index."""
    found: dict[str, Sum] = {"index_add": lambda values: sum_by_index(values, index, ATOMS)}
    if torch_scatter is None:
        return found
    found["torch_scatter.scatter"] = lambda values: torch_scatter.scatter_sum(
        values, index, dim=0, dim_size=ATOMS
    )
    if bool((index.diff() >= 0).all()):
        borders = torch.searchsorted(index, torch.arange(ATOMS + 1))
        found["torch_scatter.segment_csr"] = lambda values: torch_scatter.segment_csr(
            values, borders, reduce="sum"
        )
    return found


def with_backward(way: Sum, values: Tensor) -> None:
    leaf = values.detach().requires_grad_()
    way(leaf).square().sum().backward()


def least(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of processor time, the calls taking turns."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(20):
                call()
            best[name] = min(best[name], (time.process_time() - start) / 20)
    return {name: 1e3 * seconds for name, seconds in best.items()}


def main() -> None:
    torch.set_num_threads(1)
    index = torch.arange(ATOMS).repeat_interleave(NEIGHBOURS)
    orders = {"sorted": index, "random": index[torch.randperm(len(index))]}
    table = Table("edges", "channels", "way", "forward, ms", "with backward, ms",
                  title=f"{len(index):,} edges of {ATOMS} atoms")  # fmt: skip
    for order, places in orders.items():
        for channels in CHANNELS:
            values = torch.randn(len(index), channels)
            found = ways(places)
            forward = least({name: partial(way, values) for name, way in found.items()})
            both = least({name: partial(with_backward, way, values) for name, way in found.items()})
            for name in found:
                figures = f"{forward[name]:.2f}", f"{both[name]:.2f}"
                table.add_row(order, str(channels), name, *figures)
    console = Console()
    console.print(table)
    if torch_scatter is None:
        command = 'pip install --no-build-isolation "nearsight[scatter]"'
        console.print(f"torch-scatter is not installed: {command}, ten minutes", markup=False)


if __name__ == "__main__":
    main()
