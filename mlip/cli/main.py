"""`mlip`: the verbs, and how a failure is told."""

import sys

import typer

from mlip.cli import console
from mlip.cli.data import data_app
from mlip.cli.doctor import doctor
from mlip.cli.evaluate import evaluate
from mlip.cli.md import md
from mlip.cli.schema import schema
from mlip.cli.show import show
from mlip.cli.train import train

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


app.add_typer(data_app)
for verb in (train, evaluate, show, doctor, md, schema):
    app.command()(verb)


def main() -> None:
    """Run the command line. What the user can mend is one message and exit status 1; what only we
    can mend keeps its traceback."""
    try:
        app()
    except (ValueError, OSError) as problem:
        console.error(str(problem))
        sys.exit(1)
