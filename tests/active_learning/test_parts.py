"""Which labels watch over the training, and that none of them is missed by it."""

from collections.abc import Sequence

import pytest
from ase.build import molecule

from mlip.active_learning.frames import queued_structure
from mlip.active_learning.parts import TooFewLabelsError, parts_of
from mlip.active_learning.store import Label


def labels(*names: str, parts: Sequence[str] = ()) -> list[Label]:
    """Finished labels of molecules, the first of them with their parts."""
    found = []
    for place, name in enumerate(names):
        atoms = molecule(name)
        atoms.positions += place
        part = parts[place] if place < len(parts) else None
        found.append(
            Label(queued_structure(atoms, {}), 0, place, "done", 1, 1, None, {}, "", 1.0, part)
        )
    return found


def parts(done: Sequence[Label], share: float, first: bool = True) -> list[str | None]:
    found = parts_of(done, share, first)
    return [found.get(label.key, label.part) for label in done]


def test_one_in_so_many_watches() -> None:
    assert parts(labels(*["H2O"] * 8), 0.25) == (["train"] + ["valid"] + ["train"] * 2) * 2


@pytest.mark.parametrize("rare", range(5))
@pytest.mark.parametrize("share", [0.1, 0.25, 0.49])
def test_the_only_structure_with_an_element_is_trained_on(rare: int, share: float) -> None:
    names = ["H2O"] * 5
    names[rare] = "NH3"
    found = parts(labels(*names), share)
    assert found[rare] == "train"
    assert "valid" in found


def test_isolated_atoms_neither_watch_nor_stand_for_what_is_trained_on() -> None:
    assert parts(labels("H2O", "O", "H2O", "H2O"), 0.49)[1] == "train"
    assert parts(labels("N", "NH3", "H2O", "H2O", "H2O"), 0.49)[:2] == ["train", "train"]
    with pytest.raises(TooFewLabelsError):
        parts(labels("H2O", "H", "O"), 0.49)


def test_the_last_but_one_with_an_element_may_watch_and_the_last_not() -> None:
    found = parts(labels("H2O", "NH3", "H2O", "NH3"), 0.49)
    assert found == ["train", "valid", "train", "train"]
    again = labels("H2O", "NH3", "H2O", "NH3", parts=["train", "valid", "train"])
    assert parts(again, 0.49) == found
    assert parts(labels("H2O", "NH3", "NH3", "H2O"), 0.49)[1::2] == ["valid", "valid"]


def test_where_one_watches_already_no_other_has_to() -> None:
    before = ["train", "valid", "train"]
    done = labels(*["H2O"] * 4, parts=before)
    assert parts_of(done, 0.1, first=True) == {done[3].key: "train"}


@pytest.mark.parametrize("names", [["H2O"], ["H2O", "NH3"], ["H2", "O2", "N2", "F2"]])
def test_too_few_labels_are_told(names: list[str]) -> None:
    with pytest.raises(TooFewLabelsError, match=f"too few labels, {len(names)}"):
        parts_of(labels(*names), 0.1, first=True)
    assert set(parts(labels(*names), 0.1, first=False)) == {"train"}
