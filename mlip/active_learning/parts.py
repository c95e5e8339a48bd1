"""Which labels are trained on, and which only watch over the training."""

from collections import Counter
from collections.abc import Sequence

from mlip.active_learning.frames import atoms_of
from mlip.active_learning.store import Label
from mlip.data import Frame
from mlip.data.statistics import is_isolated_atom


class TooFewLabelsError(ValueError):
    """No label can watch over the training of the others."""


def parts_of(done: Sequence[Label], share: float, first: bool) -> dict[str, str]:
    """The part, "train" or "valid", of each label that has none yet, by key.

    A label that alone has some element is trained on: what a model has never met it cannot be
    watched by. So are isolated atoms, which give reference energies and nothing else.

    Parameters
    ----------
    done : all finished labels, in their order
    share : of them that watches
    first : whether there was no training yet; one of the labels has to watch

    Raises
    ------
    TooFewLabelsError
        If one has to watch and each is the only one with some element.
    """
    new = [label for label in done if label.part is None]  # retried ones of before as well
    parts = dict.fromkeys((label.key for label in new), "train")
    trained = Counter(z for label in done if label.part != "valid" for z in _elements(label))
    for number, label in enumerate(new, start=len(done) - len(new)):
        if _is_held_out(number, share) and _can_be_spared(label, trained):
            parts[label.key] = "valid"
            trained.subtract(_elements(label))
    watched = "valid" in {*parts.values(), *(label.part for label in done)}
    if first and not watched:
        parts[_most_central(done, trained).key] = "valid"
    return parts


def _is_held_out(number: int, share: float) -> bool:
    """Whether the label of this number goes into the validation set: one in 1 / share, in the
    middle of them, since the last of the initial structures are the most distorted."""
    return int((number + 1) * share + 0.5) > int(number * share + 0.5)


def _can_be_spared(label: Label, trained: Counter[int]) -> bool:
    """Whether others of the structures that are trained on have each of its elements. An isolated
    atom cannot: it is no such structure."""
    return all(trained[z] > 1 for z in _elements(label)) and bool(_elements(label))


def _most_central(done: Sequence[Label], trained: Counter[int]) -> Label:
    """Of the labels that can be spared, the one nearest to the middle."""
    middle = len(done) // 2
    for place in sorted(range(len(done)), key=lambda place: abs(place - middle)):
        if _can_be_spared(done[place], trained):
            return done[place]
    raise TooFewLabelsError(
        f"there are too few labels, {len(done)}: one has to watch over the training, but each is "
        "the only one with some element. Mend what failed and continue with --retry-failed, or "
        "begin in a new folder with more structures"
    )


def _elements(label: Label) -> set[int]:
    """What a model learns of by it; nothing if it is an isolated atom."""
    frame = Frame(atoms_of(label.structure))
    return set() if is_isolated_atom(frame) else set(frame.atoms.numbers.tolist())
