"""Stands in for the shell of CP2K (cp2k.psmp -s): springs between all atoms.

Needs seven steps to converge, and gives numbers all the same if MAX_SCF is less.
"""

import re
import sys
from pathlib import Path

import numpy as np
from analytic import Springs
from ase import Atoms

STEPS = 7


class Shell:
    """What was told so far."""

    def __init__(self) -> None:
        self.input = self.output = Path()
        self.cell = np.zeros((3, 3))
        self.positions = np.zeros((0, 3))
        self.results: dict = {}

    def answer(self, command: str, *words: str) -> list[str]:
        return getattr(self, f"do_{command.lower()}")(*words)

    def do_version(self) -> list[str]:
        return ["CP2K Shell Version:   6.0"]

    def do_harsh(self) -> list[str]:
        return []

    def do_units_ev_a(self) -> list[str]:
        return []

    def do_write_file(self) -> list[str]:
        path, count = Path(line()), int(line())
        path.write_text("\n".join(line() for _ in range(count)), encoding="utf-8")
        assert line() == "*END"
        return []

    def do_load(self, given: str, output: str) -> list[str]:
        self.input, self.output = Path(given), Path(output)
        self.output.write_text(" CP2K| version string:    CP2K version 2023.1\n", encoding="utf-8")
        return ["1"]

    def do_set_cell(self, number: str) -> list[str]:
        self.cell = np.array([[float(word) for word in line().split()] for _ in range(3)])
        return []

    def do_set_pos(self, number: str) -> list[str]:
        rows = int(line()) // 3
        self.positions = np.array([[float(word) for word in line().split()] for _ in range(rows)])
        assert line() == "*END"
        return ["0.0"]

    def do_eval_ef(self, number: str) -> list[str]:
        text = self.input.read_text(encoding="utf-8")
        found = re.search(r"MAX_SCF\s+(\d+)", text)
        assert found is not None
        steps = min(int(found[1]), STEPS)
        converged = f"SCF run converged in {steps:5d} steps" if steps == STEPS else (
            f"SCF run NOT converged after {steps} steps"
        )  # fmt: skip
        with self.output.open("a", encoding="utf-8") as file:
            file.write(f"\n  *** {converged} ***\n\n")
        springs = Springs()
        springs.calculate(Atoms(f"X{len(self.positions)}", self.positions, cell=self.cell))
        self.results = springs.results
        return []

    def do_get_e(self, number: str) -> list[str]:
        return [f"{self.results['energy']:.17g}"]

    def do_get_f(self, number: str) -> list[str]:
        rows = [" ".join(f"{value:.17g}" for value in row) for row in self.results["forces"]]
        return [str(3 * len(rows)), *rows, "* END"]

    def do_get_stress(self, number: str) -> list[str]:
        virial = np.einsum("ni,nj->ij", self.positions, self.results["forces"])
        virial = 0.5 * (virial + virial.T) / abs(np.linalg.det(self.cell))
        return [" ".join(f"{value:.17g}" for value in virial.ravel())]


def line() -> str:
    return sys.stdin.readline().strip()


def main() -> None:
    assert sys.argv[1:] == ["-s"]
    shell = Shell()
    say("* READY")
    while (command := line()) not in ("EXIT", ""):
        say(*shell.answer(*command.split()), "* READY")


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{one}\n" for one in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
