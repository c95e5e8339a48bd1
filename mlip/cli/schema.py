"""`mlip schema`: what can be written into a config."""

import json
from typing import Annotated

import typer

from mlip.cli import console


def schema(
    campaign: Annotated[
        bool, typer.Option("--campaign", help="Of a campaign of active learning, not a training.")
    ] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print a short config to start from instead.")
    ] = False,
) -> None:
    """Print the JSON schema of training configs, or an example.

    Editors that know JSON schema then complete and check a config while it is written.
    """
    from mlip.active_learning.config import EXAMPLE as CAMPAIGN_EXAMPLE
    from mlip.active_learning.config import CampaignConfig
    from mlip.training.config import EXAMPLE, TrainingConfig

    if example:
        console.show((CAMPAIGN_EXAMPLE if campaign else EXAMPLE).rstrip())
        return
    kind = CampaignConfig if campaign else TrainingConfig
    console.show(json.dumps(kind.model_json_schema(), indent=2, ensure_ascii=False))
