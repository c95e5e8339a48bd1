"""`mlip`: the verbs, and how a failure is told.

Files of verbs import what is heavy (torch, ASE) only when the verb runs: help must come at once.
"""

import sys
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
    can mend keeps its traceback."""
    with console.plain_warnings():
        try:
            app()
        except (ValueError, OSError) as problem:
            console.error(_in_words(problem))
            sys.exit(1)


def _in_words(problem: ValueError | OSError) -> str:
    """The message; that of the operating system without its number."""
    if isinstance(problem, OSError) and problem.filename is not None and problem.strerror:
        return f"{problem.filename}: {problem.strerror[0].lower()}{problem.strerror[1:]}"
    return str(problem)
