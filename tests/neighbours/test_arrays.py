"""The list as numpy arrays: a drop-in for ASE's and matscipy's."""

import matscipy.neighbours
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.neighborlist import neighbor_list

from mlip.neighbours import arrays, neighbour_list, reference


def rattled(atoms: Atoms) -> Atoms:
    atoms.rattle(0.1, seed=0)
    return atoms


SALT = rattled(bulk("NaCl", "rocksalt", a=5.64).repeat(2))
SLAB = rattled(fcc111("Cu", (2, 2, 3), vacuum=6.0))
ETHANOL = rattled(molecule("CH3CH2OH"))
STRUCTURES = [SALT, SLAB, ETHANOL, Atoms("H"), Atoms(cell=np.eye(3), pbc=True)]


@pytest.fixture(autouse=True, params=["compiled", "reference"])
def finder(request, monkeypatch) -> None:
    """Every test here runs with the core and without."""
    if request.param == "reference":
        monkeypatch.setattr(arrays, "_finder", lambda: reference)
    elif arrays._finder() is reference:
        pytest.skip("the core was not compiled here")


def ordered(found: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Rows sorted by i, j, S, whatever order they came in."""
    i, j, shifts = found[:3]
    order = np.lexsort((*shifts.T[::-1], j, i))
    return [values[order] for values in found]


def assert_same(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    assert (np.diff(found[0]) >= 0).all()
    for ours, theirs in zip(ordered(found), ordered(expected), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("atoms", STRUCTURES, ids=str)
def test_same_as_ase(atoms: Atoms) -> None:
    expected = neighbor_list("ijSdD", atoms, 4.0)
    found = neighbour_list("ijSdD", atoms, 4.0)
    assert_same(found, expected)
    assert [a.dtype for a in found] == [a.dtype for a in expected]


@pytest.mark.parametrize("atoms", [SALT, SLAB, ETHANOL], ids=str)
def test_same_as_matscipy(atoms: Atoms) -> None:
    boxed = atoms.copy()
    if not atoms.cell.rank:
        boxed.center(vacuum=5.0)  # theirs needs a cell
    assert_same(
        neighbour_list("ijSdD", boxed, 4.0), matscipy.neighbours.neighbour_list("ijSdD", boxed, 4.0)
    )


@pytest.mark.parametrize(
    ("atoms", "cutoff"),
    [
        (SALT, {("Na", "Cl"): 3.1, (11, 11): 4.2}),
        (ETHANOL, {("O", "H"): 1.2, ("C", "C"): 1.8, ("H", "C"): 1.3}),
        (ETHANOL, {("Na", "Cl"): 3.1}),
    ],
)
def test_a_cutoff_for_each_pair_of_species(atoms: Atoms, cutoff: dict) -> None:
    found = neighbour_list("ijSdD", atoms, cutoff)
    assert_same(found, neighbor_list("ijSdD", atoms, cutoff))
    numbers = {frozenset(pair) for pair in atoms.numbers[np.stack(found[:2], axis=1)].tolist()}
    assert len(numbers) <= len(cutoff)


def test_a_radius_for_each_atom() -> None:
    radii = np.where(SALT.numbers == 11, 1.2, 2.0)
    assert_same(neighbour_list("ijSdD", SALT, radii), neighbor_list("ijSdD", SALT, radii))


@pytest.mark.parametrize("atoms", STRUCTURES)
def test_radii_of_zero_reach_nobody(atoms: Atoms) -> None:
    radii = np.zeros(len(atoms))
    assert_same(neighbour_list("ijSdD", atoms, radii), neighbor_list("ijSdD", atoms, radii))


def test_quantities_come_as_asked() -> None:
    distances, centres = neighbour_list("di", ETHANOL, 2.0)
    i, d = neighbour_list("id", ETHANOL, 2.0)
    np.testing.assert_array_equal(distances, d)
    np.testing.assert_array_equal(centres, i)
    np.testing.assert_array_equal(neighbour_list("i", ETHANOL, 2.0), i)


def test_positions_are_neither_changed_nor_shared() -> None:
    atoms = SALT.copy()
    atoms.positions.flags.writeable = False
    before = atoms.positions.copy()
    neighbour_list("ijSdD", atoms, 4.0)
    np.testing.assert_array_equal(atoms.positions, before)


@pytest.mark.parametrize(
    ("quantities", "cutoff", "words"),
    [
        ("ijx", 3.0, "quantities"),
        ("", 3.0, "quantities"),
        ("ij", -1.0, "cutoff must be a positive number"),
        ("ij", {("Na", "Cl"): float("nan")}, "cutoff of"),
        ("ij", {("Na", "Xx"): 3.0}, "Xx"),
        ("ij", {}, "names no pair"),
        ("ij", [1.0, 2.0], "a radius for each of the 16 atoms"),
        ("ij", [-1.0] * 16, "a radius for each of the 16 atoms"),
    ],
)
def test_errors(quantities: str, cutoff: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        neighbour_list(quantities, SALT, cutoff)
