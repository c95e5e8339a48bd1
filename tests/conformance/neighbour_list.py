"""What every neighbour list must get right: any cell, any periodicity, atoms anywhere.

The judges are ASE and matscipy, the definition itself, and relations between structures that are
the same in other words: wrapped and unwrapped, supercell, another basis of the same lattice.
"""

import itertools
from collections import Counter
from collections.abc import Callable

import matscipy.neighbours
import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from conformance.structures import ALL_PBC, rotation, turned

#: Centres i [pairs], neighbours j [pairs] and whole cell vectors S [pairs, 3] added to j.
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]

CELLS = {
    "cubic": [[5.0, 0, 0], [0, 5.0, 0], [0, 0, 5.0]],
    "triclinic": [[4.0, 0.3, 0.2], [1.0, 5.0, 0.0], [-1.0, 2.0, 6.0]],
    "skewed": [[4.0, 0, 0], [9.0, 5.0, 0], [-7.0, 12.0, 6.0]],
    "left-handed": [[0, 4.0, 0], [5.0, 0, 0], [0, 0.3, 6.0]],
    "small": [[1.5, 0, 0.1], [0.4, 1.7, 0], [0, -0.3, 1.6]],
    "needle": [[30.0, 0, 0], [0, 2.0, 0.1], [0, 0, 2.5]],
    "plate": [[12.0, 0, 0], [1.0, 13.0, 0], [0.5, 0, 2.5]],
}


def structure(cell: str, pbc: tuple[bool, ...], n: int = 7, cells_away: int = 0) -> Atoms:
    """Atoms anywhere in a cell, or some cells away from it."""
    random = np.random.default_rng(n)
    wraps = random.integers(-cells_away, cells_away + 1, size=(n, 3))
    scaled = random.random((n, 3)) + wraps
    return Atoms(f"H{n}", scaled_positions=scaled, cell=CELLS[cell], pbc=pbc)


class NeighbourListConformance:
    """Inherit it and give it a list:

        class TestMyList(NeighbourListConformance):
            @pytest.fixture(scope="class")
            @classmethod
            def find(cls):
                return lambda atoms, cutoff: my_list(atoms, cutoff)

    `find` returns both (i, j) and (j, i), without pairs of an atom and itself, for all distances
    |r_j + S @ cell - r_i| less than the cutoff; and raises ValueError if there is no answer.
    """

    #: Whether pairs come sorted by centre.
    sorted_by_centre = True

    @pytest.fixture(scope="class")
    @classmethod
    def find(cls) -> Callable[[Atoms, float], Pairs]:
        raise NotImplementedError("a suite of tests is inherited, with a fixture `find`")

    # --------------------------------------------------------------------------------- the judges

    @pytest.mark.parametrize("cutoff", [1.1, 3.1, 5.7])
    @pytest.mark.parametrize("pbc", ALL_PBC)
    @pytest.mark.parametrize("cell", CELLS)
    def test_same_as_ase(self, find, cell: str, pbc: tuple[bool, ...], cutoff: float) -> None:
        for n, cells_away in ((1, 0), (7, 0), (7, 2)):
            atoms = structure(cell, pbc, n, cells_away)
            assert same(find(atoms, cutoff), neighbor_list("ijS", atoms, cutoff))

    @pytest.mark.parametrize("cutoff", [3.1])
    @pytest.mark.parametrize("pbc", ALL_PBC)
    @pytest.mark.parametrize("cell", CELLS)
    def test_same_as_matscipy(self, find, cell: str, pbc: tuple[bool, ...], cutoff: float) -> None:
        atoms = structure(cell, pbc, 9)
        judged = matscipy.neighbours.neighbour_list("ijS", atoms, cutoff)
        assert same(find(atoms, cutoff), judged)

    @pytest.mark.parametrize("pbc", ALL_PBC)
    @pytest.mark.parametrize("cell", CELLS)
    def test_the_definition(self, find, cell: str, pbc: tuple[bool, ...]) -> None:
        atoms = structure(cell, pbc, 8, cells_away=1)
        i, j, shifts = find(atoms, 4.1)
        assert (distances(atoms, (i, j, shifts)) < 4.1).all()
        assert not shifts[:, ~np.array(pbc)].any(), "shifts along directions that do not repeat"
        assert ((i != j) | shifts.any(axis=1)).all(), "an atom is not its own neighbour"
        rows = Counter(map(tuple, np.column_stack([i, j, shifts]).tolist()))
        assert max(rows.values(), default=1) == 1, "a pair is there twice"
        back = Counter(map(tuple, np.column_stack([j, i, -shifts]).tolist()))
        assert rows == back, "(i, j, S) without (j, i, -S)"
        if self.sorted_by_centre:
            assert (np.diff(i) >= 0).all()

    def test_a_smaller_cutoff_finds_the_nearer_ones(self, find) -> None:
        atoms = structure("triclinic", (True, True, False), 9)
        i, j, shifts = find(atoms, 6.0)
        near = distances(atoms, (i, j, shifts)) < 3.5
        assert same(find(atoms, 3.5), (i[near], j[near], shifts[near]))

    # ---------------------------------------------------------- the same structure in other words

    @pytest.mark.parametrize("pbc", ALL_PBC)
    @pytest.mark.parametrize("cell", CELLS)
    def test_wrapped_and_unwrapped(self, find, cell: str, pbc: tuple[bool, ...]) -> None:
        atoms = structure(cell, pbc, 6)
        wraps = np.random.default_rng(0).integers(-3, 4, size=(6, 3)) * pbc
        away = atoms.copy()
        away.positions += wraps @ np.asarray(atoms.cell)
        i, j, shifts = find(atoms, 4.1)
        assert same(find(away, 4.1), (i, j, shifts + wraps[i] - wraps[j]))

    @pytest.mark.parametrize("pbc", ALL_PBC)
    def test_translation(self, find, pbc: tuple[bool, ...]) -> None:
        atoms = structure("triclinic", pbc)
        moved = atoms.copy()
        moved.translate([1000.0, -1000.0, 1000.0])
        assert same(find(moved, 4.1), find(atoms, 4.1))

    @pytest.mark.parametrize("reflect", [False, True])
    @pytest.mark.parametrize("pbc", ALL_PBC)
    def test_rotation_and_reflection(self, find, pbc: tuple[bool, ...], reflect: bool) -> None:
        atoms = structure("triclinic", pbc)
        assert same(find(turned(atoms, rotation(4, reflect)), 4.1), find(atoms, 4.1))

    def test_permutation(self, find) -> None:
        atoms = structure("triclinic", (True, True, True))
        order = np.random.default_rng(0).permutation(len(atoms))
        i, j, shifts = find(atoms[order], 4.1)
        assert same((order[i], order[j], shifts), find(atoms, 4.1))

    @pytest.mark.parametrize("repeat", [(2, 1, 1), (1, 3, 2), (2, 2, 2)])
    @pytest.mark.parametrize("cell", ["cubic", "triclinic", "skewed", "left-handed", "small"])
    def test_supercell(self, find, cell: str, repeat: tuple[int, int, int]) -> None:
        atoms = structure(cell, (True, True, True), 4)
        repeated = atoms.repeat(repeat)
        once = shells(atoms, find(atoms, 4.1))
        for atom, shell in enumerate(shells(repeated, find(repeated, 4.1))):
            np.testing.assert_allclose(shell, once[atom % 4], rtol=0, atol=1e-9)

    @pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)])
    def test_another_basis_of_the_same_lattice(self, find, pbc: tuple[int, ...]) -> None:
        atoms = structure("triclinic", pbc)
        other = atoms.copy()
        mixing = np.array([[1, 3, -2], [0, 1, 4], [0, 0, 1]])
        both = np.outer(pbc, pbc).astype(bool) | np.eye(3, dtype=bool)
        other.set_cell(np.where(both, mixing, 0) @ np.asarray(atoms.cell))
        for a, b in zip(shells(atoms, find(atoms, 4.1)), shells(other, find(other, 4.1))):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)

    # -------------------------------------------------------------------------------- open systems

    @pytest.mark.parametrize("scale", [0.0, 1e-3, 2.0, 1e3])
    def test_a_molecule_with_a_meaningless_cell(self, find, scale: float) -> None:
        free = Atoms("H7", positions=structure("cubic", (False,) * 3).positions)
        boxed = free.copy()
        boxed.set_cell(scale * np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.3, 1.0]]))
        assert same(find(boxed, 3.0), find(free, 3.0))

    @pytest.mark.parametrize("pbc", [(1, 1, 0), (0, 1, 1), (1, 0, 0)])
    def test_the_vector_of_a_direction_that_does_not_repeat(self, find, pbc) -> None:
        atoms = structure("triclinic", pbc)
        expected = find(atoms, 4.1)
        for row in ([0.0, 0, 0], [1e-3, 0, 0], [500.0, 700.0, -300.0]):
            cell = np.asarray(atoms.cell).copy()
            cell[~np.array(pbc, dtype=bool)] = row
            other = atoms.copy()
            other.set_cell(cell)
            assert same(find(other, 4.1), expected)

    @pytest.mark.parametrize("distance", [1e3, 1e6])
    def test_an_atom_far_away(self, find, distance: float) -> None:
        near = Atoms("H7", positions=structure("cubic", (False,) * 3).positions)
        both = near + Atoms("H", positions=[[distance, -distance, distance]])
        assert same(find(both, 3.0), find(near, 3.0))
        slab = structure("cubic", (True, True, False))
        above = slab + Atoms("H", positions=[[0, 0, distance]])
        above.set_cell(slab.cell)
        assert 7 not in find(above, 3.0)[1]

    # -------------------------------------------------------------------------------------- limits

    @pytest.mark.parametrize("pbc", [False, True])
    def test_no_atoms(self, find, pbc: bool) -> None:
        i, j, shifts = find(Atoms(cell=np.eye(3) * 4, pbc=pbc), 3.0)
        assert (i.shape, j.shape, shifts.shape) == ((0,), (0,), (0, 3))

    def test_one_atom(self, find) -> None:
        assert len(find(Atoms("H"), 3.0)[0]) == 0
        i, j, shifts = find(Atoms("H", cell=np.eye(3), pbc=True), 1.01)
        assert i.tolist() == j.tolist() == [0] * 6
        assert np.abs(shifts).sum(axis=1).tolist() == [1] * 6

    def test_no_neighbours(self, find) -> None:
        assert len(find(structure("cubic", (True,) * 3, 2), 0.01)[0]) == 0

    def test_two_atoms_at_one_place(self, find) -> None:
        i, j, _ = find(Atoms("H2", positions=[[1, 1, 1], [1, 1, 1]]), 1.0)
        assert sorted(zip(i.tolist(), j.tolist())) == [(0, 1), (1, 0)]

    def test_the_cutoff_itself_is_outside(self, find) -> None:
        pair = Atoms("H2", positions=[[0, 0, 0], [2.0, 0, 0]])
        assert len(find(pair, 2.0)[0]) == 0
        assert len(find(pair, np.nextafter(2.0, 3.0))[0]) == 2

    @pytest.mark.parametrize("lattice", [0.7, 1 / 3, 2.35])
    def test_a_shell_at_the_cutoff_is_seen_from_both_sides(self, find, lattice: float) -> None:
        grid = np.array(list(itertools.product(range(4), repeat=3))) * lattice
        atoms = Atoms("H64", positions=grid, cell=np.eye(3) * 4 * lattice, pbc=True)
        i, j, shifts = find(atoms, 2 * lattice)
        assert same((i, j, shifts), (j, i, -shifts))

    def test_nothing_given_is_changed(self, find) -> None:
        atoms = structure("triclinic", (True, False, True), cells_away=2)
        before = atoms.copy()
        find(atoms, 4.1)
        assert atoms == before

    # -------------------------------------------------------------------------------------- errors

    @pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf])
    def test_a_cutoff_that_is_none(self, find, cutoff: float) -> None:
        with pytest.raises(ValueError, match="cutoff must be a positive number"):
            find(structure("cubic", (True,) * 3), cutoff)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("place", ["positions", "cell"])
    def test_numbers_that_are_not_finite(self, find, place: str, value: float) -> None:
        atoms = structure("cubic", (True,) * 3)
        if place == "positions":
            atoms.positions[3, 1] = value
        else:
            atoms.cell[2, 2] = value
        with pytest.raises(ValueError, match="finite"):
            find(atoms, 3.0)

    @pytest.mark.parametrize(
        ("rows", "pbc"),
        [
            ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], (1, 1, 1)),
            ([[0, 0, 0], [0, 3, 0], [0, 0, 3]], (1, 0, 0)),
            ([[3, 3, 0], [3, 3, 0], [0, 0, 3]], (1, 1, 0)),
            ([[3, 0, 0], [0, 3, 0], [3, 3, 0]], (1, 1, 1)),
        ],
    )
    def test_a_singular_cell(self, find, rows: list[list[float]], pbc: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="singular"):
            find(Atoms("H", cell=rows, pbc=pbc), 2.0)


def same(found: Pairs, expected: Pairs) -> bool:
    """Whether the pairs are the same, in any order."""
    a, b = (np.column_stack(pairs) for pairs in (found, expected))
    return a.shape == b.shape and np.array_equal(a[np.lexsort(a.T)], b[np.lexsort(b.T)])


def distances(atoms: Atoms, pairs: Pairs) -> np.ndarray:
    """By the definition, Å."""
    i, j, shifts = pairs
    vectors = atoms.positions[j] - atoms.positions[i] + shifts @ np.asarray(atoms.cell)
    return np.linalg.norm(vectors, axis=1)


def shells(atoms: Atoms, pairs: Pairs) -> list[np.ndarray]:
    """The sorted distances to the neighbours of each atom."""
    lengths = distances(atoms, pairs)
    return [np.sort(lengths[pairs[0] == atom]) for atom in range(len(atoms))]
