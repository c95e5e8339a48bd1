"""Potentials of n2p2 and RuNNer by hand: files written line by line, and energies by plain loops
straight from the formulas, in Bohr and Hartree. Forces are derivatives by complex steps (J. N.
Lyness, C. B. Moler, SIAM J. Numer. Anal. 4, 202 (1967)), exact to rounding.

Formulas: J. Behler, J. Chem. Phys. 134, 074106 (2011), eqs. 4-9; M. Gastegger et al., J. Chem.
Phys. 148, 241709 (2018), eqs. 6-7; A. Singraber, J. Behler, C. Dellago, J. Chem. Theory Comput. 15,
1827 (2019), section 2.
"""

import cmath
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.units import Bohr

#: Of a complex step; its square vanishes beside any number here.
STEP = 1e-40

#: Activation functions by their letters.
ACTIVATIONS = {
    "l": lambda x: x,
    "t": cmath.tanh,
    "s": lambda x: 1 / (1 + cmath.exp(-x)),
    "S": lambda x: 1 - 1 / (1 + cmath.exp(-x)),
    "p": lambda x: cmath.log(1 + cmath.exp(x)),
    "r": lambda x: x if x.real > 0 else 0.0,
    "g": lambda x: cmath.exp(-x * x / 2),
    "c": cmath.cos,
    "e": lambda x: cmath.exp(-x),
    "h": lambda x: x * x,
}


@dataclass(frozen=True)
class Function:
    """One symmetry function: type, neighbours' symbols, eta, r_s, cutoff, and lambda and zeta."""

    kind: int
    seen: tuple[str, ...]
    eta: float
    shift: float
    cutoff: float
    sign: int = 0
    zeta: float = 0.0

    def words(self) -> str:
        """Its parameters in the order of input.nn."""
        if self.kind in (2, 12):
            values = (self.eta, self.shift, self.cutoff)
        elif self.kind == 13:
            values = (self.eta, self.shift, self.sign, self.zeta, self.cutoff)
        else:
            values = (self.eta, self.sign, self.zeta, self.cutoff, self.shift)
        return " ".join([str(self.kind), *self.seen, *(repr(v) for v in values)])

    def place(self) -> tuple:
        """Where it comes among its element's functions."""
        numbers = sorted(atomic_numbers[s] for s in self.seen)
        return (self.kind, self.cutoff, self.eta, self.shift, self.zeta, self.sign, numbers)


@dataclass
class Network:
    """Weights[layer][from][to] and biases[layer][to], and letters of the activations."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    letters: str

    @classmethod
    def random(cls, random: np.random.Generator, widths: list[int], letters: str) -> "Network":
        pairs = list(itertools.pairwise(widths))
        return cls(
            [random.normal(size=pair) / np.sqrt(pair[0]) for pair in pairs],
            [0.3 * random.normal(size=pair[1]) for pair in pairs],
            letters,
        )

    def energy(self, values: list[complex], divide: bool) -> complex:
        for weights, biases, letter in zip(self.weights, self.biases, self.letters):
            n_in, n_out = weights.shape
            divisor = n_in if divide else 1
            values = [
                ACTIVATIONS[letter](
                    (sum(values[j] * weights[j, k] for j in range(n_in)) + biases[k]) / divisor
                )
                for k in range(n_out)
            ]
        return values[0]

    def numbers(self) -> list[float]:
        """In the order of weights.ZZZ.data."""
        return [
            x
            for weights, biases in zip(self.weights, self.biases)
            for x in (*(w for row in weights for w in row), *biases)
        ]


@dataclass
class Potential:
    """What the files say. `functions` are in the order of the lines, `ranges` (min, max, mean,
    sigma) and networks refer to the sorted ones."""

    functions: dict[str, list[Function]]
    ranges: dict[str, np.ndarray]
    networks: dict[str, Network]
    cutoff_type: int = 2
    alpha: float = 0.0
    mode: str = "none"
    low: float = 0.0
    high: float = 1.0
    atom_energy: dict[str, float] = field(default_factory=dict)
    mean_energy: float = 0.0
    conv_energy: float = 1.0
    conv_length: float = 1.0
    normalize_nodes: bool = False

    # ------------------------------------------------------------------------------------- files

    def write(self, folder: Path) -> Path:
        """The three kinds of files, in a plain dialect."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "input.nn").write_text("\n".join(self.input_lines()) + "\n")
        symbols = sorted(self.functions, key=atomic_numbers.__getitem__)
        rows = [
            f"{e} {f} " + " ".join(repr(float(x)) for x in row)
            for e, symbol in enumerate(symbols, 1)
            for f, row in enumerate(self.ranges[symbol], 1)
        ]
        (folder / "scaling.data").write_text("# header\n" + "\n".join(rows) + "\n")
        for symbol, network in self.networks.items():
            text = "\n".join(repr(float(x)) for x in network.numbers())
            path = folder / f"weights.{atomic_numbers[symbol]:03d}.data"
            path.write_text(text + "\n")
        return folder

    def input_lines(self) -> list[str]:
        lines = [
            f"number_of_elements {len(self.functions)}",
            f"elements {' '.join(self.functions)}",
            f"cutoff_type {self.cutoff_type} {self.alpha!r}",
        ]
        flags = {
            "none": (),
            "scale": ("scale_symmetry_functions",),
            "center": ("center_symmetry_functions",),
            "both": ("scale_symmetry_functions", "center_symmetry_functions"),
            "sigma": ("scale_symmetry_functions_sigma",),
        }
        lines += flags[self.mode]
        if (self.low, self.high) != (0.0, 1.0):
            lines += [f"scale_min_short {self.low!r}", f"scale_max_short {self.high!r}"]
        lines += [f"atom_energy {s} {e!r}" for s, e in self.atom_energy.items()]
        if (self.mean_energy, self.conv_energy, self.conv_length) != (0.0, 1.0, 1.0):
            lines.append(f"mean_energy {self.mean_energy!r}")
            lines.append(f"conv_energy {self.conv_energy!r}")
            lines.append(f"conv_length {self.conv_length!r}")
        lines += ["normalize_nodes"] if self.normalize_nodes else []
        return (
            lines
            + self.network_lines()
            + [
                f"symfunction_short {symbol} {function.words()}"
                for symbol, functions in self.functions.items()
                for function in functions
            ]
        )

    def network_lines(self) -> list[str]:
        """Of the first element for all."""
        first = next(iter(self.networks.values()))
        hidden = [str(len(biases)) for biases in first.biases[:-1]]
        return [
            f"global_hidden_layers_short {len(hidden)}",
            f"global_nodes_short {' '.join(hidden)}",
            f"global_activation_short {' '.join(first.letters)}",
        ]

    # ---------------------------------------------------------------------------------- energies

    def cut(self, r: complex, cutoff: float) -> complex:
        """The cutoff function; only called inside the cutoff."""
        if self.cutoff_type == 0:
            return 1.0
        if self.cutoff_type == 2:
            return cmath.tanh(1 - r / cutoff) ** 3
        if self.cutoff_type == 3:
            return (cmath.tanh(1 - r / cutoff) / cmath.tanh(1)) ** 3
        inner = self.alpha * cutoff
        if r.real < inner:
            return 1.0
        x = (r - inner) / (cutoff - inner)
        return {
            1: lambda: (cmath.cos(cmath.pi * x) + 1) / 2,
            4: lambda: cmath.exp(1 - 1 / (1 - x * x)),
            5: lambda: 1 - 3 * x**2 + 2 * x**3,
            6: lambda: 1 - 10 * x**3 + 15 * x**4 - 6 * x**5,
            7: lambda: 1 - 35 * x**4 + 84 * x**5 - 70 * x**6 + 20 * x**7,
            8: lambda: 1 - 126 * x**5 + 420 * x**6 - 540 * x**7 + 315 * x**8 - 70 * x**9,
        }[self.cutoff_type]()

    def value(
        self, function: Function, around: list[tuple[str, list[complex], complex]]
    ) -> complex:
        """A symmetry function of the (symbol, vector, distance) of the neighbours."""
        rc, eta, rs = function.cutoff, function.eta, function.shift
        near = [n for n in around if n[2].real < rc]
        if function.kind in (2, 12):
            total = 0.0
            for symbol, _, r in near:
                weight = atomic_numbers[symbol] if function.kind == 12 else 1.0
                if function.kind == 2 and symbol != function.seen[0]:
                    continue
                total += weight * cmath.exp(-eta * (r - rs) ** 2) * self.cut(r, rc)
            return total
        total = 0.0
        for (one, a, ra), (two, b, rb) in itertools.combinations(near, 2):
            weight = 1.0
            if function.kind == 13:
                weight = atomic_numbers[one] * atomic_numbers[two]
            elif sorted((one, two)) != sorted(function.seen):
                continue
            cosine = sum(x * y for x, y in zip(a, b)) / (ra * rb)
            radial = (ra - rs) ** 2 + (rb - rs) ** 2
            cuts = self.cut(ra, rc) * self.cut(rb, rc)
            if function.kind != 9:
                third = cmath.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))
                if third.real >= rc:
                    continue
                radial += (third - rs) ** 2
                cuts *= self.cut(third, rc)
            base = 1 + function.sign * cosine
            if base.real > 0:
                angle = 2 ** (1 - function.zeta) * base**function.zeta
                total += weight * angle * cmath.exp(-eta * radial) * cuts
        return total

    def features(self, symbol: str, around: list) -> list[complex]:
        """Sorted as scaling.data and weights have them."""
        ordered = sorted(self.functions[symbol], key=Function.place)
        return [self.value(function, around) for function in ordered]

    def scaled(self, symbol: str, values: list[complex]) -> list[complex]:
        width = self.high - self.low
        found = []
        for value, (smallest, largest, mean, sigma) in zip(values, self.ranges[symbol]):
            found.append(
                {
                    "none": value,
                    "center": value - mean,
                    "scale": self.low + width * (value - smallest) / (largest - smallest),
                    "both": self.low + width * (value - mean) / (largest - smallest),
                    "sigma": self.low + width * (value - mean) / sigma,
                }[self.mode]
            )
        return found

    def energy(
        self, symbols: list[str], positions: list[list[complex]], cell: np.ndarray
    ) -> complex:
        """Hartree; cell rows in Bohr, zero if not periodic."""
        total = 0.0
        for i, symbol in enumerate(symbols):
            values = self.features(symbol, self._around(i, symbols, positions, cell))
            network = self.networks[symbol].energy(
                self.scaled(symbol, values), self.normalize_nodes
            )
            total += network / self.conv_energy + self.mean_energy
            total += self.atom_energy.get(symbol, 0.0)
        return total

    def _around(self, i: int, symbols: list[str], positions: list, cell: np.ndarray) -> list:
        reach = max(f.cutoff for functions in self.functions.values() for f in functions)
        images = [np.zeros(3)]
        if cell.any():
            # the distance between opposite faces of the cell bounds the number of images
            heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
            counts = np.ceil(reach / heights).astype(int) + 2
            ranges = [range(-n, n + 1) for n in counts]
            images = [np.array(n) @ cell for n in itertools.product(*ranges)]
        found = []
        for j, symbol in enumerate(symbols):
            for shift in images:
                vector = [b + s - a for a, b, s in zip(positions[i], positions[j], shift)]
                r = cmath.sqrt(sum(x * x for x in vector))
                if 1e-9 < r.real < reach:
                    found.append((symbol, vector, r))
        return found

    def energy_and_forces(self, atoms: Atoms) -> tuple[float, np.ndarray]:
        """Hartree and Hartree/Bohr of a structure in Å."""
        symbols = atoms.get_chemical_symbols()
        positions = [[complex(x) for x in row] for row in atoms.positions / Bohr]
        cell = np.array(atoms.cell) / Bohr * atoms.pbc.all()
        forces = np.zeros((len(atoms), 3))
        for i, axis in itertools.product(range(len(atoms)), range(3)):
            positions[i][axis] += STEP * 1j
            energy = self.energy(symbols, positions, cell)
            positions[i][axis] -= STEP * 1j
            forces[i, axis] = -energy.imag / STEP
        return energy.real, forces


def functions_around(other: str, shift: float = 0.0) -> list[Function]:
    """Functions of every type, in no order; two cutoffs."""
    return [
        Function(13, (), 0.03, 0.4, 6.0, 1, 2.0),
        Function(3, ("O", "H"), 0.05, 0.0, 6.0, -1, 1.0),
        Function(2, ("O",), 0.2, shift, 6.0),
        Function(9, (other, "H"), 0.02, 0.3, 5.0, 1, 3.5),
        Function(2, ("H",), 0.2, shift, 6.0),
        Function(3, ("H", "O"), 0.05, 0.0, 6.0, 1, 1.0),
        Function(12, (), 0.1, 1.0, 5.0),
        Function(2, ("O",), 0.4, 1.5, 5.0),
        Function(3, (other, other), 0.05, 0.2, 6.0, 1, 4.0),
    ]


def water_potential(
    letters: str = "ttl", widths: tuple[int, ...] = (4, 3), **changes: object
) -> Potential:
    """A potential of oxygen and hydrogen with random numbers."""
    random = np.random.default_rng(0)
    functions = {"O": functions_around("H"), "H": functions_around("O", 0.5)[1:]}
    ranges, networks = {}, {}
    for symbol in ("H", "O"):
        count = len(functions[symbol])
        smallest = random.uniform(0.0, 0.2, count)
        largest = smallest + random.uniform(1.0, 3.0, count)
        mean = random.uniform(smallest, largest)
        ranges[symbol] = np.column_stack([smallest, largest, mean, random.uniform(0.3, 1.0, count)])
        networks[symbol] = Network.random(random, [count, *widths, 1], letters)
    return Potential(functions, ranges, networks, **changes)  # type: ignore[arg-type]
