"""When a campaign is over: by its rules, by its budget, or because somebody asks."""

from collections.abc import Sequence
from pathlib import Path

from mlip.active_learning.config import StopConfig
from mlip.active_learning.selection import SelectionConfig
from mlip.active_learning.store import Store, Verdict
from mlip.durable import write_whole


class StopRequest:
    """A wish that a campaign end soon: a file in its folder, for which the driver looks.

    Labels that are running are finished, a potential is trained on all there are, and the campaign
    ends with it. The first structures are labelled in any case.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stop.request"

    @property
    def is_made(self) -> bool:
        """Whether the campaign is to end."""
        return self._path.exists()

    def make(self) -> None:
        """Ask it to."""
        write_whole(self._path, b"end soon\n")

    def withdraw(self) -> None:
        """Let it go on."""
        self._path.unlink(missing_ok=True)


def reason_to_stop(store: Store, stop: StopConfig, iteration: int, asked: bool) -> str | None:
    """Why a campaign ends with the potential of this iteration, or None.

    Parameters
    ----------
    asked : whether somebody wants it to end
    """
    errors = [
        judged["force_rms"]
        for i in range(1, iteration + 1)
        if (judged := store.fact(f"judgement {i}"))
    ]
    last = errors[-stop.in_a_row :]
    if len(last) == stop.in_a_row and max(last) < stop.force_error:
        return (
            f"the forces of new labels were predicted within {stop.force_error:g} eV/Å in "
            f"{stop.in_a_row} iterations in a row"
        )
    if iteration >= stop.iterations:
        return f"{stop.iterations} iterations are done"
    if stop.labels is not None and len(store.labels("done")) >= stop.labels:
        return f"{stop.labels} labels are there"
    return "it was asked to" if asked else None


def affordable(select: SelectionConfig, stop: StopConfig, store: Store) -> SelectionConfig:
    """How a campaign that goes on chooses: no more labels than it may still have, but one."""
    if stop.labels is None:
        return select
    left = max(stop.labels - len(store.labels("done", "queued")), 1)
    return select.model_copy(update={"per_iteration": min(select.per_iteration, left)})


def why_nothing_is_chosen(select: SelectionConfig, verdicts: Sequence[Verdict]) -> str:
    """Why a campaign ends without new structures to label, given what became of the candidates."""
    if not verdicts:
        return (
            "exploration found no candidates: at once, atoms came too near to each other in all "
            "runs, or the potential knows none of the structures, since their labels failed. Begin "
            "more gently: lower temperatures, more initial structures, or `repulsion` in the model"
        )
    reason = (
        f"none of {len(verdicts)} candidates is uncertain by more than "
        f"{select.uncertain_above:g} eV/Å and new"
    )
    absurd = verdicts.count("absurd")
    if absurd == 0:
        return reason
    return (
        f"{reason}, but {absurd} by more than {select.absurd_above:g} eV/Å: there the potential "
        "has lost its way. Look for labels with very large forces, explore more gently (lower "
        "temperatures, shorter runs), or raise absurd_above"
    )
