"""What the equivariant model costs on one thread: ``python tests/benchmarks/equivariant.py``.

Water at 1 g/cm^3, cutoff 5 Å, untrained models (the cost does not depend on the weights). Energy,
forces and stress come through the ASE calculator, all atoms moved before each call, the neighbour
list included; a training step is the gradient of a loss of energy and forces by the parameters, in
float32, in a process that keeps what it frees, as training does, and in one that gives it back to
the system. Processor time, the least of several calls; by the compiled core, and in torch as
without it.

With ``--threads``, the elapsed time by one and by two threads instead; on an idle machine only.
With ``--mace PYTHON``, an interpreter whose environment has mace-torch, MACE is measured there in
the same way, with random weights. With ``--large``, the memory that 10,125 atoms take, instead.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest.mock import patch

import torch
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.io import write
from rich.console import Console
from rich.table import Table
from structures import water

from mlip import kernels
from mlip.calculators import MLIPCalculator
from mlip.graph import AtomicGraph
from mlip.models import Equivariant, predict
from mlip.neighbours import with_neighbours
from mlip.settings import parse_settings
from mlip.training.freed_memory import keep_freed_memory

Way = Callable[[], AbstractContextManager[None]]

CALLS = 7
CONFIGS = {
    **{preset: {"preset": preset} for preset in ("local", "small", "medium", "large")},
    "medium, coupled on edges": {"preset": "medium", "coupling": "edges"},
}

#: Runs where mace-torch is, with a file of structures.
MACE = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import ase.io, numpy as np, torch
from e3nn import o3
from mace import modules
from mace.calculators import MACECalculator
torch.set_num_threads(1)
frames, out = ase.io.read(sys.argv[1], ":"), {}
for name in ("64x0e", "128x0e+128x1o"):
    torch.manual_seed(0)
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = modules.ScaleShiftMACE(
        r_max=5.0, num_bessel=8, num_polynomial_cutoff=5, max_ell=3, interaction_cls=block,
        interaction_cls_first=block, num_interactions=2, num_elements=2, correlation=3,
        hidden_irreps=o3.Irreps(name), MLP_irreps=o3.Irreps("16x0e"), avg_num_neighbors=54.0,
        atomic_energies=np.zeros(2), atomic_numbers=[1, 8], gate=torch.nn.functional.silu,
        atomic_inter_scale=1.0, atomic_inter_shift=0.0).float()
    calculator, times = MACECalculator(models=[model], device="cpu", default_dtype="float32"), []
    for atoms in frames:
        atoms.calc = calculator
        start = time.process_time()
        atoms.get_forces(), atoms.get_stress()
        times.append((time.process_time() - start) / len(atoms))
    out["MACE " + name] = min(times)
print(json.dumps(out))
"""


def build(name: str, atoms: Atoms, dtype: torch.dtype) -> Equivariant:
    """An untrained model, with the mean number of neighbours of these atoms."""
    torch.manual_seed(0)
    model = Equivariant(parse_settings(Equivariant.Config, CONFIGS[name]), (1, 8))
    model.adapt([with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff)])
    return model.to(dtype)


def moved(atoms: Atoms) -> list[Atoms]:
    """A structure for each call."""
    frames = [atoms.copy() for _ in range(CALLS)]
    for seed, frame in enumerate(frames):
        frame.rattle(0.02, seed=seed)
    return frames


def evaluation(calculator: Calculator, frames: list[Atoms]) -> float:
    """Seconds for energy, forces and stress of one atom."""

    def call(atoms: Atoms) -> None:
        calculator.calculate(atoms, ["energy", "forces", "stress"])

    return min(seconds(lambda atoms=atoms: call(atoms)) / len(atoms) for atoms in frames)


def training_step(model: Equivariant, frames: list[Atoms]) -> float:
    """Seconds for one structure."""
    parameters = list(model.parameters())

    def step(atoms: Atoms) -> None:
        graph = with_neighbours(AtomicGraph.from_atoms(atoms), model.cutoff)
        found = predict(model, graph, ("energy", "forces"), training=True)
        loss = found["energy"].square().sum() + found["forces"].square().sum()
        torch.autograd.grad(loss, parameters)

    return min(seconds(lambda atoms=atoms: step(atoms)) for atoms in frames)


@contextmanager
def compiled() -> Iterator[None]:
    """With the compiled core."""
    yield


@contextmanager
def in_torch() -> Iterator[None]:
    """Neighbour sums and products in torch, as without the core."""
    with patch.object(kernels, "available", lambda: False):
        yield


def two_threads(name: str, atoms: Atoms) -> tuple[float, float]:
    """Elapsed seconds for one atom by one and by two threads, the least of several calls."""
    frames, times = moved(atoms), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        calculator = MLIPCalculator(build(name, atoms, torch.float32))
        elapsed = []
        for frame in frames:
            start = time.perf_counter()
            calculator.calculate(frame, ["energy", "forces", "stress"])
            elapsed.append((time.perf_counter() - start) / len(frame))
        times.append(min(elapsed))
    torch.set_num_threads(1)
    return times[0], times[1]


def seconds(call: Callable[[], None]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def mace(python: str, frames: list[Atoms]) -> dict[str, float]:
    """The same of MACE, by another interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.extxyz"
        write(path, frames)
        done = subprocess.run(
            [python, "-c", MACE, str(path)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"MACE could not be measured: {done.stderr[-1000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def large() -> None:
    """One evaluation of 10,125 atoms; what it took."""
    atoms = water(15)
    calculator = MLIPCalculator(build("small", water(4), torch.float32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    time_of_atom = evaluation(calculator, [atoms])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Console().print(
        f"{len(atoms)} atoms, small, float32: {1e3 * time_of_atom:.2f} ms an atom, "
        f"peak memory {peak / 1e6:.2f} GB, of which {before / 1e6:.2f} GB before the call"
    )


def costs(atoms: Atoms, frames: list[Atoms]) -> list[list[str]]:
    """Rows: model, how, evaluations in both precisions, training steps with freed memory kept and
    given back."""
    ways = (compiled, in_torch) if kernels.available() else (in_torch,)
    rows = [(config, how) for config in CONFIGS for how in ways]
    evaluations = []
    for config, how in rows:
        models = [build(config, atoms, dtype) for dtype in (torch.float32, torch.float64)]
        with how():
            times = [evaluation(MLIPCalculator(model), frames) for model in models]
        evaluations.append([f"{1e3 * t:.3f}" for t in times])
    given_back = [training_cell(*row, atoms, frames) for row in rows]
    keep_freed_memory()
    kept = [training_cell(*row, atoms, frames) for row in rows]
    names = [[config, how.__name__.replace("_", " ")] for config, how in rows]
    return [[*n, *e, k, g] for n, e, k, g in zip(names, evaluations, kept, given_back)]


def training_cell(config: str, how: Way, atoms: Atoms, frames: list[Atoms]) -> str:
    with how():
        return f"{training_step(build(config, atoms, torch.float32), frames):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mace", metavar="PYTHON", help="measure MACE with this interpreter")
    parser.add_argument("--threads", action="store_true", help="only one and two threads")
    parser.add_argument("--large", action="store_true", help="only the memory of 10,125 atoms")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.large:
        large()
        return
    if arguments.threads:
        for size in (4, 8):
            one, two = two_threads("small", water(size))
            Console().print(
                f"{len(water(size))} atoms, small, float32, elapsed: {1e3 * one:.3f} ms an atom by "
                f"one thread, {1e3 * two:.3f} by two, {one / two:.2f} times as fast"
            )
        return
    atoms = water(4)
    frames, console = moved(atoms), Console(width=110)
    console.print(f"one thread, {len(atoms)} atoms, load {os.getloadavg()[0]:.1f}")
    table = Table(
        "model", "", "ms an atom, float32", "float64", "training step, s", "memory given back"
    )
    for row in costs(atoms, frames):
        table.add_row(*row)
    if arguments.mace:
        for name, cost in mace(arguments.mace, frames).items():
            table.add_row(name, "", f"{1e3 * cost:.3f}", "-", "-")
    console.print(table)


if __name__ == "__main__":
    main()
