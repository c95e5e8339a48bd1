"""Symmetry functions as input.nn lists them, in Bohr, and in the order in which scaling.data and
weights.ZZZ.data refer to them.

Types 2, 3 and 9 are G2, G4 and G5 of J. Behler, J. Chem. Phys. 134, 074106 (2011), 12 and 13 the
weighted ones of M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018).

The order is not that of the lines: functions of an element are sorted by type, cutoff, eta, shift,
zeta, lambda and the neighbours' atomic numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

from ase.data import chemical_symbols

from mlip.descriptors import ListedAngularFunction, ListedRadialFunction
from mlip.descriptors.behler_functions import AngularFunction
from mlip.descriptors.term_sums import Term
from mlip.interop.n2p2.lines import Keywords, Line, N2P2Error
from mlip.units import factor

BOHR = factor("Bohr")

#: Number of neighbours' elements that a line names for each type.
_NAMED = {2: 1, 3: 2, 9: 2, 12: 0, 13: 0}
_RADIAL = (2, 12)


@dataclass(frozen=True, order=True)
class SymmetryFunction:
    """One function; compares in n2p2's order.

    Attributes
    ----------
    type : 2, 3, 9, 12 or 13
    cutoff, shift : Bohr
    eta : Bohr^-2
    zeta, sign : of an angular function, else 0
    neighbours : their atomic numbers, ascending; none for a weighted function
    """

    type: int
    cutoff: float
    eta: float
    shift: float
    zeta: float = 0.0
    sign: int = 0
    neighbours: tuple[int, ...] = ()

    def listed(self) -> ListedRadialFunction | ListedAngularFunction:
        """The same in Å, for the config of a descriptor."""
        cutoff, eta, shift = self.cutoff * BOHR, self.eta / BOHR**2, self.shift * BOHR
        symbols = tuple(chemical_symbols[z] for z in self.neighbours)
        if self.type in _RADIAL:
            seen = symbols[0] if symbols else None
            return ListedRadialFunction(eta=eta, shift=shift, cutoff=cutoff, neighbour=seen)
        return ListedAngularFunction(
            type="G5" if self.type == 9 else "G4",
            eta=eta,
            shift=shift,
            zeta=self.zeta,
            sign=1 if self.sign > 0 else -1,
            cutoff=cutoff,
            neighbours=(symbols[0], symbols[1]) if symbols else None,
        )

    @classmethod
    def of_term(cls, term: Term, species: tuple[int, ...]) -> "SymmetryFunction":
        """A term of a descriptor.

        Raises
        ------
        N2P2Error
            If n2p2 has no such function.
        """
        function = term.function
        cutoff, eta, shift = term.cutoff / BOHR, function.eta * BOHR**2, function.shift / BOHR
        neighbours = tuple(sorted(species[s] for s in term.sees or ()))
        if not isinstance(function, AngularFunction):
            return cls(12 if term.sees is None else 2, cutoff, eta, shift, neighbours=neighbours)
        if function.type == "G5" and term.sees is None:
            raise N2P2Error("n2p2 has no weighted G5 function: it cannot be written")
        kind = 13 if term.sees is None else 3 if function.type == "G4" else 9
        return cls(kind, cutoff, eta, shift, function.zeta, function.sign, neighbours)

    def line(self, centre: int) -> str:
        """As input.nn has it, with all digits."""
        symbols = [chemical_symbols[z] for z in (centre, *self.neighbours)]
        start = f"symfunction_short {symbols[0]:<2} {self.type:2d} {' '.join(symbols[1:])}"
        eta, shift, cutoff = (f"{x:.17g}" for x in (self.eta, self.shift, self.cutoff))
        angle = f"{self.sign:d} {self.zeta:.17g}"
        if self.type in _RADIAL:
            return f"{start} {eta} {shift} {cutoff}"
        if self.type == 13:
            return f"{start} {eta} {shift} {angle} {cutoff}"
        return f"{start} {eta} {angle} {cutoff} {shift}"


def functions_by_element(
    keywords: Keywords, elements: tuple[int, ...]
) -> dict[int, tuple[SymmetryFunction, ...]]:
    """The functions of each element, in n2p2's order."""
    found: dict[int, list[SymmetryFunction]] = {z: [] for z in elements}
    for line in keywords.every("symfunction_short"):
        kind = _type(line, 1)
        named = [
            line.element(2 + i, elements) for i in range(min(_NAMED[kind], len(line.words) - 2))
        ]
        function = _function(line, kind, 2 + _NAMED[kind], tuple(sorted(named)))
        found[line.element(0, elements)].append(function)
    for line in keywords.every("element_symfunction_short"):
        found[line.element(0, elements)] += _for_all_neighbours(line, 1, elements)
    for line in keywords.every("global_symfunction_short"):
        for functions in found.values():
            functions += _for_all_neighbours(line, 0, elements)
    bare = [chemical_symbols[z] for z, functions in found.items() if not functions]
    if bare:
        raise N2P2Error(f"{keywords.path}: there are no symmetry functions for {', '.join(bare)}")
    return {z: tuple(sorted(functions)) for z, functions in found.items()}


def _type(line: Line, place: int) -> int:
    if len(line.words) <= place:
        raise line.error("the type of the function is missing")
    kind = line.integer(place)
    if kind not in _NAMED:
        raise line.error(
            f"symmetry functions of type {kind} are not supported; supported are types "
            f"{', '.join(map(str, _NAMED))}"
        )
    return kind


def _for_all_neighbours(
    line: Line, place: int, elements: tuple[int, ...]
) -> Iterator[SymmetryFunction]:
    """RuNNer's short forms: the function for every element or pair of elements around."""
    kind = _type(line, place)
    if _NAMED[kind] == 0:
        raise line.error(f"type {kind} sees all elements: list it with symfunction_short")
    for neighbours in combinations_with_replacement(elements, _NAMED[kind]):
        yield _function(line, kind, place + 1, neighbours)


def _function(line: Line, kind: int, start: int, neighbours: tuple[int, ...]) -> SymmetryFunction:
    """The function from the words of a line, of which parameters begin at `start`: eta, shift,
    cutoff; eta, lambda, zeta, cutoff and perhaps shift; or, type 13, eta, shift, lambda, zeta,
    cutoff."""
    if kind in _RADIAL:
        line.need(start + 3)
        eta, shift, cutoff = (line.number(start + i) for i in range(3))
        angle = [0.0, 0.0]
    elif kind == 13:
        line.need(start + 5)
        eta, shift, *angle, cutoff = (line.number(start + i) for i in range(5))
    else:
        line.need(start + 4, start + 5)
        eta, *angle, cutoff = (line.number(start + i) for i in range(4))
        shift = line.number(start + 4) if len(line.words) == start + 5 else 0.0
    sign, zeta = angle
    _check(line, kind, eta, sign, zeta, cutoff)
    return SymmetryFunction(kind, cutoff, eta, shift, zeta, int(sign), neighbours)


def _check(line: Line, kind: int, eta: float, sign: float, zeta: float, cutoff: float) -> None:
    if eta < 0:
        raise line.error(f"eta is {eta}, but must not be negative")
    if cutoff <= 0:
        raise line.error(f"the cutoff is {cutoff}, but must be positive")
    if kind not in _RADIAL and sign not in (1, -1):
        raise line.error(f"lambda is {sign}; only 1 and -1 are supported")
    if kind not in _RADIAL and zeta < 1:
        raise line.error(f"zeta is {zeta}; below 1 forces are infinite at collinear atoms")
