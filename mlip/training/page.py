"""The look of every report: one HTML page that needs nothing beside it."""

import datetime
import html
import platform
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import metadata, resources

_PACKAGES = ("nearsight", "torch", "numpy", "ase", "pydantic", "matplotlib")


class Html(str):
    """Text that is HTML already and is shown as such; all other text is escaped."""

    __slots__ = ()


def page(title: str, subtitle: str, body: str) -> str:
    """The whole page; `body` is HTML."""
    template = resources.files("mlip.training").joinpath("page_template.html")
    return string.Template(template.read_text(encoding="utf-8")).substitute(
        title=text(title), subtitle=text(subtitle), body=body
    )


def text(content: str) -> Html:
    """Text as HTML."""
    return content if isinstance(content, Html) else Html(html.escape(content))


def link(target: str, shown: str) -> Html:
    """A link, relative to where the page lies."""
    return Html(f'<a href="{html.escape(target)}">{html.escape(shown)}</a>')


def note(content: str) -> Html:
    """A remark below something, or in place of what is not there."""
    return Html(f'<p class="note">{text(content)}</p>')


def heading(content: str) -> Html:
    """Of a part of a section."""
    return Html(f"<h3>{text(content)}</h3>")


def tile(name: str, value: str, unit: str, more: str) -> Html:
    """One figure of the headline."""
    return Html(
        f'<div class="tile"><div class="name">{text(name)}</div><div class="value">{text(value)} '
        f'<span class="unit">{text(unit)}</span></div><div class="more">{text(more)}</div></div>'
    )


def tiles(found: Iterable[Html]) -> Html:
    """The headline."""
    return Html(f'<div class="tiles">{"".join(found)}</div>')


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: Collection[str] = (),
    over: Sequence[tuple[str, str]] = (),
) -> Html:
    """A table of figures.

    Parameters
    ----------
    words : columns besides the first that hold text
    over : names of pairs of columns after the first, each with its unit if it has one
    """
    align = [' class="text"' if column in words else "" for column in columns]
    names = [f"{name} [{unit}]" if unit else name for name, unit in over]
    spans = "".join(f'<th colspan="2" class="over">{text(name)}</th>' for name in names)
    above = f'<tr><th class="over"></th>{spans}</tr>' if over else ""
    head = "".join(f"<th{a}>{text(column)}</th>" for column, a in zip(columns, align))
    body = "".join(
        "<tr>" + "".join(f"<td{a}>{text(cell)}</td>" for cell, a in zip(row, align)) + "</tr>"
        for row in rows
    )
    return Html(f"<table><thead>{above}<tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def picture(address: str, what: str, caption: str) -> Html:
    """A figure with what is seen on it."""
    return Html(
        f'<figure><img alt="{text(what)}" src="{address}"><figcaption>{text(caption)}</figcaption>'
        "</figure>"
    )


def preformatted(content: str) -> Html:
    """Text as it is."""
    return Html(f"<pre>{text(content)}</pre>")


def definitions(entries: Mapping[str, str]) -> Html:
    """Names and what they stand for."""
    lines = (f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in entries.items())
    return Html(f"<dl>{''.join(lines)}</dl>")


def figure(value: float) -> str:
    """Three digits that count, never an exponent people must decode."""
    if abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if abs(value) >= 1e-3 or value == 0.0 else f"{value:.1e}"


def printed_unit(name: str) -> str:
    """A unit as it is printed."""
    return name.replace("^3", "³")


def duration(seconds: float) -> str:
    """A time in the units that matter."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def today() -> str:
    """The date."""
    return datetime.date.today().isoformat()


def environment() -> dict[str, str]:
    """Versions of what a report was made with."""
    versions = {"Python": platform.python_version(), "System": platform.platform(terse=True)}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            continue
    return versions
