"""scaling.data: for each symmetry function its smallest, largest and mean value in the training
data and, in newer files, its standard deviation; and what input.nn makes of them.

Columns: number of the element (by atomic number, from 1), number of the function, min, max, mean,
sigma. Files of RuNNer end with a line of the smallest and largest energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ase.data import chemical_symbols

from mlip.interop.n2p2.lines import Keywords, Line, N2P2Error, lines_of

#: Bounds from here on say that they are not known; text of n2p2 cannot say infinity.
UNBOUNDED = 1e300


@dataclass(frozen=True)
class Range:
    """What is known of the values of one function in the training data."""

    smallest: float
    largest: float
    mean: float
    deviation: float | None

    @property
    def is_bounded(self) -> bool:
        return max(abs(self.smallest), abs(self.largest)) < UNBOUNDED


@dataclass(frozen=True)
class Scaling:
    """How features become input of a network.

    Attributes
    ----------
    centred : the mean is subtracted
    by : divided by the range, by the standard deviation, or not at all
    low, high : where range or deviation is mapped to
    """

    centred: bool
    by: str
    low: float
    high: float

    @property
    def needs_ranges(self) -> bool:
        return self.centred or self.by != "nothing"

    def shift_and_width(self, known: Range) -> tuple[float, float]:
        """m and w such that the network sees (G - m) / w.

        Raises
        ------
        ValueError
            If w would be zero or is not known.
        """
        if self.by == "nothing":
            return (known.mean if self.centred else 0.0), 1.0
        spread = known.deviation if self.by == "sigma" else known.largest - known.smallest
        if spread is None:
            raise ValueError("scaling.data has no column with its standard deviation")
        if spread <= 0:
            raise ValueError(
                "it never changed in the training data, so scaling divides by zero; remove it "
                "(nnp-prune of n2p2 does) and train again"
            )
        width = spread / (self.high - self.low)
        origin = known.mean if self.centred else known.smallest
        return origin - self.low * width, width


def scaling_of(keywords: Keywords) -> Scaling:
    """The scaling that input.nn asks for."""
    scaled, centred, sigma = (
        keywords.one(name)
        for name in (
            "scale_symmetry_functions",
            "center_symmetry_functions",
            "scale_symmetry_functions_sigma",
        )
    )
    for line in filter(None, (scaled, centred, sigma)):
        line.need(0)
    if sigma and (scaled or centred):
        other = (scaled or centred).keyword  # type: ignore[union-attr]
        raise sigma.error(f"it contradicts {other}; keep the one the potential was trained with")
    low, high = keywords.number("scale_min_short", 0.0), keywords.number("scale_max_short", 1.0)
    if low >= high:
        raise N2P2Error(
            f"{keywords.path}: scale_min_short {low} must be below scale_max_short {high}"
        )
    by = "range" if scaled else "sigma" if sigma else "nothing"
    return Scaling(bool(centred or sigma), by, low, high)


def read_ranges(path: Path, counts: Mapping[int, int]) -> dict[int, list[Range]]:
    """The rows of scaling.data for each element.

    Parameters
    ----------
    counts : number of functions of each element, by ascending atomic number
    """
    lines = [Line("row", tuple(words), f"{path}, line {n}") for n, words in lines_of(path)]
    expected = [(e, f) for e, n in enumerate(counts.values(), 1) for f in range(1, n + 1)]
    energies = lines[len(expected) :]
    if len(lines) < len(expected) or len(energies) > 1 or any(len(x.words) != 2 for x in energies):
        listed = ", ".join(f"{n} for {chemical_symbols[z]}" for z, n in counts.items())
        raise N2P2Error(
            f"{path} has {len(lines)} rows, but input.nn lists {len(expected)} symmetry functions "
            f"({listed})"
        )
    rows = iter([_range(line, *place) for line, place in zip(lines, expected)])
    return {z: [next(rows) for _ in range(count)] for z, count in counts.items()}


def _range(line: Line, element: int, function: int) -> Range:
    line.need(5, 6)
    if (line.integer(0), line.integer(1)) != (element, function):
        raise line.error(
            f"it is for function {line.words[1]} of element {line.words[0]}, where function "
            f"{function} of element {element} is expected"
        )
    smallest, largest, mean, *deviation = (line.number(i) for i in range(2, len(line.words)))
    if smallest > largest:
        raise line.error(f"the smallest value {smallest} is above the largest {largest}")
    return Range(smallest, largest, mean, deviation[0] if deviation else None)


def ranges_text(ranges: Sequence[Sequence[Range]]) -> str:
    """scaling.data for elements by atomic number, functions in n2p2's order."""
    rows = ["# element  function  min  max  mean  sigma"]
    for e, functions in enumerate(ranges, 1):
        for f, known in enumerate(functions, 1):
            values = (known.smallest, known.largest, known.mean, known.deviation or 0.0)
            rows.append(f"{e:4d} {f:4d} " + " ".join(f"{x:24.16E}" for x in values))
    return "\n".join(rows) + "\n"
