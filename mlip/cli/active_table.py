"""The table of `mlip active status`, and what is said below it: 80 columns, however far it is."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlip.active_learning.ending import StopRequest
from mlip.active_learning.labeller import LabelCounts
from mlip.active_learning.status import CampaignStatus, IterationStatus
from mlip.training.page import duration

#: Names and widths of the columns, and above them what some have in common.
_COLUMNS = (
    ("iteration", 9), ("done", 4), ("failed", 6), ("waiting", 7), ("before", 7), ("after", 7),
    ("before", 8), ("after", 8), ("factor", 7), ("time [h]", 8),
)  # fmt: skip
_ABOVE = (("labels", 29), ("forces [meV/Å]", 15), ("energy [meV/atom]", 17), ("calibr.", 7))
_DOING = {
    "check": "labelled frames are computed again",
    "label": "labels are computed",
    "judge": "the last potential is compared with the new labels",
    "train": "the committee is trained",
    "explore": "candidates are explored",
    "choose": "candidates are chosen",
}


def table_lines(found: CampaignStatus) -> list[str]:
    """Two lines of header, and one for each iteration; before and after: root mean square errors
    on the iteration's new labels by the potential before and after it learned from them."""
    names, widths = [name for name, _ in _COLUMNS], [width for _, width in _COLUMNS]
    above = _line([name for name, _ in _ABOVE], [width for _, width in _ABOVE])
    rows = [_line(_cells(one), widths) for one in found.iterations]
    return [above, _line(names, widths), *rows]


def remarks(found: CampaignStatus, folder: Path) -> Iterator[str]:
    """What it cost until now, what is going on, and what to do."""
    if found.mean_seconds is not None:
        yield (
            f"{_counted(found.counts)} in {duration(found.seconds)}, "
            f"{duration(found.mean_seconds)} each"
        )
    if found.step == "finished":
        return
    yield f"iteration {found.iterations[-1].number}: {_now(found)}"
    if found.driver is None:
        yield f"nobody is at work: continue with mlip active run {folder}"
    else:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.driver.started))
        yield f"at work: process {found.driver.process} on {found.driver.host}, since {since}"
        if StopRequest(folder).is_made:
            yield "it was asked to end: with a model of the labels that are done or running"


def _now(found: CampaignStatus) -> str:
    if found.step not in ("check", "label"):
        return _DOING.get(found.step, found.step)
    counts = found.iterations[-1].counts
    left = found.seconds_left
    more = f"; about {duration(left)} more" if left is not None else ""
    return (
        f"{_DOING[found.step]}, {counts.settled} of {counts.total} are finished, {counts.running} "
        f"running{more}"
    )


def _counted(counts: LabelCounts) -> str:
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{counts.done} labels{failed}"


def _cells(one: IterationStatus) -> list[str]:
    errors = [
        _error(judged, name)
        for name in ("force_rms", "energy_rms")
        for judged in (one.before, one.after)
    ]
    scale = "" if one.scale is None else f"{one.scale:.2f}"
    counts = [one.number, one.counts.done, one.counts.failed, one.counts.waiting]
    return [*map(str, counts), *errors, scale, f"{one.seconds / 3600.0:.2f}"]


def _error(judged: dict[str, Any] | None, name: str) -> str:
    return "" if judged is None else f"{1e3 * judged[name]:.1f}"


def _line(cells: list[str], widths: list[int]) -> str:
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths)).rstrip()
