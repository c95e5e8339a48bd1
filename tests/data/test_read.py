"""Reading labelled structures: every place a label can be, and every way a file can be bad."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
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


def assert_labels(frame, *, energy=ENERGY, forces=None, stress=STRESS):
    assert frame.labels["energy"] == energy
    np.testing.assert_array_equal(frame.labels["forces"], forces)
    np.testing.assert_allclose(frame.labels["stress"], stress, rtol=0, atol=1e-16)


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


def in_database_pairs(atoms, f):
    atoms.info["key_value_pairs"] = {"total_energy": ENERGY}
    atoms.info["data"] = {"forces": f, "stress": STRESS}
    return atoms


@pytest.mark.parametrize(
    "place",
    [in_calculator, in_info, in_info_flat, in_info_voigt, as_virial, in_database_pairs],
)
def test_labels_are_found_wherever_they_are(place):
    atoms = crystal()
    forces = forces_of(atoms)
    frames = frames_from_atoms([place(atoms, forces)], require=("energy", "forces", "stress"))
    assert_labels(frames[0], forces=forces)
    assert [frames.labels_found.count(n) for n in ("energy", "forces", "stress")] == [1, 1, 1]


@pytest.mark.parametrize("place", [in_calculator, in_info, in_info_flat, in_info_voigt])
@pytest.mark.parametrize("suffix", ["extxyz", "xyz", "traj", "db", "json", "xyz.gz"])
def test_labels_survive_files_that_ase_writes(place, suffix, tmp_path):
    atoms = crystal()
    forces = forces_of(atoms)
    if suffix in ("traj", "db", "json") and place is not in_calculator:
        pytest.skip("ASE keeps no further arrays in this format")
    path = tmp_path / f"a.{suffix}"
    write(path, [place(atoms, forces)] * 2)
    frames = read_frames([path])
    assert [frame.source for frame in frames] == [f"{path.name}#0", f"{path.name}#1"]
    assert_labels(frames[1], forces=forces)


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


def test_a_required_label_that_is_nowhere_names_what_is_there():
    atoms = crystal()
    atoms.info["my_energy"] = 1.0
    with pytest.raises(
        LabelError, match=r"no structure has a label for energy.*my_energy \(info\)"
    ):
        frames_from_atoms([atoms], require=["energy"])
    assert frames_from_atoms([atoms], LabelKeys(energy="my_energy"))[0].labels["energy"] == 1.0
