"""`mlip show`: what is known of a model."""

from pathlib import Path
from typing import Annotated

import typer

from mlip.cli import console


def show(
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Show the card of a model: what it is, what it was trained on, how well it did."""
    from mlip.cli.card_report import show_card
    from mlip.models import read_card

    card = read_card(model)
    if as_json:
        console.show(card.model_dump_json(indent=2))
    else:
        show_card(card)
