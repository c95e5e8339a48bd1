"""Which labels are trained on, and which only watch over the training."""

from collections.abc import Sequence

from mlip.active_learning.store import Label


def parts_of(done: Sequence[Label], share: float, first: bool) -> dict[str, str]:
    """The part, "train" or "valid", of each label that has none yet, by key.

    Parameters
    ----------
    done : all finished labels, in their order
    share : of them that watches
    first : whether there was no training yet; one of the labels has to watch
    """
    new = [label for label in done if label.part is None]  # retried ones of before as well
    parts = {
        label.key: "valid" if _is_held_out(number, share) else "train"
        for number, label in enumerate(new, start=len(done) - len(new))
    }
    if first and "valid" not in parts.values():
        parts[done[len(done) // 2].key] = "valid"
    return parts


def _is_held_out(number: int, share: float) -> bool:
    """Whether the label of this number goes into the validation set: one in 1 / share, in the
    middle of them, since the last of the initial structures are the most distorted."""
    return int((number + 1) * share + 0.5) > int(number * share + 0.5)
