"""`mlip`: the verbs, and how a failure is told.

Files of verbs import what is heavy (torch, ASE) only when the verb runs: help must come at once.
"""

import atexit
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlip import __version__
from mlip.cli import console
from mlip.cli.active import active_app
from mlip.cli.convert import convert_app
from mlip.cli.data import data_app
from mlip.cli.doctor import doctor
from mlip.cli.evaluate import evaluate
from mlip.cli.info import info
from mlip.cli.md import md
from mlip.cli.schema import schema
from mlip.cli.show import show
from mlip.cli.train import train
from mlip.cli.uncertainty import uncertainty_app
from mlip.durable import NO_ROOM

app = typer.Typer(
    name="mlip",
    help="Machine-learned interatomic potentials from DFT data: train them, trust them, run them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> bool:
    if wanted:
        console.show(f"mlip (distribution nearsight) {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def version_or_verb(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Machine-learned interatomic potentials from DFT data: train them, trust them, run them."""


app.add_typer(data_app)
app.add_typer(convert_app)
app.add_typer(active_app)
app.add_typer(uncertainty_app)
for verb in (train, evaluate, show, doctor, md, schema, info):
    app.command()(verb)


def main() -> None:
    """Run the command line. What the user can mend is one message and exit status 1; what only we
    can mend keeps its traceback. Ctrl-C is exit status 130."""
    try:
        with console.plain_warnings():
            app()
    except (ValueError, OSError) as problem:
        console.error(_in_words(problem))
        sys.exit(1)
    finally:
        # pressed again, it would be a traceback of the interpreter, which is about to end
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _in_words(problem: ValueError | OSError) -> str:
    """The message; that of the operating system without its number."""
    if not isinstance(problem, OSError) or not problem.strerror:
        return str(problem)
    if isinstance(problem, FileExistsError) and Path(problem.filename or "").is_file():
        return f"{problem.filename} is a file; a folder is needed there"
    place = f"{problem.filename}: " if problem.filename is not None else ""
    remedy = "; free some first" if problem.errno in NO_ROOM else ""
    return f"{place}{problem.strerror[0].lower()}{problem.strerror[1:]}{remedy}"
