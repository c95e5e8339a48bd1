"""The report of a campaign as one page of HTML."""

import math
import string
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import yaml

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.judgement import POOLED_LABELS
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.report.data import AskedLabel, CampaignReport, campaign_report
from mlip.active_learning.report.figures import calibration, errors_by_labels, plane
from mlip.active_learning.status import IterationStatus
from mlip.durable import write_whole
from mlip.training.calibration import DEVIATIONS, expected_within
from mlip.training.drawing import embedded
from mlip.training.page import (
    Html,
    definitions,
    duration,
    environment,
    figure,
    heading,
    link,
    note,
    page,
    picture,
    preformatted,
    table,
    tile,
    tiles,
    today,
)

#: Columns of tables that hold text.
_WORDS = ("found by", "under", "chosen", "label", "reason", "reports")
_NONE = "–"


def write_campaign_report(folder: Path) -> Path:
    """Write report.html into the folder of a campaign, finished or not; where it is.

    Raises
    ------
    ValueError
        If there is no campaign in the folder, or its store or config cannot be read.
    """
    path = CampaignFolder(folder).report
    write_whole(path, report_page(campaign_report(folder)).encode())
    return path


def report_page(found: CampaignReport) -> str:
    """The page."""
    template = resources.files(__package__).joinpath("report_template.html")
    body = string.Template(template.read_text(encoding="utf-8")).substitute(
        tiles=_tiles(found),
        summary=definitions(_summary(found)),
        errors=_errors(found),
        iterations=_iterations(found.status.iterations),
        calibration=_calibration(found),
        expected=" and ".join(
            f"{100 * expected_within(many, 3):.1f}&nbsp;%" for many in DEVIATIONS
        ),
        plane=_plane(found),
        choices=_choices(found),
        labels=_labels(found.labels),
        failures=_failures(found.failures),
        code="".join(map(_code, found.fingerprints)) or note("There are no labels yet."),
        members=_members(found),
        config=preformatted(found.config) if found.config else note("It was run from Python."),
        environment=definitions(environment()),
    )
    return page(f"Campaign {found.name}", f"{_state(found)} · {today()}", body)


# --------------------------------------------------------------------------------------- sections


def _state(found: CampaignReport) -> str:
    if found.status.reason is not None:
        return f"finished: {found.status.reason}"
    return f"not finished: iteration {found.status.iterations[-1].number}, {found.status.step}"


def _tiles(found: CampaignReport) -> Html:
    """The headline: what the last new labels said, and what all labels cost."""
    parts = []
    judged = [one for one in found.status.iterations if one.before]
    if judged:
        before = judged[-1].before or {}
        labels = f"{judged[-1].counts.done} new labels of iteration {judged[-1].number}"
        parts = [
            tile("Forces of new labels", figure(1e3 * before["force_rms"]), "meV/Å", labels),
            tile("Energies of new labels", figure(1e3 * before["energy_rms"]), "meV/atom", labels),
            tile("Calibration", f"{before['scale']:.2f}", "", _factor_of(judged[-1])),
        ]
    counts = found.status.counts
    more = f"{counts.failed} failed, {counts.waiting} waiting; {_each(found)}"
    return tiles([*parts, tile("Labels", str(counts.done), "", more)])


def _summary(found: CampaignReport) -> dict[str, str]:
    counts = found.status.counts
    return {
        "State": _state(found),
        "Iterations": str(len(found.status.iterations)),
        "Labels": f"{counts.done} done, {counts.failed} failed, {counts.waiting} waiting",
        "Time of labels": f"{duration(found.status.seconds)}, {_each(found)}",
        "Made with": ", ".join(found.status.calculators) or _NONE,
    }


def _each(found: CampaignReport) -> str:
    mean = found.status.mean_seconds
    return "none settled yet" if mean is None else f"{duration(mean)} each"


def _errors(found: CampaignReport) -> Html:
    iterations = found.status.iterations
    if not any(one.after for one in iterations):
        return note("There is no potential yet.")
    return picture(
        embedded(errors_by_labels(iterations, found.aim)),
        "errors on new labels",
        "Root mean square errors on the labels that an iteration added, by the potential that had "
        "not seen them (orange, over the labels it was trained on) and by the next one, which had "
        "(blue). Dotted: the error below which the campaign may end.",
    )


def _iterations(iterations: Sequence[IterationStatus]) -> Html:
    over = [("labels", ""), ("forces", "meV/Å"), ("energy", "meV/atom"), ("calibration", ""),
            ("atoms within", "%"), ("time of labels", "h, min each")]  # fmt: skip
    within = (f"{many:g} sigma" for many in DEVIATIONS)
    columns = ["iteration", "done", "failed", "before", "after", "before", "after", "factor (on)",
               "correlation", *within, "all", "each"]  # fmt: skip
    return table(columns, map(_iteration, iterations), over=over)


def _iteration(one: IterationStatus) -> list[str]:
    errors = [
        figure(1e3 * judged[name]) if judged else _NONE
        for name in ("force_rms", "energy_rms")
        for judged in (one.before, one.after)
    ]
    before = one.before or {"scale": math.nan, "correlation": math.nan, "within": None}
    within = before["within"] or [math.nan] * len(DEVIATIONS)
    on = "" if one.calibrated_on is None else f" ({one.calibrated_on})"
    mean = one.seconds / one.computed if one.computed else math.nan
    return [
        str(one.number), str(one.counts.done), str(one.counts.failed), *errors,
        _known(before["scale"], ".2f") + on, _known(before["correlation"], ".2f"),
        *(_known(100.0 * share, ".0f") for share in within),
        f"{one.seconds / 3600.0:.2f}", _known(mean / 60.0, ".2f"),
    ]  # fmt: skip


def _factor_of(one: IterationStatus) -> str:
    on = "" if one.calibrated_on is None else f", on {one.calibrated_on} labels"
    return f"found over predicted errors{on}"


def _calibration(found: CampaignReport) -> Html:
    if not any(one.before for one in found.status.iterations):
        return note("No prediction has been compared with a label yet.")
    return picture(
        embedded(calibration(found.compared, found.status.iterations)),
        "calibration",
        "Left: what the potential said of its worst force in a structure when it was chosen, and "
        "how wrong the worst force was; the band is a factor of two either way, colours are "
        "iterations as on the map. Middle: share of atoms whose force is as right as predicted. "
        "Right: the factor by which predictions are multiplied from then on, and the correlation "
        "of the logarithms of predicted and found errors, both over the labels of the last "
        f"iterations that have {POOLED_LABELS} together (the table says on how many they stand).",
    )


def _plane(found: CampaignReport) -> Html:
    if found.plane is None:
        return note("There is no potential yet that could look at them.")
    thinned = len(found.plane.left) < found.plane.n_left
    shown = f" Of candidates, {len(found.plane.left):,} are drawn." if thinned else ""
    n_unknown = found.plane.n_unknown
    unknown = (
        f" Left out: {n_unknown:,} with elements that it does not know, since labels failed."
        if n_unknown
        else ""
    )
    return picture(
        embedded(plane(found.plane)),
        "map of structures",
        "Principal components of the mean features of each structure's atoms, by the potential of "
        f"iteration {found.plane.model}: what is near looks alike to it. Grey: explored and not "
        f"chosen.{shown}{unknown}",
    )


def _choices(found: CampaignReport) -> Html:
    rows = [
        [str(one.iteration), str(sum(one.counts.values())),
         *(str(one.counts.get(verdict, 0)) for verdict in
           ("chosen", "spare", "known", "certain", "absurd"))]
        for one in found.choices if one.counts
    ]  # fmt: skip
    if not rows:
        return note("No choice is on record.")
    columns = ["iteration", "candidates", "chosen", "too many", "known", "certain", "absurd"]
    return table(columns, rows)


def _labels(labels: Sequence[AskedLabel]) -> Html:
    columns = ["iteration", "found by", "from", "under", "frame", "predicted [meV/Å]",
               "found [meV/Å]", "chosen", "label"]  # fmt: skip
    rows = [
        [str(one.iteration), one.explorer, one.start, one.conditions,
         "" if one.frame is None else str(one.frame), _error(one.predicted), _error(one.found),
         one.chosen, _linked(one, one.status)]
        for one in labels
    ]  # fmt: skip
    return table(columns, rows, _WORDS)


def _failures(failures: Sequence[AskedLabel]) -> Html:
    if not failures:
        return note("No label failed.")
    rows = [
        [_linked(one, one.key), str(one.iteration), one.reason or "",
         _known(one.seconds / 60.0, ".1f")]
        for one in failures
    ]  # fmt: skip
    return table(["label", "iteration", "reason", "time [min]"], rows, _WORDS)


def _code(found: Fingerprint) -> Html:
    return Html(
        heading(str(found))
        + definitions({f"Digest of {name}": digest for name, digest in found.files.items()})
        + preformatted(yaml.safe_dump(found.settings, sort_keys=False, allow_unicode=True))
    )


def _members(found: CampaignReport) -> Html:
    rows = [
        [str(number), Html(", ".join(link(path.as_posix(), path.parent.name) for path in paths))]
        for number, paths in found.members.items() if paths
    ]  # fmt: skip
    return table(["iteration", "reports"], rows, _WORDS) if rows else note("There are none yet.")


# ------------------------------------------------------------------------------------------ cells


def _known(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else _NONE


def _error(value: float) -> str:
    return figure(1e3 * value) if math.isfinite(value) else _NONE


def _linked(one: AskedLabel, shown: str) -> str:
    return link(one.folder.as_posix(), shown) if one.folder else shown
