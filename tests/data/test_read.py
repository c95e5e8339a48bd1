"""Reading labelled structures: every place a label can be, and every way a file can be bad."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.db import connect
from ase.io import write

from mlip.data import LabelKeys, frames_from_atoms, read_frames
from mlip.data.labels import LabelError
from mlip.properties import to_voigt

ENERGY = -10.25
STRESS = np.array([[0.01, 0.002, -0.003], [0.002, 0.02, 0.004], [-0.003, 0.004, 0.03]])


def crystal() -> Atoms:
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def forces_of(atoms: Atoms) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(len(atoms), 3)).round(8)


def labelled(atoms: Atoms, **results) -> Atoms:
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def assert_labels(frame, *, forces, energy=ENERGY, stress=STRESS):
    assert frame.labels["energy"] == energy
    np.testing.assert_array_equal(frame.labels["forces"], forces)
    np.testing.assert_allclose(frame.labels["stress"], stress, rtol=0, atol=1e-16)


# ------------------------------------------------------------------------------- where labels are


def in_calculator(atoms, f):
    return labelled(atoms, energy=ENERGY, forces=f, stress=to_voigt(STRESS))


def in_info(atoms, f):
    atoms.info |= {"REF_energy": ENERGY, "REF_stress": STRESS}
    atoms.arrays["REF_forces"] = f
    return atoms


def in_info_flat(atoms, f):
    atoms.info |= {"dft_energy": ENERGY, "dft_stress": STRESS.ravel().tolist()}
    atoms.arrays["dft_forces"] = f
    return atoms


def in_info_voigt(atoms, f):
    atoms.info |= {"Energy": np.array([ENERGY]), "Stress": to_voigt(STRESS)}
    atoms.arrays["force"] = f
    return atoms


def as_virial(atoms, f):
    atoms.info |= {"energy": ENERGY, "virial": -STRESS * atoms.get_volume()}
    atoms.info["forces"] = f.tolist()
    return atoms


EVERYWHERE = [in_calculator, in_info, in_info_flat, in_info_voigt, as_virial]


@pytest.mark.parametrize("place", EVERYWHERE)
def test_labels_are_found_wherever_they_are(place):
    atoms = crystal()
    forces = forces_of(atoms)
    frames = frames_from_atoms([place(atoms, forces)], require=("energy", "forces", "stress"))
    assert_labels(frames[0], forces=forces)
    assert [frames.labels_found.count(n) for n in ("energy", "forces", "stress")] == [1, 1, 1]


@pytest.mark.parametrize("place", [in_calculator, in_info, in_info_flat, in_info_voigt])
@pytest.mark.parametrize("suffix", ["extxyz", "xyz", "xyz.gz"])
def test_labels_survive_extended_xyz(place, suffix, tmp_path):
    atoms = crystal()
    forces = forces_of(atoms)
    path = tmp_path / f"a.{suffix}"
    write(path, [place(atoms, forces)] * 2)
    frames = read_frames([path])
    assert [frame.source for frame in frames] == [f"{path.name}#0", f"{path.name}#1"]
    assert_labels(frames[1], forces=forces)


@pytest.mark.parametrize("suffix", ["traj", "db", "json"])
def test_labels_survive_ase_formats(suffix, tmp_path):
    atoms = crystal()
    forces = forces_of(atoms)
    write(tmp_path / f"a.{suffix}", in_calculator(atoms, forces))
    assert_labels(read_frames([tmp_path / f"a.{suffix}"])[0], forces=forces)


def test_labels_in_the_pairs_and_data_of_a_database(tmp_path):
    atoms = crystal()
    forces = forces_of(atoms)
    with connect(tmp_path / "a.db") as database:
        database.write(atoms, key_value_pairs={"dft_energy": ENERGY}, data={"dft_forces": forces})
    frame = read_frames([tmp_path / "a.db"])[0]
    assert frame.labels["energy"] == ENERGY
    np.testing.assert_array_equal(frame.labels["forces"], forces)


def test_what_was_found_is_told():
    atoms = [in_calculator(crystal(), forces_of(crystal())), in_info(crystal(), np.zeros((8, 3)))]
    text = str(frames_from_atoms([*atoms, crystal()]).labels_found)
    assert "labels found in 3 structures" in text
    assert "energy (calculator) in 1; REF_energy (info) in 1" in text
    assert "forces (calculator) in 1; REF_forces (arrays) in 1" in text


def test_atoms_of_a_frame_carry_nothing_that_reads_as_a_label():
    atoms = in_info(crystal(), forces_of(crystal()))
    atoms.info["remark"] = "kept"
    frame = frames_from_atoms([atoms])[0]
    assert frame.atoms.info == {"remark": "kept"}
    assert set(frame.atoms.arrays) == {"numbers", "positions"}
    assert "REF_energy" in atoms.info, "the caller's atoms are left alone"


def test_constraints_do_not_zero_forces(tmp_path):
    atoms = crystal()
    forces = forces_of(atoms)
    atoms.set_constraint(FixAtoms([0, 1, 2]))
    write(tmp_path / "a.traj", in_calculator(atoms, forces))
    frame = read_frames([tmp_path / "a.traj"])[0]
    np.testing.assert_array_equal(frame.labels["forces"], forces)
    assert not frame.atoms.constraints


def test_results_of_another_geometry_are_refused():
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    atoms.get_potential_energy()
    atoms.positions[0, 0] += 0.1
    with pytest.raises(LabelError, match=r"another geometry.*compute them again"):
        frames_from_atoms([atoms])


# ------------------------------------------------------------------- missing, twice, contradictory


def test_a_required_label_that_is_nowhere_names_what_is_there():
    atoms = crystal()
    atoms.info["my_energy"] = 1.0
    with pytest.raises(
        LabelError, match=r"no structure has a label for energy.*my_energy \(info"
    ) as e:
        frames_from_atoms([atoms], require=["energy"])
    assert "data.keys.energy in a config, --energy-key on the command line" in str(e.value)
    assert str(e.value).count("my_energy") == 1
    keys = LabelKeys(energy="my_energy")
    assert frames_from_atoms([atoms], keys, ["energy"])[0].labels["energy"] == 1.0


def test_keys_are_listed_when_there_is_no_energy():
    atoms = crystal()
    atoms.info["my_energy"] = 1.0
    atoms.arrays["my_forces"] = np.zeros((8, 3))
    text = str(frames_from_atoms([atoms]).labels_found)
    assert "no energy; the files do have: my_energy (info), my_forces (arrays)" in text


def test_a_label_that_some_lack_is_counted_and_absent():
    frames = frames_from_atoms(
        [labelled(crystal(), energy=1.0), crystal(), labelled(crystal(), energy=2.0)],
        require=["energy"],
    )
    assert frames.labels_found.count("energy") == 2
    assert "energy" not in frames[1].labels, "absent, not zero"


def test_only_labels_can_be_required():
    with pytest.raises(LabelError, match="'dipole' cannot be required"):
        frames_from_atoms([crystal()], require=["dipole"])


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [("energy", "REF_energy", False), ("energy", "REF_energy", True), ("dft_energy", "Energy", 0)],
)
def test_two_energies_must_agree(first, second, equal):
    atoms = crystal()
    atoms.info |= {first: -3.0, second: -3.0 if equal else -3.5}
    if equal:
        assert frames_from_atoms([atoms])[0].labels["energy"] == -3.0
        return
    with pytest.raises(LabelError, match=rf"{first} .*{second} .*0.5 eV apart. Declare the key"):
        frames_from_atoms([atoms])
    assert frames_from_atoms([atoms], LabelKeys(energy=second))[0].labels["energy"] == -3.5


def test_two_sets_of_forces_must_agree():
    atoms = labelled(crystal(), forces=np.ones((8, 3)))
    atoms.arrays["REF_forces"] = np.zeros((8, 3))
    with pytest.raises(LabelError, match=r"forces is there twice"):
        frames_from_atoms([atoms])
    frame = frames_from_atoms([atoms], LabelKeys(forces="REF_forces"))[0]
    assert not frame.labels["forces"].any()


def test_a_stress_that_contradicts_the_virial():
    atoms = crystal()
    atoms.info |= {"stress": STRESS, "virial": STRESS * atoms.get_volume()}
    with pytest.raises(LabelError, match=r"stress is not -virial / volume"):
        frames_from_atoms([atoms])
    by_stress = frames_from_atoms([atoms], LabelKeys(stress="stress"))[0]
    by_virial = frames_from_atoms([atoms], LabelKeys(virial="virial"))[0]
    np.testing.assert_allclose(by_stress.labels["stress"], -by_virial.labels["stress"], atol=1e-15)


def test_a_declared_key_is_the_only_one_that_is_looked_for():
    atoms = labelled(crystal(), energy=1.0)
    keys = LabelKeys(energy="other")
    assert frames_from_atoms([atoms], keys).labels_found.count("energy") == 0


# -------------------------------------------------------------------------- which energy is taken


def test_the_free_energy_is_taken_when_all_have_it():
    atoms = [labelled(crystal(), energy=-1.0, free_energy=-1.25) for _ in range(3)]
    frames = frames_from_atoms(atoms)
    assert frames[0].labels["energy"] == -1.25
    assert "free energy" in str(frames.labels_found)
    assert "0.25 eV" in str(frames.labels_found)
    assert frames_from_atoms(atoms, LabelKeys(energy="energy"))[0].labels["energy"] == -1.0


def test_energies_of_two_kinds_are_not_mixed():
    atoms = [labelled(crystal(), energy=-1.0, free_energy=-1.25), labelled(crystal(), energy=-2.0)]
    with pytest.raises(LabelError, match=r"different kinds must not be mixed.*'free_energy'"):
        frames_from_atoms(atoms)
    kept = frames_from_atoms(atoms, LabelKeys(energy="free_energy"))
    assert [frame.labels.get("energy") for frame in kept] == [-1.25, None]


def test_energies_of_two_kinds_that_are_the_same_need_no_choice():
    atoms = [labelled(crystal(), energy=-1.0, free_energy=-1.0), labelled(crystal(), energy=-2.0)]
    frames = frames_from_atoms(atoms)
    assert [float(frame.labels["energy"]) for frame in frames] == [-1.0, -2.0]
    assert not frames.labels_found.remarks


# ------------------------------------------------------------------------------ values and shapes


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["energy", "forces", "stress"])
def test_labels_that_are_not_finite(name, bad):
    values = {"energy": -1.0, "forces": np.zeros((8, 3)), "stress": np.zeros(6)}
    values[name] = np.full_like(values[name], bad) if name != "energy" else bad
    good = labelled(crystal(), energy=-1.0)
    with pytest.raises(LabelError, match=rf"atoms#1: {name} \(calculator\) .*not finite; remove"):
        frames_from_atoms([good, labelled(crystal(), **values)])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("REF_energy", "abc", "is not numeric: 'abc'"),
        ("REF_energy", True, "is not numeric: 'True'"),
        ("REF_energy", np.zeros(8), "looks like energies of atoms"),
        ("REF_energy", np.zeros(3), r"shape \(3,\), expected one number"),
        ("REF_forces", np.zeros((7, 3)), r"shape \(7, 3\), expected \(8, 3\)"),
        ("REF_forces", np.zeros(24), r"shape \(24,\), expected \(8, 3\)"),
        ("REF_stress", np.zeros(5), r"shape \(5,\), expected \(6,\), \(9,\) or \(3, 3\)"),
        ("REF_stress", np.arange(9.0), "is not symmetric"),
        ("virial", np.zeros((3, 2)), r"shape \(3, 2\)"),
    ],
)
def test_labels_of_the_wrong_shape(key, value, message):
    atoms = crystal()
    atoms.info[key] = value
    with pytest.raises(LabelError, match=message):
        frames_from_atoms([atoms])


@pytest.mark.parametrize("pbc", [(0, 0, 0), (1, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("key", ["stress", "virial"])
def test_stress_without_volume_is_left_out_and_counted(pbc, key):
    slab, whole = crystal(), crystal()
    slab.pbc = pbc
    slab.info[key] = whole.info[key] = STRESS
    frames = frames_from_atoms([slab, whole])
    assert [("stress" in frame.labels) for frame in frames] == [False, True]
    assert "stress is left out of 1 structures" in str(frames.labels_found)
    with pytest.raises(LabelError, match=r"no structure has a label for stress.*without a volume"):
        frames_from_atoms([slab], require=["stress"])


def test_a_left_handed_cell_has_the_same_stress_from_its_virial():
    atoms = crystal()
    atoms.set_cell(np.asarray(atoms.cell)[[1, 0, 2]])
    atoms.info["virial"] = np.eye(3)
    frame = frames_from_atoms([atoms])[0]
    np.testing.assert_allclose(frame.labels["stress"], -np.eye(3) / abs(atoms.get_volume()))


@pytest.mark.parametrize("key", ["config_type", "configuration_type", "config"])
def test_config_type(key):
    atoms = crystal()
    atoms.info[key] = "bulk"
    assert frames_from_atoms([atoms])[0].config_type == "bulk"


def test_config_type_as_declared_and_by_default():
    atoms = crystal()
    atoms.info["group"] = 7
    assert frames_from_atoms([atoms])[0].config_type == "default"
    assert frames_from_atoms([atoms], LabelKeys(config_type="group"))[0].config_type == "7"


# --------------------------------------------------------------------------------------- bad files


def test_files_that_are_not_there_or_not_structures(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_frames([tmp_path / "nothing.xyz"])
    (tmp_path / "text.bin").write_bytes(b"\x00\x01\x02 nothing known")
    with pytest.raises(ValueError, match=r"text.bin is in no format"):
        read_frames([tmp_path / "text.bin"])
    (tmp_path / "empty.extxyz").write_text("\n\n")
    with pytest.raises(ValueError, match=r"empty.extxyz holds no structures"):
        read_frames([tmp_path / "empty.extxyz"])


@pytest.mark.parametrize("suffix", ["traj", "json", "db"])
def test_a_torn_file_of_ase(suffix, tmp_path):
    write(tmp_path / f"a.{suffix}", [labelled(crystal(), energy=1.0)] * 3)
    content = (tmp_path / f"a.{suffix}").read_bytes()
    torn = tmp_path / f"torn.{suffix}"
    torn.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"torn.{suffix} cannot be read as {suffix}"):
        read_frames([torn])


def test_structures_that_no_potential_can_have():
    no_number = molecule("H2O")
    no_number.positions[1, 2] = np.nan
    with pytest.raises(ValueError, match="atoms#0: positions or cell are not finite"):
        frames_from_atoms([no_number])
    with pytest.raises(ValueError, match="a structure without atoms"):
        frames_from_atoms([Atoms()])
    with pytest.raises(ValueError, match=r"dummy atoms"):
        frames_from_atoms([Atoms("X")])


def test_files_of_the_same_name_are_told_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "x.xyz", crystal())
    write(tmp_path / "y.xyz", crystal())
    paths = [tmp_path / "a" / "x.xyz", tmp_path / "b" / "x.xyz", tmp_path / "y.xyz"]
    sources = [frame.source for frame in read_frames(paths)]
    assert sources == [f"{paths[0]}#0", f"{paths[1]}#0", "y.xyz#0"]


def test_a_single_path_will_do(tmp_path):
    write(tmp_path / "y.xyz", crystal())
    assert len(read_frames(tmp_path / "y.xyz")) == 1


def test_a_set_describes_itself():
    frames = frames_from_atoms([labelled(crystal(), energy=1.0), crystal()])
    assert repr(frames) == "FrameSet(2 structures, 16 atoms; energy in 1)"
    assert repr(frames[0]) == "Frame(Si8 of atoms#0, default, labels: energy)"
    assert frames[0:2] == (frames[0], frames[1])


ROWS = "H 0 0 0 1.0 2.0 3.0\nH 0 0 1 1.0 2.0 3.0\n"
COMMENT = "Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (f"2\n{COMMENT}\n{ROWS}".replace("-1.0", "-1.0 by=Andr\xe9").encode("latin-1"),
         r"line 2: the byte b'\\xe9' is not UTF-8"),
        (f"3\n{COMMENT}\n{ROWS}2\n{COMMENT}\n{ROWS}".encode(),
         r"Line 5 has 1 columns, the first atom's 7: is the number of atoms right"),
        (f"2\n{COMMENT}\n{ROWS}".replace("1 1.0", "1 ****").encode(), r"In line 4, \*\*\* stands"),
        (f'2\npbc="T T T" {COMMENT}\n{ROWS}'.encode(), r"#0: the cell is singular.* set pbc to"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "frames.extxyz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"(?s)frames\.extxyz.*{told}"):
        read_frames(path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_marks_and_line_ends_of_other_systems(mark: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / "frames.extxyz"
    text = f"2\n{COMMENT}\n{ROWS}".replace("\n", ending)
    path.write_bytes(mark + text.encode())
    (frame,) = read_frames(path)
    assert frame.labels["energy"] == -1.0
    assert np.array_equal(frame.labels["forces"], [[1, 2, 3]] * 2)
