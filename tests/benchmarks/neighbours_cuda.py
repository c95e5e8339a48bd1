"""The neighbour list on a GPU beside other libraries: `make bench-cuda`.

Everyone gets the same float64 tensors on the GPU and is asked for the full list with i, j, shifts,
distances and vectors. Times are of the clock on the wall, from call to the end of all work on the
GPU; the median of many turns counts, in which the libraries take turns. A row of which the number
of pairs is not ours is marked. Libraries that are not installed are left out.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from ase import Atoms
from neighbours import installed
from rich.console import Console
from rich.table import Table
from structures import gas_in

from mlip import kernels
from mlip.neighbours import compiled

CUTOFF = 6.0
#: Atoms along each side of a jittered cubic lattice: 64 to a million atoms, 0.1 in a cubic Å.
SIDES = (4, 8, 16, 32, 64, 100)
DENSITY = 0.1

#: Positions, cell, pbc and borders on the GPU to a call that returns how many pairs it found.
Library = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], Callable[[], int]]

# ------------------------------------------------------------------------------------------- cases


def jittered(side: int) -> Atoms:
    spacing = DENSITY ** (-1 / 3)
    sites = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    moved = sites + np.random.default_rng(0).normal(0, 0.15, sites.shape)
    cell = np.eye(3) * spacing * side
    return Atoms(np.full(len(sites), 1), positions=moved * spacing, cell=cell, pbc=True)


def skewed(n: int) -> Atoms:
    length = (n / DENSITY) ** (1 / 3)
    return gas_in(np.array([[1, 0, 0], [0.9, 1, 0], [0.8, -0.7, 1]]) * length, n)


def on_gpu(atoms: list[Atoms]) -> tuple[torch.Tensor, ...]:
    borders = [0, *np.cumsum([len(a) for a in atoms]).tolist()]
    return (
        torch.from_numpy(np.concatenate([a.positions for a in atoms])).cuda(),
        torch.from_numpy(np.stack([a.cell.array for a in atoms])).cuda(),
        torch.from_numpy(np.stack([a.pbc for a in atoms])).cuda(),
        torch.tensor(borders).cuda(),
    )


# --------------------------------------------------------------------------------------- libraries


def ours(positions, cell, pbc, borders) -> Callable[[], int]:
    structures = (positions, cell, pbc, borders)
    return lambda: compiled.find_edges_and_vectors(*structures, CUTOFF)[0].shape[1]


def our_indices(positions, cell, pbc, borders) -> Callable[[], int]:
    structures = (positions, cell, pbc, borders)
    return lambda: compiled.find_edges(*structures, CUTOFF)[0].shape[1]


def vesin(positions, cell, pbc, borders) -> Callable[[], int] | None:
    if len(cell) > 1:
        return None  # one structure a call
    from vesin_torch import NeighborList

    lists = NeighborList(cutoff=CUTOFF, full_list=True)
    return lambda: len(lists.compute(positions, cell[0], pbc[0], "PSdD", copy=False)[0])


def torch_nl(positions, cell, pbc, borders) -> Callable[[], int]:
    from torch_nl import compute_neighborlist
    from torch_nl.geometry import compute_cell_shifts

    structure = torch.repeat_interleave(torch.arange(len(cell), device="cuda"), borders.diff())
    cells = cell.reshape(-1, 3)

    def call() -> int:
        pairs, of_pair, shifts = compute_neighborlist(
            CUTOFF, positions, cells, pbc, structure, False
        )
        vectors = positions[pairs[1]] - positions[pairs[0]]
        vectors = vectors + compute_cell_shifts(cells, shifts, of_pair)
        torch.linalg.norm(vectors, dim=1)
        return pairs.shape[1]

    return call


def nvalchemi(positions, cell, pbc, borders) -> Callable[[], int]:
    from nvalchemiops.torch.neighbors import neighbor_list

    # its capacity, with room for fluctuations; too small a one is its own error
    most = int(1.6 * DENSITY * 4 / 3 * np.pi * CUTOFF**3 + 24)
    arguments = {"max_neighbors": most, "return_neighbor_list": True}
    arguments |= {"return_distances": True, "return_vectors": True}
    if len(cell) > 1:
        structure = torch.repeat_interleave(torch.arange(len(cell), device="cuda"), borders.diff())
        batch = {"batch_ptr": borders.int(), "batch_idx": structure.int()}
        arguments |= batch | {"method": "batch_cell_list", "cell": cell, "pbc": pbc}
    else:
        arguments |= {"method": "cell_list", "cell": cell[0], "pbc": pbc[0]}
    return lambda: neighbor_list(positions, CUTOFF, **arguments)[0].shape[1]


LIBRARIES: dict[str, tuple[Library, str | None]] = {
    "mlip": (ours, None),
    "mlip, ijS": (our_indices, None),
    "vesin": (vesin, "vesin-torch"),
    "torch_nl": (torch_nl, "torch-nl"),
    "nvalchemi": (nvalchemi, "nvalchemi-toolkit-ops"),
}

# -------------------------------------------------------------------------------------- measuring


def seconds(call: Callable[[], int]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def ready(make: Library, structures: tuple[torch.Tensor, ...]) -> tuple[Callable, int] | str | None:
    """A call, warm, and its number of pairs; or what went wrong, in a word."""
    try:
        call = make(*structures)
        if call is None:
            return None
        for _ in range(3):
            pairs = call()
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return "out of memory"
    except Exception as error:  # another library's failure is a result, not ours
        return type(error).__name__
    return call, pairs


def measure(structures: tuple[torch.Tensor, ...], budget: float) -> list[str]:
    found = {
        name: ready(make, structures)
        for name, (make, distribution) in LIBRARIES.items()
        if installed(distribution)
    }
    calls = {name: both[0] for name, both in found.items() if isinstance(both, tuple)}
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + budget * len(calls)
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, call in calls.items():
            times[name].append(seconds(call))
    pairs = found["mlip"][1]
    row = [f"{pairs}"]
    for name in LIBRARIES:
        if name not in times:
            row.append(found.get(name) or "-")
            continue
        mark = "" if found[name][1] == pairs else " other pairs"
        median = statistics.median(times[name])
        row.append(f"{median * 1e6:.0f} ({median * 1e9 / max(1, pairs):.2f}){mark}")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=100, help="atoms along the longest side")
    parser.add_argument("--budget", type=float, default=0.5, help="s for each library and case")
    arguments = parser.parse_args()
    if not kernels.cuda_available():
        sys.exit(f"neighbour list (CUDA): {kernels.status()['neighbour list (CUDA)']}")
    console = Console(width=160)
    console.print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; {CUTOFF} Å")
    table = Table("case", "pairs", *LIBRARIES, title="µs (ns a pair)")
    cases = {f"{side**3} atoms": [jittered(side)] for side in SIDES if side <= arguments.largest}
    cases["4096 atoms, skewed"] = [skewed(4096)]
    cases["32 x 64 atoms"] = [jittered(4)] * 32
    for name, atoms in cases.items():
        table.add_row(name, *measure(on_gpu(atoms), arguments.budget))
    console.print(table)


if __name__ == "__main__":
    main()
