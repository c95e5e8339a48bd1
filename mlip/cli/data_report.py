"""The report of `mlip data check` as tables that fit on a screen of 80 columns."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from mlip.cli import console
from mlip.data import LabelKeys, check_frames, read_frames
from mlip.data.checks.report import DataReport, Finding, GroupSummary, Range, counted
from mlip.units import convert

_WIDTH = 80
_ROWS = 20  # groups shown one by one
_NAME = 16  # letters of a kind of structure
_SOURCES = 4  # frames named for a finding


def report_on(files: Sequence[Path], keys: LabelKeys, as_json: bool) -> DataReport:
    """Check the structures of some files and print what was found."""
    frames = read_frames(files, keys)
    with console.progress_bar("looking at neighbours", len(frames)) as bar:
        report = check_frames(frames, progress=lambda _done, _total: bar.step())
    if as_json:
        content = {"labels_found": frames.labels_found.to_dict(), **report.to_dict()}
        console.show(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        console.show(str(frames.labels_found))
        _show(report)
    return report


def _show(report: DataReport) -> None:
    console.show()
    for line in _overview(report):
        for part in _wrapped(line):
            console.show(part)
    console.show()
    _show_groups(report.groups)
    console.show()
    _show_elements(report)
    for finding in report.findings:
        console.show()
        for line in _finding_lines(finding):
            console.show(line)
    console.show()
    console.show(_verdict(report))


def _overview(report: DataReport) -> list[str]:
    sizes = _whole(report.sizes).replace("…", " to ")
    pbc = ", ".join(f"{kind} {count}" for kind, count in report.pbc.items())
    lines = [
        f"{counted(report.n_structures)} of {sizes} atoms, {report.n_atoms} atoms in all",
        f"periodic: {pbc}",
    ]
    if report.references is not None:
        references = report.references
        note = "" if references.unique else ", not unique"
        lines.append(f"reference energies: {references.source}{note}; {references.remainder()}")
    for name, found in report.consistency.items():
        lines.append(
            f"energy against {name}: slope {found.slope:.2f} (1 is right), correlation "
            f"{found.correlation:.3f}, over {found.n_pairs} similar pairs"
        )
    lines.append(f"fingerprint: {report.fingerprint[:16]}")
    return lines


def _show_groups(groups: Sequence[GroupSummary]) -> None:
    shown = groups if len(groups) <= _ROWS else groups[: _ROWS - 1]
    rows: list[tuple[object, ...]] = [
        (
            _short(group.config_type),
            group.n_structures,
            _whole(group.atoms),
            _number(None if group.energy is None else group.energy.low, 3),
            _number(None if group.energy is None else group.energy.high - group.energy.low, 3),
            _number(group.force_rms, 2),
            _number(group.force_max, 2),
            _interval(_in_gpa(group.pressure), 1),
        )
        for group in shown
    ]
    if rest := groups[len(shown) :]:
        count = sum(group.n_structures for group in rest)
        rows.append((f"{len(rest)} others", count, *[""] * 6))
    columns = (
        "config_type",
        "\nstruc-\ntures",
        "atoms",
        "energy\nlowest\neV/atom",
        "energy\nspan\neV/atom",
        "force\nrms\neV/Å",
        "force\nmax\neV/Å",
        "pressure\n\nGPa",
    )
    _show_table("By kind of structure", columns, rows)


def _show_elements(report: DataReport) -> None:
    rows = [
        (
            element.symbol,
            element.n_atoms,
            element.n_structures,
            _number(element.force_rms, 2),
            _number(element.force_max, 2),
            _number(element.nearest, 2),
            _number(element.reference_energy, 4),
        )
        for element in report.elements
    ]
    columns = (
        "element",
        "atoms",
        "structures",
        "force\nrms\neV/Å",
        "force\nmax\neV/Å",
        "nearest\n\nÅ",
        "reference\nenergy\neV",
    )
    _show_table("By element", columns, rows)


def _show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table without the columns in which nothing stands."""
    used = [i for i in range(len(columns)) if any(row[i] not in ("-", "") for row in rows)]
    console.table(title, [columns[i] for i in used], [[row[i] for i in used] for row in rows])


def _finding_lines(finding: Finding) -> list[str]:
    lines = [f"{finding.severity}: {finding.what}"]
    if finding.where:
        named = ", ".join(finding.where[:_SOURCES])
        more = len(finding.where) - _SOURCES
        lines.append(f"  where: {named}{f' and {more} more' if more > 0 else ''}")
    lines.append(f"  to do: {finding.advice}")
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent="         ", break_on_hyphens=False)


def _verdict(report: DataReport) -> str:
    counts = {
        severity: sum(finding.severity == severity for finding in report.findings)
        for severity in ("error", "warning")
    }
    if not any(counts.values()):
        return "Nothing wrong was found."
    return ", ".join(counted(count, severity) for severity, count in counts.items() if count)


def _in_gpa(pressure: Range | None) -> Range | None:
    if pressure is None:
        return None
    low, high = (convert(value, "eV/Å^3", "GPa") for value in (pressure.low, pressure.high))
    return Range(low, high)


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _interval(values: Range | None, decimals: int) -> str:
    if values is None:
        return "-"
    low, high = f"{values.low:.{decimals}f}", f"{values.high:.{decimals}f}"
    return low if low == high else f"{low}…{high}"


def _whole(values: Range) -> str:
    low, high = int(values.low), int(values.high)
    return str(low) if low == high else f"{low}…{high}"


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
