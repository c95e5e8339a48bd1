"""Descriptors beside other libraries': ``python tests/benchmarks/descriptors_beside_peers.py``.

SOAP of r_cut 5 Å, n_max 8, l_max 6 and sigma 0.5 Å, each by its own definition (docs/soap.md): the
features; and energies and forces of a linear model, all derivatives included. The same of Chebyshev
descriptors within 5 Å, which the peers lack. Then energies and forces of a potential of the size of
n2p2's for water, whose neighbours reach 6.35 Å. One thread, microseconds of processor time per
atom. Neighbour lists of the package are not counted; those that a library makes inside are.

With ``--peers PYTHON`` the others are those of that interpreter's environment.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import torch
from ase import Atoms
from ase.io.jsonio import encode
from rich.console import Console
from rich.table import Table
from structures import batch, elements, organic_molecules, water
from symmetry_functions import potential
from timing import Call, least

from mlip import kernels
from mlip.descriptors import SOAP, Chebyshev, Descriptor
from mlip.graph import AtomicGraph
from mlip.models.derivatives import predict

CASES = {"water 192": [water(4)], "water 1536": [water(8)], "55 molecules": organic_molecules(55)}
DTYPES = {"": torch.float64, ", float32": torch.float32}


def linear_forces(descriptor: Descriptor, graph: AtomicGraph, weights: torch.Tensor) -> None:
    positions = graph.positions.clone().requires_grad_()
    energies = descriptor(graph.replace(positions=positions)) @ weights
    torch.autograd.grad(energies.sum(), positions)


def our_calls(structures: list[Atoms]) -> dict[str, Call]:
    calls: dict[str, Call] = {}
    for suffix, dtype in DTYPES.items():
        for kind in (SOAP, Chebyshev):
            descriptor: Descriptor = kind(kind.Config(cutoff=5.0), elements(structures)).to(dtype)
            graph = batch(structures, descriptor.cutoff)
            weights = torch.linspace(-1.0, 1.0, descriptor.n_features, dtype=dtype)
            name = kind.__name__
            calls[f"{name}{suffix}"] = torch.no_grad()(partial(descriptor, graph))
            calls[f"{name} + linear energy + forces{suffix}"] = partial(
                linear_forces, descriptor, graph, weights
            )
        if elements(structures) == [1, 8]:
            model = potential(None).to(dtype)
            wide = batch(structures, model.cutoff)
            calls[f"n2p2's water potential{suffix}"] = partial(predict, model, wide)
    return calls


def peers(python: str) -> dict[str, dict[str, dict[str, float]] | str]:
    """The same of the other libraries."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structures.json"
        path.write_text(encode(CASES))
        script = Path(__file__).with_name("peer_descriptors.py")
        done = subprocess.run([python, script, path], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    table = Table("", "what", *CASES, title="µs of processor time per atom")
    ours: dict[str, dict[str, float]] = {}
    for case, structures in CASES.items():
        for what, cost in least(our_calls(structures), sum(map(len, structures))).items():
            ours.setdefault(what, {})[case] = cost
    for library, found in {"mlip": ours, **peers(arguments.peers)}.items():
        if isinstance(found, str):
            table.add_row(library, found)
            continue
        for what, costs in found.items():
            cells = (f"{costs[case]:.1f}" if case in costs else "-" for case in CASES)
            table.add_row(library, what, *cells)
    console = Console(width=110)
    console.print(f"{kernels.status()['SOAP (CPU)']}")
    console.print(table)


if __name__ == "__main__":
    main()
