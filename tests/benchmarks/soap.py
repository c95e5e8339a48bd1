"""SOAP in the compiled core: microseconds of processor time per atom on one thread.

    python tests/benchmarks/soap.py

Features; energies and forces of a linear model; both in torch alone; features by DScribe with its
own definition of the same size (it has no derivatives for periodic structures).
"""

import warnings

import torch
from ase import Atoms
from rich.console import Console
from rich.table import Table
from structures import batch, elements, organic_molecules, water
from timing import Call, least

from mlip import kernels
from mlip.descriptors import SOAP, SOAPConfig

CASES = {
    "64 H2O": [water(4)],
    "512 H2O": [water(8)],
    "55 molecules": organic_molecules(55),
}


def soap_calls(structures: list[Atoms], dtype: torch.dtype) -> dict[str, Call]:
    species = elements(structures)
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

    species = elements(structures)
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


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    console = Console(width=120)
    console.print(f"{kernels.status()['SOAP (CPU)']}; r_cut 5 Å, n_max 8, l_max 6")
    console.print(descriptor_table())
