"""Every descriptor against its definition, written down as loops over neighbours."""

import itertools
import math

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers
from conformance.descriptor import cluster
from conformance.structures import crystal, molecule, small_cell
from numpy.polynomial import chebyshev

from mlip.descriptors import (
    AngularFunction,
    AngularGrid,
    Chebyshev,
    ChebyshevConfig,
    ListedAngularFunction,
    ListedRadialFunction,
    RadialFunction,
    RadialGrid,
    SymmetryFunctions,
    SymmetryFunctionsByElement,
    SymmetryFunctionsByElementConfig,
    SymmetryFunctionsConfig,
    WeightedSymmetryFunctions,
    WeightedSymmetryFunctionsConfig,
)

SPECIES = (8, 14, 1)
STRUCTURES = [molecule, crystal, small_cell]
CUTOFF = 4.0
RADIAL = (RadialFunction(eta=0.4), RadialFunction(eta=2.0, shift=1.7, cutoff=3.1))
ANGULAR = tuple(
    AngularFunction(type=kind, eta=eta, zeta=zeta, sign=sign, shift=shift, cutoff=cutoff)
    for kind, eta, zeta, sign, shift, cutoff in [
        ("G4", 0.03, 1, 1, 0.0, None),
        ("G4", 0.1, 5, -1, 0.8, 3.3),
        ("G5", 0.1, 2.5, -1, 0.0, None),
        ("G5", 0.0, 16, 1, 0.5, 3.3),
        ("G4", 0.2, 3, 1, 0.0, None),
    ]
)


def step(r: float, cutoff: float = CUTOFF) -> float:
    x = r / cutoff
    return 1 - 10 * x**3 + 15 * x**4 - 6 * x**5 if x < 1 else 0.0


def neighbours(atoms: Atoms, i: int) -> list[tuple[int, np.ndarray]]:
    """Atomic number and vector of everything within the cutoff."""
    around = cluster(atoms, CUTOFF) if atoms.pbc.any() else atoms
    vectors = around.positions - around.positions[i]
    found = [k for k in np.flatnonzero(np.linalg.norm(vectors, axis=1) < CUTOFF) if k != i]
    return [(int(around.numbers[k]), vectors[k]) for k in found]


def radial_term(f: RadialFunction, r: float) -> float:
    return math.exp(-f.eta * (r - f.shift) ** 2) * step(r, f.cutoff or CUTOFF)


def angular_term(f: AngularFunction, a: np.ndarray, b: np.ndarray) -> float:
    sides = [np.linalg.norm(a), np.linalg.norm(b)]
    cosine = a @ b / (sides[0] * sides[1])
    if f.type == "G4":
        sides.append(np.linalg.norm(a - b))
    envelope = math.prod(
        math.exp(-f.eta * (r - f.shift) ** 2) * step(r, f.cutoff or CUTOFF) for r in sides
    )
    return 2 ** (1 - f.zeta) * max(0.0, 1 + f.sign * cosine) ** f.zeta * envelope


def species_resolved(atoms: Atoms, i: int) -> list[float]:
    around, known = neighbours(atoms, i), sorted(SPECIES)
    values = [
        sum(radial_term(f, np.linalg.norm(v)) for z, v in around if z == species)
        for species in known
        for f in RADIAL
    ]
    for pair in itertools.combinations_with_replacement(known, 2):
        pairs = [
            (a, b)
            for (y, a), (z, b) in itertools.combinations(around, 2)
            if tuple(sorted((y, z))) == pair
        ]
        values += [sum(angular_term(f, a, b) for a, b in pairs) for f in ANGULAR]
    return values


def species_weighted(atoms: Atoms, i: int) -> list[float]:
    around = neighbours(atoms, i)
    values = [sum(z * radial_term(f, np.linalg.norm(v)) for z, v in around) for f in RADIAL]
    pairs = list(itertools.combinations(around, 2))
    return values + [
        sum(y * z * angular_term(f, a, b) for (y, a), (z, b) in pairs) for f in ANGULAR
    ]


LISTED = {
    "H": (
        ListedAngularFunction(neighbours=("Si", "H"), eta=0.1, zeta=3, sign=-1, cutoff=3.5),
        ListedRadialFunction(neighbour="O", eta=0.4, shift=0.3),
        ListedRadialFunction(eta=0.7, cutoff=2.9),
        ListedAngularFunction(type="G5", eta=0.05, zeta=1, sign=1),
    ),
    "O": (
        ListedRadialFunction(neighbour="Si", eta=1.4, shift=2.0),
        ListedAngularFunction(neighbours=("O", "O"), eta=0.02, zeta=2, sign=1),
    ),
    "Si": (),
}


def listed_by_element(atoms: Atoms, i: int) -> list[float]:
    around = neighbours(atoms, i)
    values = []
    for f in LISTED[atoms.symbols[i]]:
        if isinstance(f, ListedRadialFunction):
            known = f.neighbour and atomic_numbers[f.neighbour]
            seen = [(1.0 if known else z, v) for z, v in around if known in (None, z)]
            values.append(sum(weight * radial_term(f, np.linalg.norm(v)) for weight, v in seen))
        else:
            pair = f.neighbours and sorted(atomic_numbers[z] for z in f.neighbours)
            values.append(
                sum(
                    (1.0 if pair else y * z) * angular_term(f, a, b)
                    for (y, a), (z, b) in itertools.combinations(around, 2)
                    if pair in (None, sorted((y, z)))
                )
            )
    return values + [0.0] * (4 - len(values))


def chebyshev_sums(atoms: Atoms, i: int, angular_cutoff: float) -> list[float]:
    around = neighbours(atoms, i)
    values: list[float] = []
    for weight in (dict.fromkeys(SPECIES, 1), dict(zip(sorted(SPECIES), (-1, 0, 1)))):
        radial, angular = np.zeros(6), np.zeros(5)
        for z, v in around:
            r = np.linalg.norm(v)
            radial += weight[z] * step(r) * chebyshev.chebvander(2 * r / CUTOFF - 1, 5)[0]
        for (y, a), (z, b) in itertools.combinations(around, 2):
            p, q = np.linalg.norm(a), np.linalg.norm(b)
            both = weight[y] * weight[z] * step(p, angular_cutoff) * step(q, angular_cutoff)
            angular += both * chebyshev.chebvander(a @ b / (p * q), 4)[0]
        values += [*radial, *angular]
    return values


@pytest.mark.parametrize("structure", STRUCTURES)
def test_symmetry_functions(structure) -> None:
    atoms = structure(SPECIES)
    config = SymmetryFunctionsConfig(cutoff=CUTOFF, radial=RADIAL, angular=ANGULAR)
    found = SymmetryFunctions(config, SPECIES).create(atoms)
    expected = [species_resolved(atoms, i) for i in range(2)]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_weighted_symmetry_functions(structure) -> None:
    atoms = structure(SPECIES)
    config = WeightedSymmetryFunctionsConfig(cutoff=CUTOFF, radial=RADIAL, angular=ANGULAR)
    found = WeightedSymmetryFunctions(config, SPECIES).create(atoms)
    expected = [species_weighted(atoms, i) for i in range(2)]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_symmetry_functions_by_element(structure) -> None:
    atoms = structure(SPECIES)
    config = SymmetryFunctionsByElementConfig(cutoff=CUTOFF, elements=LISTED)
    found = SymmetryFunctionsByElement(config, SPECIES).create(atoms)
    expected = [listed_by_element(atoms, i) for i in range(len(atoms))]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("angular_cutoff", [None, 3.2])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_chebyshev(structure, angular_cutoff: float | None) -> None:
    atoms = structure(SPECIES)
    config = ChebyshevConfig(
        cutoff=CUTOFF, radial_order=5, angular_order=4, angular_cutoff=angular_cutoff
    )
    found = Chebyshev(config, SPECIES).create(atoms)
    expected = [chebyshev_sums(atoms, i, angular_cutoff or CUTOFF) for i in range(2)]
    np.testing.assert_allclose(found[:2], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "spins"), [(2, [-1, 1]), (3, [-1, 0, 1]), (4, [-2, -1, 1, 2]), (5, [-2, -1, 0, 1, 2])]
)
def test_chebyshev_weights_of_species(n: int, spins: list[int]) -> None:
    descriptor = Chebyshev(ChebyshevConfig(), range(1, n + 1))
    np.testing.assert_array_equal(descriptor.set_weights, [[1] * n, spins])


def test_impossible_lists() -> None:
    radial = {"type": "G2", "eta": 1.0}
    for elements, words in (
        ({"Xx": [radial]}, "'Xx' is not an element"),
        ({"H": [radial | {"neighbour": "O"}]}, "O: a neighbour, but not in `elements`"),
        ({"H": []}, "there must be a radial or an angular function"),
        ({"H": [radial | {"cutoff": 7.0}]}, "beyond that of the descriptor"),
    ):
        with pytest.raises(ValueError, match=words):
            SymmetryFunctionsByElementConfig(elements=elements)
    config = SymmetryFunctionsByElementConfig(elements={"H": [radial]})
    with pytest.raises(ValueError, match="listed for H, but the species are H, O"):
        SymmetryFunctionsByElement(config, (1, 8))


def test_size_by_species() -> None:
    one, three = ((14,), (1, 8, 14))
    assert Chebyshev(ChebyshevConfig(), one).n_features == 22
    assert Chebyshev(ChebyshevConfig(), three).n_features == 44
    assert Chebyshev(ChebyshevConfig(), range(1, 80)).n_features == 44
    weighted = WeightedSymmetryFunctionsConfig()
    assert WeightedSymmetryFunctions(weighted, one).n_features == 12 + 24
    assert WeightedSymmetryFunctions(weighted, range(1, 80)).n_features == 12 + 24
    assert SymmetryFunctions(SymmetryFunctionsConfig(), three).n_features == 3 * 12 + 6 * 24


def test_radial_grid() -> None:
    functions = RadialGrid(count=4, start=1.0).functions(5.0)
    assert [f.shift for f in functions] == [1.0, 2.0, 3.0, 4.0]
    assert {f.eta for f in functions} == {0.5}


def test_angular_grid() -> None:
    functions = AngularGrid(widths=2, zetas=(1.0, 4.0), type="G5").functions(5.0)
    assert len(functions) == 8
    assert sorted({f.eta for f in functions}) == pytest.approx([1 / 25, 2 / 25])
    assert {(f.zeta, f.sign, f.type) for f in functions} == {
        (z, s, "G5") for z in (1.0, 4.0) for s in (1, -1)
    }


def test_impossible_settings() -> None:
    with pytest.raises(ValueError, match="beyond the cutoff"):
        SymmetryFunctionsConfig(cutoff=2.0, radial=RadialGrid(start=2.5))
    with pytest.raises(ValueError, match="there must be a radial or an angular function"):
        SymmetryFunctionsConfig(radial=(), angular=())
    with pytest.raises(ValueError, match=r"cutoff 7.0 Å, beyond that of the descriptor, 5.0"):
        SymmetryFunctionsConfig(cutoff=5.0, radial=[RadialFunction(eta=1.0, cutoff=7.0)])
    with pytest.raises(ValueError, match="cutoff_start must be 0 for tanh3"):
        SymmetryFunctionsConfig(cutoff_function="tanh3", cutoff_start=0.2)
    with pytest.raises(ValueError, match="must not exceed"):
        ChebyshevConfig(cutoff=4.0, angular_cutoff=5.0)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        AngularFunction(eta=0.1, zeta=0.5, sign=1)
    with pytest.raises(ValueError, match="at least one species"):
        SymmetryFunctions(SymmetryFunctionsConfig(), [])
