"""The neighbour list beside other libraries: `make bench`.

Everyone gets the same float64 input on one thread and is asked for the same: the full list with
i, j, shifts, distances and vectors, in the library's own arrays, called as its documentation calls
fastest. The libraries take turns, so that whatever else the machine does hits them alike; the least
processor time of many turns counts. A row of which the number of pairs is not ours is marked.
"""

# ruff: noqa: E402  (the number of threads is settled before the libraries load)
import os

THREADS = int(os.environ.get("THREADS", "1"))
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = str(THREADS)

import argparse
import gc
import importlib.metadata
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk, fcc111
from rich.console import Console
from rich.table import Table
from structures import gas_in, water

from mlip import kernels
from mlip.graph import AtomicGraph
from mlip.neighbours import compiled, neighbour_list, with_neighbours

#: Makes a call that returns how many pairs it found; None if the library cannot do the case.
Library = Callable[[Atoms, float], Callable[[], int] | None]

# ------------------------------------------------------------------------------------------- cases


def chain_molecule(n: int, seed: int) -> Atoms:
    """A random branched molecule with bonds of 1.4 Å and no contact below 1 Å."""
    rng = np.random.default_rng(seed)
    points = [np.zeros(3)]
    while len(points) < n:
        step = rng.normal(size=3)
        point = points[rng.integers(len(points))] + 1.4 * step / np.linalg.norm(step)
        if min(np.linalg.norm(point - p) for p in points) > 1.0:
            points.append(point)
    return Atoms(f"C{n}", positions=points)


def cases(large: bool) -> Iterator[tuple[str, Atoms, float]]:
    for side in (4, 8, 16, 32) if large else (4, 8, 16):
        yield f"water {3 * side**3}", water(side), 6.0
    copper = bulk("Cu", cubic=True).repeat(10)
    copper.rattle(0.05, seed=0)
    yield "copper 4000", copper, 5.0
    yield "silicon 2", bulk("Si"), 8.0
    length = 10000 ** (1 / 3)
    yield "gas 1000", gas_in(np.eye(3) * length, 1000), 6.0
    skewed = np.array([[1, 0, 0], [0.9, 1, 0], [0.8, -0.7, 1]]) * length
    yield "gas 1000, skewed", gas_in(skewed, 1000), 6.0
    slab = fcc111("Cu", (8, 8, 8), vacuum=10.0, orthogonal=True)
    slab.rattle(0.05, seed=3)
    yield "slab 512", slab, 6.0
    yield "molecule 30", chain_molecule(30, 0), 6.0


# --------------------------------------------------------------------------------------- libraries


def ours(atoms: Atoms, cutoff: float) -> Callable[[], int]:
    return lambda: len(neighbour_list("ijSdD", atoms, cutoff)[0])


def our_operator(atoms: Atoms, cutoff: float) -> Callable[[], int]:
    graph = AtomicGraph.from_atoms(atoms)
    borders = torch.tensor([0, len(atoms)])
    structure = (graph.positions, graph.cell, graph.pbc, borders)
    return lambda: compiled.find_edges(*structure, cutoff)[0].shape[1]


def vesin(atoms: Atoms, cutoff: float) -> Callable[[], int]:
    from vesin import NeighborList

    lists = NeighborList(cutoff=cutoff, full_list=True, n_threads=THREADS)
    cell, pbc = np.array(atoms.cell), np.array(atoms.pbc)
    return lambda: len(lists.compute(atoms.positions, cell, pbc, "PSdD", copy=False)[0])


def matscipy_neighbours(atoms: Atoms, cutoff: float) -> Callable[[], int]:
    from matscipy_neighbours import neighbour_list as theirs

    pbc = np.array(atoms.pbc)
    cell = np.array(atoms.cell) if pbc.any() else None
    return lambda: len(
        theirs("ijSdD", positions=atoms.positions, cell=cell, pbc=pbc, cutoff=cutoff)[0]
    )


def matscipy(atoms: Atoms, cutoff: float) -> Callable[[], int]:
    from matscipy.neighbours import neighbour_list as theirs

    if not atoms.pbc.any():
        return lambda: len(theirs("ijSdD", positions=atoms.positions, cutoff=cutoff)[0])
    return lambda: len(theirs("ijSdD", atoms, cutoff)[0])


def neighborlist_rs(atoms: Atoms, cutoff: float) -> Callable[[], int] | None:
    """Returns half of the pairs and no lengths; numpy completes them."""
    import neighborlist_rs as theirs

    if atoms.pbc.any() != atoms.pbc.all() or len(atoms) < 10:
        return None  # ignores pbc flags; counts an atom's own images twice
    positions, matrix = atoms.positions, np.array(atoms.cell)
    cell = theirs.PyCell(matrix.T.tolist(), [True] * 3) if atoms.pbc.all() else None

    def call() -> int:
        half = theirs.build_neighborlists(cell, positions, cutoff, parallel=THREADS > 1)
        (i, j), shifts = half["edge_index"], half["shift"]
        vectors = positions[j] - positions[i] + shifts @ matrix
        distances = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        parts = ((i, j), (j, i), (shifts, -shifts), (distances, distances), (vectors, -vectors))
        i, _j, _shifts, _distances, _vectors = map(np.concatenate, parts)
        return len(i)

    return call


def ase(atoms: Atoms, cutoff: float) -> Callable[[], int] | None:
    from ase.neighborlist import primitive_neighbor_list

    if len(atoms) > 2000:
        return None  # seconds
    return lambda: len(
        primitive_neighbor_list("ijSdD", atoms.pbc, atoms.cell, atoms.positions, cutoff)[0]
    )


LIBRARIES: dict[str, tuple[Library, str | None]] = {
    "mlip": (ours, None),
    "mlip operator, ijS": (our_operator, None),
    "vesin": (vesin, "vesin"),
    "matscipy-neighbours": (matscipy_neighbours, "matscipy-neighbours"),
    "neighborlist-rs + numpy": (neighborlist_rs, "neighborlist-rs"),
    "matscipy": (matscipy, "matscipy"),
    "ase": (ase, "ase"),
}

# -------------------------------------------------------------------------------------- measuring


def clock() -> float:
    """Processor time on one thread, since other programs may run; else the clock on the wall."""
    return time.process_time() if THREADS == 1 else time.perf_counter()


def seconds(call: Callable[[], int]) -> float:
    """Of the best of three calls in a row: the first pays for memory that another library left."""
    times = []
    for _ in range(3):
        start = clock()
        call()
        times.append(clock() - start)
    return min(times)


def least_times(calls: dict[str, Callable[[], int]], budget: float) -> dict[str, float]:
    """The least time of each call, in s, of as many turns as take `budget` seconds or so."""
    for call in calls.values():
        call()
    least = {name: seconds(call) for name, call in calls.items()}
    gc.collect()
    gc.disable()
    end = time.perf_counter() + budget * len(calls)
    turn = 0
    while time.perf_counter() < end or turn < 5:
        turn += 1
        for name, call in calls.items():
            # a slow library gets fewer turns, so that a fast one gets enough
            if turn < 5 or turn % max(1, int(least[name] / min(least.values()) / 4)) == 0:
                least[name] = min(least[name], seconds(call))
    gc.enable()
    return least


def installed(distribution: str | None) -> bool:
    try:
        return distribution is None or bool(importlib.metadata.version(distribution))
    except importlib.metadata.PackageNotFoundError:
        return False


def measure(name: str, atoms: Atoms, cutoff: float, budget: float) -> list[str]:
    calls = {
        library: call
        for library, (make, distribution) in LIBRARIES.items()
        if installed(distribution) and (call := make(atoms, cutoff)) is not None
    }
    counts = {library: call() for library, call in calls.items()}
    pairs = counts["mlip"]
    times = least_times(calls, budget)
    row = [name, f"{cutoff:g}", f"{pairs}"]
    for library in LIBRARIES:
        if library not in times:
            row.append("-")
            continue
        mark = "" if counts[library] == pairs else " other pairs"
        row.append(f"{times[library] * 1e6:.0f} ({times[library] * 1e9 / pairs:.1f}){mark}")
    return row


def batch(budget: float) -> str:
    """32 molecules in one call."""
    graphs = AtomicGraph.batch(
        [AtomicGraph.from_atoms(chain_molecule(30, seed)) for seed in range(32)]
    )
    borders = torch.searchsorted(graphs.structure, torch.arange(33))
    structures = (graphs.positions, graphs.cell, graphs.pbc, borders)
    times = least_times(
        {
            "operator": lambda: compiled.find_edges(*structures, 6.0)[0].shape[1],
            "front": lambda: with_neighbours(graphs, 6.0).n_edges,
        },
        budget,
    )
    return (
        f"batch of 32 molecules of 30 atoms, 6 Å: operator {times['operator'] * 1e6:.0f} µs, "
        f"with_neighbours {times['front'] * 1e6:.0f} µs"
    )


def scaling(threads: int, budget: float) -> Table:
    """`with_neighbours` on one thread and on several, taking turns.

    The clock on the wall counts on a machine with nothing else to do. Elsewhere the processor time
    of the calling thread is the better guide: it is what the others could not take off it.
    """
    table = Table("case", "pairs", "ms", f"ms, {threads} threads", "ratio", "ratio, processor time")
    sides = ((f"water {3 * side**3}", water(side)) for side in (5, 7, 9, 12, 16, 26))
    thin = gas_in(np.eye(3) * 200.0, 4000)
    for name, atoms in (*sides, ("thin gas 4000", thin)):
        graph = AtomicGraph.from_atoms(atoms)
        least: dict[int, tuple[float, float]] = {1: (np.inf, np.inf), threads: (np.inf, np.inf)}
        end, turn = time.perf_counter() + 4 * budget, 0
        while time.perf_counter() < end or turn < 5:
            turn += 1
            for n in least:
                torch.set_num_threads(n)
                wall, own = time.perf_counter(), time.thread_time()
                pairs = with_neighbours(graph, 6.0).n_edges
                spent = time.perf_counter() - wall, time.thread_time() - own
                least[n] = min(least[n][0], spent[0]), min(least[n][1], spent[1])
        (wall, own), (wall_shared, own_shared) = least[1], least[threads]
        row = f"{pairs}", f"{1e3 * wall:.2f}", f"{1e3 * wall_shared:.2f}"
        table.add_row(name, *row, f"{wall / wall_shared:.2f}", f"{own / own_shared:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also 98,304 atoms")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--budget", type=float, default=0.5, help="s for each library and case")
    parser.add_argument("--threads", type=int, help="only: one thread beside this many")
    arguments = parser.parse_args()
    if arguments.threads:
        Console(width=120).print(scaling(arguments.threads, arguments.budget))
        return
    torch.set_num_threads(THREADS)
    console = Console(width=200)
    console.print(f"{THREADS} threads; {kernels.status()}; load {os.getloadavg()[0]:.1f}")
    versions = [
        f"{d} {importlib.metadata.version(d)}" for _, d in LIBRARIES.values() if d and installed(d)
    ]
    console.print(", ".join(versions))
    table = Table("case", "Å", "pairs", *LIBRARIES, title="µs (ns a pair)")
    for name, atoms, cutoff in cases(arguments.large):
        if arguments.only in name:
            table.add_row(*measure(name, atoms, cutoff, arguments.budget))
    console.print(table)
    console.print(batch(arguments.budget))


if __name__ == "__main__":
    main()
