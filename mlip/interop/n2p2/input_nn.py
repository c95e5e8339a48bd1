"""input.nn: everything it says about a potential, in Bohr and Hartree."""

from dataclasses import dataclass
from pathlib import Path

from ase.data import chemical_symbols

from mlip.interop.n2p2.lines import Keywords, N2P2Error
from mlip.interop.n2p2.scaling import Scaling, scaling_of
from mlip.interop.n2p2.shapes import Shape, possible_shapes
from mlip.interop.n2p2.symmetry_functions import SymmetryFunction, functions_by_element
from mlip.interop.n2p2.vocabulary import OTHER_SPELLINGS, skipped_keywords
from mlip.ops.cutoffs import LEVEL_AT_THEIR_START, CutoffName

#: Cutoff functions by n2p2's numbers.
CUTOFF_TYPES: tuple[CutoffName, ...] = (
    "hard", "cosine", "tanh3", "tanh3_from_one", "exponential", "polynomial1", "polynomial",
    "polynomial3", "polynomial4",
)  # fmt: skip

_BY_ELEMENT = (
    "element_hidden_layers_short",
    "element_nodes_short",
    "element_activation_short",
)


@dataclass(frozen=True)
class Setup:
    """A potential without its numbers.

    Attributes
    ----------
    elements : atomic numbers, ascending
    energies : added to the energy of each atom by its element, Hartree
    unit : one unit of the networks' energies, Hartree
    cutoff_function, cutoff_start : as the config of a descriptor has them
    functions : for each element, in n2p2's order
    shapes : for each element its possible networks
    divided_by_width : whether the input of every node is divided by the width of the layer below
    notes : what the user should know about the reading
    """

    elements: tuple[int, ...]
    energies: dict[int, float]
    unit: float
    cutoff_function: CutoffName
    cutoff_start: float
    functions: dict[int, tuple[SymmetryFunction, ...]]
    scaling: Scaling
    shapes: dict[int, list[Shape]]
    divided_by_width: bool
    notes: tuple[str, ...]


def read_setup(path: Path) -> Setup:
    """What input.nn says.

    Raises
    ------
    N2P2Error
        If a keyword is not known or not supported, or a value makes no sense; names the line.
    """
    keywords = Keywords(path, OTHER_SPELLINGS)
    skipped = skipped_keywords(keywords)
    notes = [f"skipped, of no influence on predictions: {', '.join(skipped)}"] if skipped else []
    _check_kind(keywords)
    elements = _elements(keywords)
    for line in (line for keyword in _BY_ELEMENT for line in keywords.every(keyword)):
        line.element(0, elements)
    energies, unit = _energies(keywords, elements, notes)
    cutoff_function, cutoff_start = _cutoff(keywords, notes)
    flag = keywords.one("normalize_nodes")
    if flag is not None:
        flag.need(0)
    return Setup(
        elements=elements,
        energies=energies,
        unit=unit,
        cutoff_function=cutoff_function,
        cutoff_start=cutoff_start,
        functions=functions_by_element(keywords, elements),
        scaling=scaling_of(keywords),
        shapes={z: possible_shapes(keywords, z) for z in elements},
        divided_by_width=flag is not None,
        notes=tuple(notes),
    )


def _check_kind(keywords: Keywords) -> None:
    """Only sums of short-range atomic energies are supported."""
    kind, pair = keywords.one("nnp_type"), keywords.one("nn_type_short")
    if kind is not None and kind.words not in (("2",), ("2G-HDNNP",)):
        raise kind.error(f"only second-generation potentials are supported, not {kind.words}")
    if pair is not None and pair.words != ("1",):
        raise pair.error("only networks of atoms (1) are supported")


def _elements(keywords: Keywords) -> tuple[int, ...]:
    line = keywords.required("elements")
    elements = tuple(sorted({line.element(i) for i in range(len(line.words))}))
    count = keywords.number("number_of_elements", float(len(line.words)))
    if not len(elements) == len(line.words) == count:
        raise line.error(
            f"{len(elements)} different elements in {len(line.words)} words, number_of_elements "
            f"is {count:g}"
        )
    return elements


def _energies(
    keywords: Keywords, elements: tuple[int, ...], notes: list[str]
) -> tuple[dict[int, float], float]:
    """Energy that is added for each element, and the unit of the networks, in Hartree."""
    energies = dict.fromkeys(elements, keywords.number("mean_energy", 0.0))
    names = ("mean_energy", "conv_energy", "conv_length")
    given = [name for name in names if name in keywords]
    if given and len(given) < len(names):
        raise N2P2Error(
            f"{keywords.path}: {', '.join(given)} without "
            f"{', '.join(name for name in names if name not in given)}: all or none of them"
        )
    factor = keywords.number("conv_energy", 1.0)
    if factor <= 0 or keywords.number("conv_length", 1.0) <= 0:
        raise N2P2Error(f"{keywords.path}: conv_energy and conv_length must be positive")
    free = keywords.every("atom_energy")
    seen: dict[int, str] = {}
    for line in free:
        line.need(2)
        z = line.element(0, elements)
        if z in seen:
            raise line.error(f"the one of {line.words[0]} was given before, in {seen[z]}")
        seen[z] = line.place
        energies[z] += line.number(1)
    if free and "remove_atom_energies" not in keywords:
        notes.append(
            "atom_energy is added to energies, as n2p2 does; RuNNer would add it only with "
            "remove_atom_energies"
        )
    lacking = [chemical_symbols[z] for z in elements if seen and z not in seen]
    if lacking:
        notes.append(f"atom_energy of {', '.join(lacking)} is not given: it counts as zero")
    return energies, 1.0 / factor


def _cutoff(keywords: Keywords, notes: list[str]) -> tuple[CutoffName, float]:
    line, alpha = keywords.one("cutoff_type"), keywords.one("cutoff_alpha")
    if line is None:
        notes.append("cutoff_type is not given: it is 1 (cosine), as in RuNNer")
        return "cosine", keywords.number("cutoff_alpha", 0.0)
    line.need(1, 2)
    number = line.integer(0)
    if not 0 <= number < len(CUTOFF_TYPES):
        raise line.error(f"there is no cutoff function {number}; they go from 0 to 8")
    if alpha is not None and len(line.words) == 2:
        raise alpha.error(f"it was given before, in {line.place}")
    start = line.number(1) if len(line.words) == 2 else keywords.number("cutoff_alpha", 0.0)
    if not 0 <= start < 1:
        raise (alpha or line).error(f"alpha is {start}, but must be at least 0 and below 1")
    if start > 0 and CUTOFF_TYPES[number] not in LEVEL_AT_THEIR_START:
        notes.append(f"the inner cutoff {start} has no effect with cutoff_type {number}")
        start = 0.0
    return CUTOFF_TYPES[number], start
