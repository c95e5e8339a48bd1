"""`mlip`: the verbs, and how a failure is told."""

import sys

import typer

from mlip.cli import console

app = typer.Typer(
    name="mlip",
    help="Machine-learned interatomic potentials from DFT data: train them, trust them, run them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def version_or_verb() -> None:
    """Machine-learned interatomic potentials from DFT data: train them, trust them, run them."""


def main() -> None:
    """Run the command line. What the user can mend is one message and exit status 1; what only we
    can mend keeps its traceback."""
    try:
        app()
    except (ValueError, OSError) as problem:
        console.error(str(problem))
        sys.exit(1)
