"""SOAP in the compiled core: microseconds of processor time per atom on one thread.

    python tests/benchmarks/soap.py

Features; energies and forces of a linear model; both in torch alone; features by DScribe with its
own definition of the same size (it has no derivatives for periodic structures). Then a whole call
of the ASE calculator with a Behler-Parrinello model beside the sum of its parts. All take turns, so
that whatever else the machine does hits them alike; the least of the repeats counts.
"""

import time
import warnings
from collections.abc import Callable

import torch
from ase import Atoms
from ase.build import molecule
from ase.collections import g2
from neighbours import water
from rich.console import Console
from rich.table import Table

from mlip import kernels
from mlip.calculators import MLIPCalculator
from mlip.descriptors import SOAP, SOAPConfig
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello
from mlip.neighbours import with_neighbours

REPEATS = 9

Call = Callable[[], object]


def organic_molecules(count: int) -> list[Atoms]:
    """The largest of the G2 set that are made of H, C, N, O and S."""
    known = [molecule(name) for name in g2.names]
    fitting = [m for m in known if set(m.symbols) <= set("HCNOS") and len(m) > 1]
    return sorted(fitting, key=len)[-count:]


CASES = {
    "64 H2O": [water(4)],
    "512 H2O": [water(8)],
    "55 molecules": organic_molecules(55),
}


def least(calls: dict[str, Call], n_atoms: int) -> dict[str, float]:
    """Microseconds of processor time per atom, the calls taking turns."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - start)
    return {name: 1e6 * seconds / n_atoms for name, seconds in best.items()}


def batch(structures: list[Atoms], cutoff: float) -> AtomicGraph:
    graphs = [AtomicGraph.from_atoms(atoms) for atoms in structures]
    return with_neighbours(AtomicGraph.batch(graphs), cutoff)


def soap_calls(structures: list[Atoms], dtype: torch.dtype) -> dict[str, Call]:
    species = sorted({int(z) for atoms in structures for z in atoms.numbers})
    soap = SOAP(SOAPConfig(), species).to(dtype)
    graph = batch(structures, soap.cutoff)
    index, vectors = soap.index_of(graph.numbers), graph.edge_vectors().to(dtype)
    edges = (graph.centres, graph.neighbours, index)
    weights = torch.linspace(-1.0, 1.0, soap.n_features, dtype=dtype)

    def forces(by_core: bool) -> None:
        positions = graph.positions.clone().requires_grad_()
        moved = graph.replace(positions=positions)
        if by_core:
            features = soap(moved)
        else:
            unmixed = vectors.new_empty(0, len(species))
            features = soap.power_spectrum(moved.edge_vectors().to(dtype), unmixed, *edges)
        torch.autograd.grad((features @ weights).sum(), positions)

    return {
        "features": torch.no_grad()(lambda: soap(graph)),
        "+ forces": lambda: forces(True),
        "+ forces in torch": lambda: forces(False),
    }


def dscribe_call(structures: list[Atoms]) -> Call:
    from dscribe.descriptors import SOAP as TheirSOAP  # noqa: N811

    species = sorted({int(z) for atoms in structures for z in atoms.numbers})
    periodic = bool(structures[0].pbc.all())
    soap = TheirSOAP(
        species=species, r_cut=5.0, n_max=8, l_max=6, sigma=0.5, rbf="gto", periodic=periodic
    )
    return lambda: [soap.create(atoms) for atoms in structures]


def descriptor_table() -> Table:
    table = Table("structures", "neighbours", "precision")
    for column in ("features", "+ forces", "+ forces in torch", "DScribe, features"):
        table.add_column(f"{column}, µs/atom", justify="right")
    for name, structures in CASES.items():
        n_atoms = sum(map(len, structures))
        neighbours = batch(structures, 5.0).n_edges / n_atoms
        calls: dict[str, Call] = {"DScribe": dscribe_call(structures)}
        for dtype in (torch.float64, torch.float32):
            own = soap_calls(structures, dtype)
            calls |= {f"{column} {dtype}": call for column, call in own.items()}
        cost = least(calls, n_atoms)
        for dtype in (torch.float64, torch.float32):
            numbers = [cost[f"{column} {dtype}"] for column in own] + [cost["DScribe"]]
            precision = str(dtype).removeprefix("torch.")
            table.add_row(name, f"{neighbours:.0f}", precision, *(f"{x:.1f}" for x in numbers))
    return table


def calculator_calls(atoms: Atoms) -> dict[str, Call]:
    """The call and its parts: neighbours, edge vectors, features and network, each of the last
    three with its derivative."""
    model = BehlerParrinello(
        BehlerParrinello.Config(descriptor={"name": "soap"}), sorted(set(atoms.numbers.tolist()))
    )
    graph = batch([atoms], model.cutoff)
    model.adapt([graph])
    calculator = MLIPCalculator(model, skin=0.0)
    frozen = calculator.model
    index = frozen.index_of(graph.numbers)
    vectors = graph.edge_vectors().requires_grad_()
    features = frozen.features(graph).detach().requires_grad_()

    def call() -> None:
        calculator.reset()
        calculator.calculate(atoms, ["energy", "forces"])

    def differentiated_vectors() -> None:
        positions = graph.positions.clone().requires_grad_()
        found = graph.replace(positions=positions).edge_vectors()
        torch.autograd.grad(found, positions, vectors.detach())

    def descriptor() -> None:
        found = frozen.descriptor.evaluate(vectors, graph.centres, graph.neighbours, index)
        torch.autograd.grad(found, vectors, features.detach())

    def network() -> None:
        torch.autograd.grad(frozen.regress(features, index).sum(), features)

    return {
        "neighbours": lambda: with_neighbours(graph, model.cutoff),
        "edge vectors": differentiated_vectors,
        "SOAP": descriptor,
        "network": network,
        "calculator": call,
    }


def calculator_table() -> Table:
    table = Table("structure", "part", title="behler_parrinello, float64: energy, forces, stress")
    table.add_column("µs/atom", justify="right")
    for name in ("64 H2O", "512 H2O"):
        (atoms,) = CASES[name]
        cost = least(calculator_calls(atoms), len(atoms))
        whole = cost.pop("calculator")
        for part, value in cost.items():
            table.add_row(name, part, f"{value:.1f}")
        total = sum(cost.values())
        table.add_row(name, "sum of parts", f"{total:.1f}")
        table.add_row(name, "calculator call", f"{whole:.1f} ({whole / total:.2f} of the sum)")
    return table


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    console = Console(width=120)
    console.print(f"{kernels.status()['SOAP (CPU)']}; r_cut 5 Å, n_max 8, l_max 6")
    console.print(descriptor_table())
    console.print(calculator_table())
