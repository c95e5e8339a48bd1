"""The many ways to write the same potential read as the same; what cannot be read is an error that
names the line."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.units import Hartree
from conformance.predictions import compute
from conformance.structures import molecule
from n2p2_by_hand import Function, Network, Potential, water_potential

from mlip.interop.n2p2 import N2P2Error, read_potential


def numbers(folder: Path) -> dict[str, np.ndarray]:
    return compute(read_potential(folder)[0], molecule((1, 8)), ("energies", "extrapolations"))


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def assert_same(potential: Potential, tmp_path: Path, path: str, change: Callable) -> None:
    plain, other = potential.write(tmp_path / "plain"), potential.write(tmp_path / "other")
    rewrite(other / path, change)
    assert (other / path).read_bytes() != (plain / path).read_bytes()
    for name, value in numbers(plain).items():
        np.testing.assert_array_equal(numbers(other)[name], value)


def with_columns(text: str, widths: tuple[int, ...]) -> str:
    """The columns of newer files: a or b, index, layer, node, layer, node."""
    names = []
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(widths), 1):
        pairs = itertools.product(range(1, n_in + 1), range(1, n_out + 1))
        names += [f"a # {layer - 1} {j} {layer} {k}" for j, k in pairs]
        names += [f"b # {layer} {k}" for k in range(1, n_out + 1)]
    rows = zip(text.splitlines(), names, strict=True)
    rows = [f"  {row} {name.replace('#', str(i))}" for i, (row, name) in enumerate(rows, 1)]
    return "#####\n# connection t index\n#####\n" + "\n".join(rows) + "\n"


def runner_scaling(text: str) -> str:
    """Without header and sigma, with the range of energies at the end."""
    rows = [" ".join(row.split()[:5]) for row in text.splitlines()[1:]]
    return "\n".join([*rows, "-12.5 -11.25"]) + "\n"


WAYS: dict[str, tuple[str, Callable[[str], str]]] = {
    "comments after #": ("input.nn", lambda t: "# first\n" + t.replace("\n", "  # what ! it is\n")),
    "comments after !": ("input.nn", lambda t: "! first\n" + t.replace("\n", "\t! what # it is\n")),
    "tabs and spaces": ("input.nn", lambda t: "\n\n \t\n" + t.replace(" ", " \t  ")),
    "lines of Windows": ("input.nn", lambda t: t.replace("\n", "\r\n")),
    "Fortran's exponents": ("input.nn", lambda t: t.replace(" 0.05 ", " 5.0D-02 ")),
    "elements in another order": ("input.nn", lambda t: t.replace("elements O H", "elements H O")),
    "elements counted last": (
        "input.nn",
        lambda t: t.replace("number_of_elements 2\n", "") + "number_of_elements 2\n",
    ),
    "elements not counted": ("input.nn", lambda t: t.replace("number_of_elements 2\n", "")),
    "neighbours in another order": ("input.nn", lambda t: t.replace(" O H ", " H O ")),
    "functions in another order": (
        "input.nn",
        lambda t: "\n".join(sorted(t.splitlines(), reverse=True)),
    ),
    "symfunction": ("input.nn", lambda t: t.replace("symfunction_short", "symfunction")),
    "alpha on its own": (
        "input.nn",
        lambda t: t.replace("cutoff_type 6 0.25", "cutoff_alpha 0.25\ncutoff_type 6"),
    ),
    "no shift where it is zero": (
        "input.nn",
        lambda t: re.sub(r"(short . 3 .*) 0\.0\n", r"\1\n", t),
    ),
    "the generation": ("input.nn", lambda t: "nnp_type 2\n" + t),
    "the generation in words": ("input.nn", lambda t: "nnp_generation 2G-HDNNP\n" + t),
    "the kind of network": ("input.nn", lambda t: "nn_type_short 1\n" + t),
    "keywords of training": (
        "input.nn",
        lambda t: "epochs 10\nkalman_type 0\nuse_short_forces\nrunner_mode 3\n" + t,
    ),
    "networks of elements": (
        "input.nn",
        lambda t: (
            t + "element_hidden_layers_short O 2\nelement_nodes_short O 4 3\n"
            "element_activation_short O t t l\n"
        ),
    ),
    "layers of elements": (
        "input.nn",
        lambda t: (
            t.replace("nodes_short 4 3", "nodes_short 4 12")
            + "element_nodes_short O 2 3\nelement_nodes_short H 2 3\n"
        ),
    ),
    "nodes of the last layer as n2p2 takes them": (
        "input.nn",
        lambda t: t + "element_nodes_short O 4 17\n",
    ),
    "named weights": ("weights.008.data", lambda t: with_columns(t, (9, 4, 3, 1))),
    "RuNNer's scaling.data": ("scaling.data", runner_scaling),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write_the_same(tmp_path: Path, way: str) -> None:
    assert_same(water_potential(cutoff_type=6, alpha=0.25, mode="both"), tmp_path, *WAYS[way])


def test_elements_with_networks_of_their_own(tmp_path: Path) -> None:
    potential = water_potential()
    random = np.random.default_rng(1)
    count = len(potential.functions["O"])
    potential.networks["O"] = Network.random(random, [count, 6, 5, 2, 1], "cgsl")
    folder = potential.write(tmp_path)
    own = ["element_hidden_layers_short H 2", "element_nodes_short H 4 3",
           "element_activation_short H t t l", "element_hidden_layers_short O 3",
           "element_nodes_short O 6 5 2", "element_activation_short O c g s l"]  # fmt: skip
    rewrite(
        folder / "input.nn",
        lambda t: "\n".join([*own, *(x for x in t.splitlines() if not x.startswith("global"))]),
    )
    atoms = molecule((1, 8))
    energies = compute(read_potential(folder)[0], atoms, ("energy",))["energy"]
    assert energies[0] / Hartree == pytest.approx(potential.energy_and_forces(atoms)[0], abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(2, "0.3 0.5 6.0"), (3, "0.1 -1.0 2.0 6.0"), (9, "0.1 1.0 1.0 5.0 0.2")],
)
@pytest.mark.parametrize("keyword", ["element_symfunction_short", "global_symfunction_short"])
def test_functions_for_all_neighbours(tmp_path: Path, keyword: str, kind: int, words: str) -> None:
    """RuNNer's short forms say what one line for each neighbour or pair would say."""
    seen = [("H",), ("O",)] if kind == 2 else [("H", "H"), ("H", "O"), ("O", "O")]
    values = [float(word) for word in words.split()]
    if kind == 2:
        made = [Function(2, s, *values) for s in seen]
    else:
        eta, sign, zeta, cutoff, *shift = values
        made = [Function(kind, s, eta, (*shift, 0.0)[0], cutoff, int(sign), zeta) for s in seen]
    functions = {"O": made, "H": made}
    random = np.random.default_rng(0)
    ranges = {s: np.tile([0.0, 1.0, 0.5, 0.2], (len(made), 1)) for s in "OH"}
    networks = {s: Network.random(random, [len(made), 3, 1], "tl") for s in "OH"}
    potential = Potential(functions, ranges, networks, mode="both")
    if keyword.startswith("global"):
        short = f"{keyword} {kind} {words}\n"
    else:
        short = "".join(f"{keyword} {s} {kind} {words}\n" for s in "OH")

    def shorten(text: str) -> str:
        kept = [x for x in text.splitlines() if not x.startswith("symfunction_short")]
        return "\n".join(kept) + "\n" + short

    assert_same(potential, tmp_path, "input.nn", shorten)


def test_what_is_skipped_is_said(tmp_path: Path) -> None:
    potential = water_potential(atom_energy={"O": -75.0}, cutoff_type=2, alpha=0.25)
    folder = potential.write(tmp_path)
    rewrite(folder / "input.nn", lambda t: t + "epochs 10\nkalman_type 0\n")
    _, notes = read_potential(folder)
    text = "\n".join(notes)
    assert "skipped, of no influence on predictions: epochs, kalman_type" in text
    assert "atom_energy is added to energies" in text
    assert "atom_energy of H is not given" in text
    assert "inner cutoff 0.25 has no effect with cutoff_type 2" in text


def test_without_scaling_no_file_is_needed(tmp_path: Path) -> None:
    folder = water_potential(mode="none").write(tmp_path)
    (folder / "scaling.data").unlink()
    model, notes = read_potential(folder)
    assert not model.knows_its_range
    assert "extrapolations will not be counted" in notes[0]


# ------------------------------------------------------------------------------------ what is wrong

ADDED = {
    "use_electrostatics": "line 26: use_electrostatics: electrostatics are not supported",
    "use_vdw": "van der Waals",
    "nnp_type 4": "second-generation",
    "nn_type_short 2": "networks of atoms",
    "cutof_type 1": r"line 26: cutof_type: .* Did you mean 'cutoff_type'",
    "frobnicate": "line 26: frobnicate: this keyword is not known. If it has no influence",
    "cutoff_type 1": "it was given before, in .*line 3",
    "cutoff_alpha 0.1": "it was given before, in .*line 3",
    "scale_symmetry_functions_sigma": "contradicts scale_symmetry_functions",
    "scale_min_short 1.0": "must be below scale_max_short",
    "scale_max_short high": "'high' is not a number",
    "scale_max_short nan": "'nan' is not finite",
    "scale_max_short 1 2": "expected 1 values, found 2",
    "normalize_nodes 1": "expected 0 values, found 1",
    "mean_energy 1.0": "mean_energy without conv_energy, conv_length",
    "mean_energy 1.0\nconv_energy -1.0\nconv_length 1.0": "must be positive",
    "atom_energy O": "expected 2 values, found 1",
    "atom_energy C -37.0": "C is not listed under 'elements'",
    "atom_energy O -75\natom_energy O -76": "the one of O was given before, in .*line 26",
    "symfunction_short O 20 H 0.0 1.0 90.0": "type 20 are not supported; supported are types 2, 3",
    "symfunction_short O": "the type of the function is missing",
    "symfunction_short O 2": "expected 6 values, found 2",
    "symfunction_short O 2 H 0.1 6.0": "expected 6 values, found 5",
    "symfunction_short O 2 C 0.1 0.0 6.0": "C is not listed",
    "symfunction_short O 2 Q 0.1 0.0 6.0": "'Q' is not an element",
    "symfunction_short O 2 H -0.1 0.0 6.0": "eta is -0.1",
    "symfunction_short O 2 H 0.1 0.0 0.0": "the cutoff is 0.0",
    "symfunction_short O 3 H H 0.1 0.5 1.0 6.0": "lambda is 0.5",
    "symfunction_short O 3 H H 0.1 1.0 0.5 6.0": "zeta is 0.5",
    "global_symfunction_short 12 0.1 0.0 6.0": "sees all elements",
    "element_activation_short O 1 2 t": "single layers or nodes",
    "element_activation_short O t t t": "the output has tanh here and linear in .*make them equal",
    "element_activation_short O t l": "expected 4 values",
    "element_nodes_short O 4 3 2": "neither the nodes of 2 hidden layers",
    "element_nodes_short O 4 0": "0 is no number of nodes",
    "element_nodes_short O 8 8": "weights.008.data has 59 numbers, but .* 161 or 111",
    "element_hidden_layers_short O 3": "no nodes are given for the 3 hidden layers of O",
    "element_hidden_layers_short C 3": "C is not listed",
    "global_nodes_short 4 3": "it was given before",
}


@pytest.mark.parametrize("line", ADDED)
def test_a_line_that_cannot_be(tmp_path: Path, line: str) -> None:
    folder = water_potential(mode="both").write(tmp_path)
    rewrite(folder / "input.nn", lambda t: t + line + "\n")
    with pytest.raises(N2P2Error, match=ADDED[line]):
        read_potential(folder)


CHANGED = {
    "no elements": ("input.nn", "elements O H", "", "'elements' is missing"),
    "wrong count": ("input.nn", "of_elements 2", "of_elements 3", "number_of_elements is 3"),
    "no layers": ("input.nn", "global_hidden_layers_short 2", "", "layers_short' is missing"),
    "no activations": ("input.nn", "global_activation_short t t l", "", "no activation functions"),
    "few nodes": ("input.nn", "nodes_short 4 3", "nodes_short 4", "1 values for 2 hidden layers"),
    "a letter": ("input.nn", "short t t l", "short t x l", "'x' is no activation function"),
    "a cutoff": ("input.nn", "cutoff_type 2", "cutoff_type 9", "no cutoff function 9"),
    "an alpha": ("input.nn", "cutoff_type 2 0.0", "cutoff_type 1 1.0", "alpha is 1.0"),
    "no functions": ("input.nn", "symfunction_short H", "# ", "no symmetry functions for H"),
    "few rows": ("scaling.data", "2 9", "# ", "has 16 rows, but input.nn lists 17"),
    "wrong rows": ("scaling.data", "2 9", "2 8", "where function 9 of element 2 is expected"),
    "text": ("scaling.data", "2 9 ", "2 9 x", "is not a number"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_change_that_cannot_be(tmp_path: Path, change: str) -> None:
    path, old, new, words = CHANGED[change]
    folder = water_potential(mode="both").write(tmp_path)
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))
    with pytest.raises(N2P2Error, match=words):
        read_potential(folder)


@pytest.mark.parametrize("name", ["input.nn", "scaling.data", "weights.001.data"])
def test_files_that_are_missing(tmp_path: Path, name: str) -> None:
    folder = water_potential(mode="both").write(tmp_path)
    (folder / name).unlink()
    with pytest.raises(N2P2Error, match=f"{name} is not there"):
        read_potential(folder)


def test_columns_that_contradict_the_order(tmp_path: Path) -> None:
    folder = water_potential().write(tmp_path)
    path = folder / "weights.008.data"
    rewrite(path, lambda t: with_columns(t, (9, 4, 3, 1)).replace("0 1 1 2", "0 2 1 1", 1))
    with pytest.raises(N2P2Error, match=r"line 5: .*where a 0 1 1 2 is expected"):
        read_potential(folder)


@pytest.mark.parametrize(
    ("mode", "row", "words"),
    [
        ("both", [0.5, 0.5, 0.5, 0.0], "function 1 of H: it never changed"),
        ("sigma", [0.5, 0.6, 0.5, 0.0], "function 1 of H: it never changed"),
        ("scale", [0.7, 0.5, 0.5, 0.1], "above the largest"),
    ],
)
def test_ranges_that_divide_by_zero(tmp_path: Path, mode: str, row: list, words: str) -> None:
    potential = water_potential(mode=mode)
    potential.ranges["H"][0] = row
    with pytest.raises(N2P2Error, match=words):
        read_potential(potential.write(tmp_path))


def test_sigma_needs_its_column(tmp_path: Path) -> None:
    folder = water_potential(mode="sigma").write(tmp_path)
    rewrite(folder / "scaling.data", runner_scaling)
    with pytest.raises(N2P2Error, match="no column with its standard deviation"):
        read_potential(folder)
