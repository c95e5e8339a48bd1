"""What a person sees: tables, progress bars and errors. The only file that imports rich.

Results go to standard output, everything else (progress, remarks, errors) to standard error, so
that output can be piped.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Item = TypeVar("Item")

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def show(text: str = "") -> None:
    """A line of result on standard output, as it is."""
    _out.print(escape(text))


def remark(text: str) -> None:
    """A line for the person watching, on standard error."""
    _err.print(escape(text), style="dim")


def aside(text: str) -> None:
    """A line of a running account, on standard error, as it is."""
    _err.print(escape(text))


def warn(text: str) -> None:
    """Something the user should act on, on standard error."""
    _err.print(f"[bold yellow]warning:[/] {escape(text)}")


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Python's warnings as `warn` shows them, without the line of code that they come from."""
    with warnings.catch_warnings():
        warnings.showwarning = _in_words  # type: ignore[assignment]  # it needs no more
        yield


def _in_words(message: Warning | str, *_: object) -> None:
    warn(str(message))


def error(text: str) -> None:
    """Why the command ended, on standard error."""
    _err.print(f"[bold red]error:[/] {escape(text)}")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard output; the first column is text, the others are right-aligned. Cells
    are shown by `str`; units belong into the column names."""
    drawn = Table(title=escape(title), title_justify="left", title_style="bold",
                  box=SIMPLE_HEAD, show_edge=False, pad_edge=False)  # fmt: skip
    for number, column in enumerate(columns):
        first = number == 0
        drawn.add_column(
            escape(column),
            justify="left" if first else "right",
            vertical="bottom",
            overflow="fold",
            no_wrap=not first,  # where it is narrow, names break before figures do
        )
    for row in rows:
        drawn.add_row(*(escape(str(cell)) for cell in row))
    _out.print(drawn)


def details(title: str, entries: Iterable[tuple[str, object]], *, aside: bool = False) -> None:
    """Names and values, one a line; `aside` from results, on standard error."""
    drawn = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in entries:
        drawn.add_row(escape(name), escape(str(value)))
    console = _err if aside else _out
    console.print(f"[bold]{escape(title)}[/]")
    console.print(drawn)
    console.print()


_VERDICTS = {"pass": "green", "warn": "bold yellow", "fail": "bold red", "skip": "dim"}


def findings(title: str, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Name, verdict (pass, warn, fail or skip), figure, and below it what it means; on standard
    output."""
    width = max((len(name) for name, *_ in rows), default=0)
    _out.print(f"[bold]{escape(title)}[/]")
    for name, verdict, figure, meaning in rows:
        _out.print(f"[{_VERDICTS[verdict]}]{verdict}[/]  {escape(f'{name:<{width}}  {figure}')}")
        _out.print(Padding(escape(meaning), (0, 0, 0, 6)), style="dim", soft_wrap=False)
    _out.print()


class Bar:
    """A running progress bar: `step` it, and `say` what the last figure was."""

    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(escape(title), total=total, said="")

    def step(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)

    def begin(self, title: str, total: int, done: int) -> None:
        """Start again, for the next part of the work."""
        self._progress.reset(self._task, total=total, completed=done, description=escape(title),
                             said="", visible=True)  # fmt: skip

    def move(self, title: str, done: int) -> None:
        """So much is done now."""
        self._progress.update(self._task, completed=done, description=escape(title))

    def hide(self) -> None:
        """Until the next `begin`."""
        self._progress.update(self._task, visible=False)

    def say(self, text: str) -> None:
        self._progress.update(self._task, said=escape(text))


@contextmanager
def progress_bar(title: str, total: int, memory: float = 30.0) -> Iterator[Bar]:
    """A progress bar on standard error for as long as the block runs.

    Parameters
    ----------
    memory : seconds over which the time left is estimated
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=_err, transient=True, speed_estimate_period=memory) as progress:
        yield Bar(progress, title, total)


def track(items: Sequence[Item], title: str) -> Iterator[Item]:
    """Go through items under a progress bar."""
    with progress_bar(title, len(items)) as bar:
        for item in items:
            yield item
            bar.step()
