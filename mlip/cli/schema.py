"""`mlip schema`: what can be written into a training config."""

import json
from typing import Annotated

import typer

from mlip.cli import console


def schema(
    example: Annotated[
        bool, typer.Option("--example", help="Print a short config to start from instead.")
    ] = False,
) -> None:
    """Print the JSON schema of training configs, or an example.

    Editors that know JSON schema then complete and check a config while it is written.
    """
    from mlip.training.config import EXAMPLE, TrainingConfig

    if example:
        console.show(EXAMPLE.rstrip())
        return
    console.show(json.dumps(TrainingConfig.model_json_schema(), indent=2, ensure_ascii=False))
