"""What other libraries' descriptors cost, for whatever environment they are installed in.

    python peer_descriptors.py structures.json

Prints, as JSON, for each library and what it computes, microseconds of processor time per atom on
one thread for each case of the file, or why there are none. It needs NumPy and ASE besides the
libraries, and nothing of this package. SOAP has r_cut 5 Å, n_max 8, l_max 6 and sigma 0.5 Å.
"""

# ruff: noqa: E402  (the number of threads is settled before the libraries load)
import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.jsonio import decode

Call = Callable[[], object]

#: Seconds for one number, after the first call.
BUDGET = 2.0
#: Nothing that keeps a derivative for every neighbour is asked of more atoms: it takes gigabytes.
MOST_ATOMS = 600


def least(call: Call, n_atoms: int) -> float:
    """Microseconds per atom, the least of some calls."""
    best, begin = np.inf, time.perf_counter()
    for _ in range(7):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
        if time.perf_counter() - begin > BUDGET:
            break
    return 1e6 * best / n_atoms


def numbers_in(structures: list[Atoms]) -> list[int]:
    return sorted({int(z) for atoms in structures for z in atoms.numbers})


def dscribe(structures: list[Atoms]) -> dict[str, Call]:
    from dscribe.descriptors import SOAP

    soap = SOAP(
        species=numbers_in(structures),
        r_cut=5.0,
        n_max=8,
        l_max=6,
        sigma=0.5,
        periodic=bool(structures[0].pbc.all()),
    )
    return {"SOAP": lambda: [soap.create(atoms) for atoms in structures]}


FEATOMIC = {
    "cutoff": {"radius": 5.0, "smoothing": {"type": "ShiftedCosine", "width": 0.5}},
    "density": {"type": "Gaussian", "width": 0.5},
    "basis": {
        "type": "TensorProduct",
        "max_angular": 6,
        "radial": {"type": "Gto", "max_radial": 7},
    },
}


def featomic(structures: list[Atoms]) -> dict[str, Call]:
    from featomic import SoapPowerSpectrum

    soap = SoapPowerSpectrum(**FEATOMIC)
    return {"SOAP": lambda: soap.compute(structures)}


def featomic_torch(structures: list[Atoms]) -> dict[str, Call]:
    import torch
    from featomic.torch import SoapPowerSpectrum, systems_to_torch

    torch.set_num_threads(1)
    soap = SoapPowerSpectrum(**FEATOMIC)

    def forces() -> None:
        systems = systems_to_torch(structures, positions_requires_grad=True)
        blocks = [block.values for block in soap.compute(systems).blocks()]
        ramps = [torch.linspace(-1, 1, b.shape[-1], dtype=b.dtype) for b in blocks]
        sum((b @ ramp).sum() for b, ramp in zip(blocks, ramps)).backward()

    small = max(map(len, structures)) <= MOST_ATOMS
    return {"SOAP + linear energy + forces": forces} if small else {}


def quippy(structures: list[Atoms]) -> dict[str, Call]:
    from quippy.descriptors import Descriptor

    listed = " ".join(map(str, numbers_in(structures)))
    count = len(numbers_in(structures))
    soap = Descriptor(
        "soap cutoff=5.0 cutoff_transition_width=0.5 n_max=8 l_max=6 atom_sigma=0.5 "
        f"n_Z={count} Z={{{listed}}} n_species={count} species_Z={{{listed}}}"
    )
    boxed = [atoms.copy() for atoms in structures]
    for atoms in boxed:
        if not atoms.pbc.any():
            atoms.center(vacuum=6.0)
    calls: dict[str, Call] = {"SOAP": lambda: [soap.calc(atoms) for atoms in boxed]}
    if max(map(len, structures)) <= MOST_ATOMS:
        calls["SOAP + its derivatives"] = lambda: [soap.calc(a, grad=True) for a in boxed]
    return calls


def torchani(structures: list[Atoms]) -> dict[str, Call]:
    """Its own descriptor, of 5.2 and 3.5 Å."""
    import torch
    from torchani.aev import AEVComputer

    torch.set_num_threads(1)
    periodic, known = bool(structures[0].pbc.all()), numbers_in(structures)
    width = max(map(len, structures))
    index = torch.full((len(structures), width), -1)
    places = torch.zeros(len(structures), width, 3, dtype=torch.float64)
    for s, atoms in enumerate(structures):
        index[s, : len(atoms)] = torch.tensor([known.index(z) for z in atoms.numbers])
        places[s, : len(atoms)] = torch.from_numpy(atoms.get_positions(wrap=periodic))

    def forces(dtype: torch.dtype) -> Call:
        lists = "cell_list" if periodic else "all_pairs"
        computer = AEVComputer.like_1x(num_species=len(known), neighborlist=lists).to(dtype)
        box = {}
        if periodic:
            cell = torch.from_numpy(np.array(structures[0].cell)).to(dtype)
            box = {"cell": cell, "pbc": torch.tensor([True] * 3)}

        def call() -> None:
            free = places.to(dtype, copy=True).requires_grad_()
            features = computer(index, free, **box)
            ramp = torch.linspace(-1, 1, features.shape[-1], dtype=dtype)
            (features @ ramp).sum().backward()

        return call

    what = "AEV + linear energy + forces"
    return {what: forces(torch.float64), f"{what}, float32": forces(torch.float32)}


LIBRARIES = {
    "DScribe": dscribe,
    "featomic": featomic,
    "featomic-torch": featomic_torch,
    "quippy": quippy,
    "torchani": torchani,
}


def main() -> None:
    warnings.simplefilter("ignore")
    cases = decode(Path(sys.argv[1]).read_text())
    found: dict[str, dict[str, dict[str, float]] | str] = {}
    for name, library in LIBRARIES.items():
        costs: dict[str, dict[str, float]] = {}
        try:
            for case, structures in cases.items():
                n_atoms = sum(map(len, structures))
                for what, call in library(structures).items():
                    costs.setdefault(what, {})[case] = least(call, n_atoms)
        except ImportError as error:
            found[name] = f"not installed: {error}"
            continue
        found[name] = costs
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
