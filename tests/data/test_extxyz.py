"""Extended XYZ: damage is named, and every number survives."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlip.data import read_frames
from mlip.data.extxyz import read_extxyz, write_extxyz

FRAME = """2
Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3:forces:R:3 energy={energy} pbc="T T T"
H 0.0 0.0 0.0 0.1 0.2 0.3
O 0.0 0.0 1.0 -0.1 -0.2 -0.3
"""


def a_file(tmp_path, text):
    path = tmp_path / "a.extxyz"
    path.write_text(text)
    return path


def frames_text(count):
    return "".join(FRAME.format(energy=-1.5 * n) for n in range(count))


def test_empty_lines_between_frames_lose_nothing(tmp_path):
    text = FRAME.format(energy=1) + "\n\n" + FRAME.format(energy=2) + "\n" + FRAME.format(energy=3)
    frames = read_frames(a_file(tmp_path, text))
    assert [float(frame.labels["energy"]) for frame in frames] == [1, 2, 3]


@pytest.mark.parametrize(("cut", "whole"), [(1, 1), (2, 0), (3, 0)])
def test_a_torn_last_frame(tmp_path, cut, whole):
    lines = frames_text(3).splitlines(keepends=True)
    path = a_file(tmp_path, "".join(lines[:-cut]))
    message = (
        rf"frame 2 \(line 9\) is torn, {whole} of its 2 atoms.*The 2 frames before it are whole"
    )
    with pytest.raises(ValueError, match=message):
        read_frames(path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:8]))
    assert len(read_frames(path)) == 2, "the advice given by the message"


def test_a_line_that_is_torn(tmp_path):
    with pytest.raises(ValueError, match=r"frame 1 \(line 5\) cannot be read"):
        read_frames(a_file(tmp_path, frames_text(2)[:-16]))


def test_a_frame_with_too_many_atoms(tmp_path):
    text = frames_text(1) + "O 0 0 0 0 0 0\n" + frames_text(1)
    with pytest.raises(ValueError, match=r"line 5: expected the number of atoms of frame 1, found"):
        read_frames(a_file(tmp_path, text))


def test_a_frame_with_too_few_atoms(tmp_path):
    lines = frames_text(2).splitlines(keepends=True)
    del lines[3]
    with pytest.raises(ValueError, match=r"frame 0 \(line 1\) cannot be read"):
        read_frames(a_file(tmp_path, "".join(lines)))


def test_an_element_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match=r"a.extxyz, frame 0 \(line 1\) cannot be read.*Qq"):
        read_frames(a_file(tmp_path, frames_text(1).replace("\nO ", "\nQq ")))


@pytest.mark.parametrize("name", ["stress", "virial"])
def test_six_values_are_in_voigt_order(tmp_path, name):
    entry = f'pbc="T T T" {name}="1 2 3 4 5 6"'
    path = a_file(tmp_path, frames_text(1).replace('pbc="T T T"', entry))
    scale = 1.0 if name == "stress" else -1.0 / 125.0
    expected = scale * np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3]])
    np.testing.assert_allclose(read_frames(path)[0].labels["stress"], expected, rtol=1e-14)


@pytest.mark.parametrize("name", ["stress", "REF_stress", "virial"])
def test_a_stress_that_is_not_symmetric_is_not_halved(tmp_path, name):
    entry = f'pbc="T T T" {name}="1 2 3 0 1 4 0 0 1"'
    path = a_file(tmp_path, frames_text(1).replace('pbc="T T T"', entry))
    with pytest.raises(ValueError, match="is not symmetric"):
        read_frames(path)


def test_plain_xyz_and_cell_vectors_as_atoms(tmp_path):
    text = "1\nplain\nH 0 0 0\nVEC1 3 0 0\nVEC2 0 4 0\nVEC3 0 0 5\n1\nmore\nHe 1 1 1\n"
    first, second = read_extxyz(a_file(tmp_path, text))
    assert first.cell.lengths().tolist() == [3, 4, 5]
    assert second.get_chemical_symbols() == ["He"]


def test_a_file_that_is_something_else(tmp_path):
    with pytest.raises(ValueError, match=r"line 1: expected the number of atoms of frame 0"):
        read_extxyz(a_file(tmp_path, "data_crystal\n_cell_length_a 5\n"))


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(
    positions=hnp.arrays(float, (3, 3), elements=numbers),
    forces=hnp.arrays(float, (3, 3), elements=numbers),
    cell=hnp.arrays(float, (3, 3), elements=numbers),
    stress=hnp.arrays(float, 6, elements=numbers),
    energy=numbers,
    pbc=st.tuples(*[st.booleans()] * 3),
)
@settings(max_examples=60, deadline=None)
def test_every_number_reads_back_as_the_same_bits(
    tmp_path_factory, positions, forces, cell, stress, energy, pbc
):
    path = tmp_path_factory.mktemp("x") / "a.extxyz"
    atoms = Atoms("HCO", positions=positions, cell=cell, pbc=pbc)
    matrix = stress[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
    labels = {"energy": np.array(energy), "forces": forces, "stress": matrix}
    write_extxyz(path, [(atoms, labels)] * 2)
    for back in read_extxyz(path):
        np.testing.assert_array_equal(back.positions, positions)
        np.testing.assert_array_equal(np.asarray(back.cell), cell)
        np.testing.assert_array_equal(back.calc.results["forces"], forces)
        np.testing.assert_array_equal(back.calc.results["stress"], stress)
        assert back.calc.results["energy"] == energy
        assert tuple(back.pbc) == pbc


def test_what_else_the_atoms_carry_is_kept(tmp_path):
    atoms = molecule("H2O")
    atoms.info |= {"name": "a b", "number": 3, "flag": True, "vector": np.array([1.5, 2.5])}
    atoms.info |= {"lines": "one\ntwo", "nested": {"a": [1, 2]}}
    atoms.set_tags([1, 2, 3])
    atoms.set_initial_charges([0.1, 0.2, -0.3])
    atoms.set_array("mask", np.array([True, False, True]))
    atoms.set_array("born", np.arange(27.0).reshape(3, 3, 3))
    atoms.set_array("site", np.array(["a", "b c", "d"]))
    write_extxyz(tmp_path / "a.extxyz", [(atoms, {})])
    (back,) = read_extxyz(tmp_path / "a.extxyz")
    assert back.info["name"] == "a b"
    assert back.info["lines"] == "one two", "a frame has one line for all of it"
    assert back.info["nested"] == {"a": [1, 2]}
    assert (back.info["number"], back.info["flag"]) == (3, True)
    np.testing.assert_array_equal(back.info["vector"], [1.5, 2.5])
    for name in ("tags", "initial_charges", "mask"):
        np.testing.assert_array_equal(back.arrays[name], atoms.arrays[name])
    np.testing.assert_array_equal(back.arrays["born"], np.arange(27.0).reshape(3, 9))
    assert back.arrays["site"].tolist() == ["a", "b_c", "d"]


def test_an_array_that_is_not_text(tmp_path):
    atoms = molecule("H2O")
    atoms.set_array("wave", np.zeros(3, complex))
    with pytest.raises(ValueError, match=r"'wave' of type complex128 cannot be written"):
        write_extxyz(tmp_path / "a.extxyz", [(atoms, {})])
