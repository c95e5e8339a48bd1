"""A calculator that costs nothing: springs between all pairs. And some that go wrong."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Springs(Calculator):
    """E = k/2 sum over pairs of (r - r0)^2; notes each calculation in a file, if one is named."""

    implemented_properties = ("energy", "forces", "stress")

    def __init__(self, k: float = 1.0, r0: float = 1.0, journal: str | None = None) -> None:
        super().__init__()
        self.k, self.r0, self.journal = k, r0, journal

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        vectors = atoms.positions[:, None] - atoms.positions[None]
        distances = np.linalg.norm(vectors, axis=-1) + np.eye(len(atoms))
        stretch = (distances - self.r0) * (1 - np.eye(len(atoms)))
        forces = -self.k * (stretch / distances)[..., None] * vectors
        self.results = {
            "energy": 0.25 * self.k * float((stretch**2).sum()),
            "forces": forces.sum(axis=1),
            "stress": np.zeros(6),
        }
        if self.journal is not None:
            with Path(self.journal).open("a", encoding="utf-8") as file:
                file.write(f"{Path.cwd().parent.name}\n")


class Failing(Springs):
    """Goes wrong in a way that is chosen by its keyword."""

    def __init__(self, how: str = "raise", **keywords) -> None:
        super().__init__(**keywords)
        self.how = how
        self.converged = how != "unconverged"

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        Path("output.txt").write_text("what the code wrote", encoding="utf-8")
        if self.how in _WAYS:
            _WAYS[self.how](self)


def _raise(calculator: Failing) -> None:
    raise RuntimeError("no convergence in 100 steps")


def _not_finite(calculator: Failing) -> None:
    calculator.results["forces"][0, 0] = np.nan


def _wrong_shape(calculator: Failing) -> None:
    calculator.results["forces"] = calculator.results["forces"][:-1]


def _segmentation_fault(calculator: Failing) -> None:
    sys.stdout.write("about to crash\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(calculator: Failing) -> None:
    program = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path("program.pid").write_text(str(program.pid), encoding="utf-8")
    signal.pause()


def _no_room(calculator: Failing) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_WAYS = {
    "no room": _no_room,
    "raise": _raise,
    "not finite": _not_finite,
    "wrong shape": _wrong_shape,
    "crash": _segmentation_fault,
    "hang": _hang,
}


def doubtful(folder: Path) -> str | None:
    """A check that a user brings along."""
    return f"{folder.name} does not look right"


class WithoutNitrogen(Springs):
    """Fails for ammonia, until there is a file "mended" beside this one."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        if 7 in atoms.numbers and not Path(__file__).with_name("mended").exists():
            raise RuntimeError("no convergence")
        super().calculate(atoms, properties, system_changes)


class Gated(Springs):
    """The first calculation of all leaves its process id in a file, and hangs."""

    def __init__(self, gate: str, **keywords) -> None:
        super().__init__(**keywords)
        self.gate = Path(gate)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        try:
            with self.gate.open("x", encoding="utf-8") as file:
                file.write(f"{os.getpid()}\n")
        except FileExistsError:
            super().calculate(atoms, properties, system_changes)
        else:
            signal.pause()
