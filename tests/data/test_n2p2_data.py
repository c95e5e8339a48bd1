"""RuNNer's and n2p2's input.data: read, written, and the same numbers both ways."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import Bohr, Hartree
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlip.data import read_frames
from mlip.data.n2p2_data import read_input_data, write_input_data

CRYSTAL = """begin
comment a crystal
lattice 10.0 0.0 0.0
lattice 0.0 11.0 0.0
lattice 0.0 1.0 12.0
atom 0.0 0.0 0.0 O -0.8 0.0 0.1 0.2 0.3
atom 1.0 1.5D0 -2.0 H 0.4 0.0 -0.1 -0.2 -3.0E-1
energy -76.25
charge -0.4
end
"""
MOLECULE = """begin
atom 0.0 0.0 0.0 H 0.0 0.0 0.0 0.0 0.5
atom 0.0 0.0 1.4 H 0.0 0.0 0.0 0.0 -0.5
energy -1.1
charge 0.0
end
"""


def a_file(tmp_path, text):
    path = tmp_path / "input.data"
    path.write_text(text)
    return path


def test_units_cell_and_charges(tmp_path):
    crystal, molecule = read_input_data(a_file(tmp_path, CRYSTAL + "\n# remark\n" + MOLECULE))
    np.testing.assert_allclose(crystal.cell[2], np.array([0, 1, 12]) * Bohr, rtol=1e-15)
    np.testing.assert_allclose(crystal.positions[1], np.array([1, 1.5, -2]) * Bohr, rtol=1e-15)
    forces = crystal.calc.results["forces"]
    np.testing.assert_allclose(forces[1], np.array([-0.1, -0.2, -0.3]) * Hartree / Bohr, rtol=1e-15)
    assert crystal.calc.results["energy"] == pytest.approx(-76.25 * Hartree, rel=1e-15)
    assert crystal.get_initial_charges().tolist() == [-0.8, 0.4]
    assert crystal.info == {"comment": "a crystal", "charge": -0.4}
    assert crystal.pbc.all()
    assert not molecule.pbc.any()
    assert not molecule.has("initial_charges")


def test_it_is_known_by_its_content(tmp_path):
    path = tmp_path / "training.set"
    path.write_text("\n# remark\n" + CRYSTAL)
    frames = read_frames(path, require=["energy", "forces"])
    assert frames[0].source == "training.set#0"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("end\n", "", r"ends inside structure 0, begun on line 1. The 0 structures before"),
        ("atom 0.0", "atom", r"line 6 \(structure 0\): an atom has 9 columns.* this one has 8"),
        (" O ", " Oo ", r"line 6 .*'Oo' is not an element"),
        (" O ", " X ", r"line 6 .*'X' is not an element"),
        ("1.5D0", "1.5F0", r"line 7 .*is not numeric"),
        ("lattice 0.0 11.0 0.0\n", "", r"2 lattice vectors; three or none"),
        ("lattice 0.0 11.0 0.0", "lattice 0.0 11.0", r"line 4 .*expected 3 numbers, found 2"),
        ("energy -76.25", "energy", r"line 8 .*expected 1 numbers, found 0"),
        ("energy", "enrgy", r"line 8 .*unknown keyword 'enrgy'"),
        ("begin\n", "", r"line 1 .*'comment' outside of 'begin' and 'end'"),
        ("energy -76.25\n", "begin\n", r"line 8 .*'begin', but line 1 has no 'end'"),
    ],
)
def test_a_bad_file(tmp_path, old, new, message):
    assert old in CRYSTAL
    with pytest.raises(ValueError, match=message):
        read_input_data(a_file(tmp_path, CRYSTAL.replace(old, new, 1)))


def test_a_structure_without_atoms_or_energy(tmp_path):
    with pytest.raises(ValueError, match=r"line 3 \(structure 0\): a structure without atoms"):
        read_input_data(a_file(tmp_path, "begin\nenergy 1.0\nend\n"))
    text = MOLECULE.replace("energy -1.1\n", "")
    with pytest.raises(ValueError, match="no structure has a label for energy"):
        read_frames(a_file(tmp_path, text), require=["energy"])


def test_a_label_that_is_not_finite(tmp_path):
    with pytest.raises(ValueError, match=r"input.data#0: energy .*not finite"):
        read_frames(a_file(tmp_path, MOLECULE.replace("-1.1", "NaN")))


numbers = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-12)


@given(
    positions=hnp.arrays(float, (2, 3), elements=numbers),
    forces=hnp.arrays(float, (2, 3), elements=numbers),
    cell=hnp.arrays(float, (3, 3), elements=numbers),
    energy=numbers,
    periodic=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_numbers_read_back_as_the_same_bits(
    tmp_path_factory, positions, forces, cell, energy, periodic
):
    path = tmp_path_factory.mktemp("x") / "input.data"
    atoms = Atoms("HO", positions=positions, cell=cell, pbc=periodic)
    atoms.set_initial_charges([0.25, -0.3])
    write_input_data(path, [(atoms, {"energy": np.array(energy), "forces": forces})])
    (back,) = read_input_data(path)
    np.testing.assert_array_equal(back.positions, positions)
    np.testing.assert_array_equal(back.calc.results["forces"], forces)
    assert back.calc.results["energy"] == energy
    assert back.get_initial_charges().tolist() == [0.25, -0.3]
    np.testing.assert_array_equal(np.asarray(back.cell), cell if periodic else np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("pbc", "labels", "message"),
    [
        (True, {"energy": np.array(1.0)}, "structure 0 has no forces"),
        (True, {}, "no energy and no forces"),
        ([1, 1, 0], {"energy": np.array(1.0), "forces": np.zeros((2, 3))}, "three periodic"),
    ],
)
def test_what_the_format_cannot_say(tmp_path, pbc, labels, message):
    atoms = bulk("Si")
    atoms.pbc = pbc
    with pytest.raises(ValueError, match=message):
        write_input_data(tmp_path / "input.data", [(atoms, labels)])
