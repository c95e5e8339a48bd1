"""The same structure twice: moved, wrapped, in another box, with other labels."""

import numpy as np
import pytest
from ase.build import molecule
from copper import healthy_frames

from mlip.data import Frame, check_frames, read_frames
from mlip.data.checks import Finding
from mlip.data.duplicates import find_duplicates


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return healthy_frames()


def finding(frames: list[Frame], severity: str) -> Finding:
    found = check_frames(frames).findings
    (only,) = (f for f in found if f.check == "duplicates" and f.severity == severity)
    return only


def moved(frame: Frame, how: str) -> Frame:
    atoms = frame.atoms.copy()
    if how == "translated":
        atoms.translate([0.3, -0.7, 11.0])
    elif how == "wrapped":
        atoms.translate([1.0, 1.0, 1.0])
        atoms.wrap()
    elif how == "shifted by cells":
        atoms.positions += np.array([[2, 0, -1]] * len(atoms)) @ np.asarray(atoms.cell)
    elif how == "one atom by a cell":
        atoms.positions[1] += atoms.cell[2]
    elif how == "rounded":
        atoms.positions = atoms.positions.round(5)
    return Frame(atoms, dict(frame.labels), frame.config_type, f"copy.xyz#{how}")


@pytest.mark.parametrize(
    "how", ["as is", "translated", "wrapped", "shifted by cells", "one atom by a cell", "rounded"]
)
def test_copies_are_found(frames, how):
    copied = [*frames, moved(frames[25], how)]
    assert find_duplicates(copied) == [[25, 37]]
    found = finding(copied, "warning")
    assert found.where == (f"{frames[25].source} = copy.xyz#{how}",)
    assert "1 of them are in more than one file" in found.what


def test_near_is_not_the_same(frames):
    other = moved(frames[25], "as is")
    other.atoms.positions[3, 2] += 1e-3
    assert not find_duplicates([*frames, other])
    other = moved(frames[25], "as is")
    other.atoms.set_cell(other.atoms.cell * 1.001)
    assert not find_duplicates([*frames, other])


def test_molecules_in_any_box_are_the_same():
    first, second = molecule("H2O"), molecule("H2O", cell=[5, 6, 7])
    second.translate([1, 2, 3])
    frames = [Frame(first, source="a#0"), Frame(second, source="a#1")]
    assert find_duplicates(frames) == [[0, 1]]
    second.pbc = True
    assert not find_duplicates(frames)


@pytest.mark.parametrize("name", ["energy", "forces"])
def test_copies_with_other_labels(frames, name):
    copied = [*frames, moved(frames[25], "translated")]
    labels = copied[-1].labels
    labels[name] = labels[name] + 0.1 if name == "energy" else labels[name][::-1]
    found = finding(copied, "error")
    assert "different labels in 1 case" in found.what


def test_ethanol_is_in_two_published_sets(shared_data):
    frames = read_frames(
        [
            shared_data / "ethanol_pbe" / "train.extxyz",
            shared_data / "rmd17" / "ethanol_train_01.extxyz",
        ]
    )
    assert len(find_duplicates(frames)) == 8
