"""report.html: one file that shows how good a potential is, and where it is not."""

import datetime
import html
import platform
import string
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path

from ase.data import chemical_symbols

from mlip.properties import LABELS, PROPERTIES
from mlip.settings import Settings, dump_settings
from mlip.training.figures import distributions, embedded, learning_curve, parity
from mlip.training.metrics import Errors, ErrorStatistics
from mlip.training.observers import Row, Summary

_SPLITS = {"train": "training", "valid": "validation", "test": "test"}
_WORST = 8
_PACKAGES = ("torch", "numpy", "ase", "pydantic", "matplotlib")

Cells = Sequence[str]


def write_report(
    path: Path,
    config: Settings,
    summary: Summary,
    history: Sequence[Row],
    found: Mapping[str, Errors],
) -> None:
    """Write the report of a run.

    Parameters
    ----------
    history : rows of the learning curve, at least one
    found : errors by split (train, valid, test)
    """
    template = resources.files("mlip.training").joinpath("report_template.html")
    page = string.Template(template.read_text(encoding="utf-8")).substitute(
        title=f"{'-'.join(summary.elements)} potential",
        subtitle=_subtitle(summary),
        tiles=_tiles(found),
        summary=_summary(summary, history),
        errors=_errors_by_split(found),
        parity=embedded(parity(found, summary.references.values)),
        distributions=embedded(distributions(found)),
        learning=embedded(learning_curve(history)),
        by_config_type=_grouped(found, "by_config_type", "kind"),
        by_element=_by_element(found),
        worst=_worst(found),
        config=_text(dump_settings(config)),
        environment=_definitions(_environment(summary)),
    )
    path.write_text(page, encoding="utf-8")


def _subtitle(summary: Summary) -> str:
    today = datetime.date.today().isoformat()
    return _text(f"{summary.model} · {summary.parameters:,} parameters · trained {today}")


def _tiles(found: Mapping[str, Errors]) -> str:
    """The headline: errors on the data that were held out best."""
    split = next(name for name in ("test", "valid", "train") if name in found)
    tiles = [
        f'<div class="tile"><div class="name">{name.capitalize()} MAE, {_SPLITS[split]} set</div>'
        f'<div class="value">{_figure(part.mae)} <span class="unit">{_unit(part.unit)}</span></div>'
        f'<div class="more">RMSE {_figure(part.rmse)}, largest {_figure(part.largest)}</div></div>'
        for name, part in found[split].overall.items()
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _summary(summary: Summary, history: Sequence[Row]) -> str:
    data = {_SPLITS[split].capitalize(): summary.counted(split) for split in summary.structures}
    data["Elements"] = ", ".join(summary.elements)
    data["Trained on"] = ", ".join(summary.trained_on)
    for z, energy in summary.references.values.items():
        data[f"Reference energy of {chemical_symbols[z]}"] = f"{energy:.5f} eV"
    data["Reference energies from"] = summary.references.source
    best = min(history, key=lambda row: row["valid_loss"])
    model = {
        "Model": summary.model,
        "Parameters": f"{summary.parameters:,}",
        "Cutoff": f"{summary.cutoff:g} Å, {summary.neighbours:.1f} neighbours on average",
        "Energy scale": f"{summary.scale:.4f} eV",
        "Precision": summary.dtype,
        "Device": summary.device + (f", {summary.ranks} ranks" if summary.ranks > 1 else ""),
        "Epochs": f"{history[-1]['epoch']:.0f}, best {best['epoch']:.0f}",
        "Time": _duration(history[-1]["seconds"]),
        "Seed": str(summary.seed),
    }
    return f"<dl>{_definitions(data)}</dl><dl>{_definitions(model)}</dl>"


def _errors_by_split(found: Mapping[str, Errors]) -> str:
    rows = []
    for name in _names(found):
        for split, judged in found.items():
            if name in judged.overall:
                part = judged.overall[name]
                figures = map(_figure, (part.mae, part.rmse, part.largest))
                row = [name.capitalize(), _SPLITS[split], *figures, _unit(part.unit)]
                rows.append([*row, f"{part.count:,}"])
    return _table(["property", "set", "MAE", "RMSE", "largest", "unit", "entries"], rows)


def _grouped(found: Mapping[str, Errors], attribute: str, title: str) -> str:
    """One table for each split: a row for each group, MAE and RMSE of each property."""
    tables = []
    for split, judged in reversed(list(found.items())):
        groups: Mapping[str, Mapping[str, ErrorStatistics]] = getattr(judged, attribute)
        names = [n for n in LABELS if any(n in part for part in groups.values())]
        rows = [[key, *_measures(part, names)] for key, part in groups.items()]
        if names:
            heading = f"<h3>{_SPLITS[split].capitalize()} set</h3>"
            over = [(name, _unit(PROPERTIES[name].error_unit)) for name in names]
            columns = [title, *(measure for _ in names for measure in ("MAE", "RMSE"))]
            tables.append(heading + _table(columns, rows, over))
    return "".join(tables) or '<p class="note">No labels to compare with.</p>'


def _by_element(found: Mapping[str, Errors]) -> str:
    elements = {symbol for judged in found.values() for symbol in judged.by_element}
    if len(elements) == 1:
        return f'<p class="note">All atoms are {elements.pop()}.</p>'
    return _grouped(found, "by_element", "element")


def _worst(found: Mapping[str, Errors]) -> str:
    """For each property the structures with the largest errors, over all splits."""
    tables = []
    for name in _names(found):
        candidates = [(f, s) for s, part in found.items() for f in part.worst(name, _WORST)]
        candidates.sort(key=lambda pair: -pair[0].rmse(name))
        rows = [
            [frame.source, split, frame.config_type, frame.composition, _figure(frame.rmse(name))]
            for frame, split in candidates[:_WORST]
        ]
        unit = _unit(PROPERTIES[name].error_unit)
        columns = ["structure", "set", "kind", "composition", f"error [{unit}]"]
        tables.append(f"<h3>{name.capitalize()}</h3>{_table(columns, rows)}")
    return "".join(tables)


def _names(found: Mapping[str, Errors]) -> list[str]:
    return [name for name in LABELS if any(name in part.overall for part in found.values())]


def _measures(part: Mapping[str, ErrorStatistics], names: Iterable[str]) -> list[str]:
    cells = []
    for name in names:
        found = part.get(name)
        cells += [_figure(found.mae), _figure(found.rmse)] if found else ["–", "–"]
    return cells


def _environment(summary: Summary) -> dict[str, str]:
    versions = {"Python": platform.python_version(), "System": platform.platform(terse=True)}
    for package in ("nearsight", *_PACKAGES):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            continue
    return {**versions, "Device": summary.device}


# ------------------------------------------------------------------------------------------- HTML


def _text(text: str) -> str:
    return html.escape(text)


def _table(columns: Cells, rows: Iterable[Cells], over: Sequence[tuple[str, str]] = ()) -> str:
    """A table; `over` names pairs of columns after the first, each with its unit."""
    spans = "".join(
        f'<th colspan="2" class="over">{_text(name)} [{_text(unit)}]</th>' for name, unit in over
    )
    above = f'<tr><th class="over"></th>{spans}</tr>' if over else ""
    head = "".join(f"<th{_align(c)}>{_text(c)}</th>" for c in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td{_align(c)}>{_text(cell)}</td>" for c, cell in zip(columns, row))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead>{above}<tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _figure(value: float) -> str:
    """Three digits that count, never an exponent people must decode."""
    if abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if abs(value) >= 1e-3 or value == 0.0 else f"{value:.1e}"


def _unit(unit: str) -> str:
    return unit.replace("^3", "³")


def _align(column: str) -> str:
    return ' class="text"' if column in ("set", "kind", "composition", "unit") else ""


def _definitions(entries: Mapping[str, str]) -> str:
    return "".join(f"<dt>{_text(k)}</dt><dd>{_text(v)}</dd>" for k, v in entries.items())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
