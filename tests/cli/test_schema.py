import json

import yaml
from typer.testing import CliRunner

from mlip.active_learning.config import EXAMPLE, CampaignConfig
from mlip.cli.main import app
from mlip.data.splits import PARTS
from mlip.settings import parse_settings
from mlip.training import TrainingConfig


def test_the_schema_is_json_that_names_all_parts() -> None:
    result = CliRunner().invoke(app, ["schema"])
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert {"data", "model", "loss", "epochs"} <= set(schema["properties"])
    assert "soap" in result.stdout


def test_the_schema_of_a_campaign_names_all_parts() -> None:
    result = CliRunner().invoke(app, ["schema", "--campaign"])
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert set(schema["properties"]) == set(CampaignConfig.model_fields)
    fields = schema["$defs"]["SelectionConfig"]["properties"]
    assert "eV/Å" in fields["uncertain_above"]["description"]
    result = CliRunner().invoke(app, ["schema", "--campaign", "--example"])
    assert result.stdout.rstrip() == EXAMPLE.rstrip()


def test_the_example_can_be_trained() -> None:
    result = CliRunner().invoke(app, ["schema", "--example"])
    assert result.exit_code == 0
    config = parse_settings(TrainingConfig, yaml.safe_load(result.stdout))
    assert config.model.repulsion is not None
    parts = {part: f"split/{part}.extxyz" for part in PARTS}  # as `mlip data split` names them
    assert {part: getattr(config.data, part) for part in parts} == {
        p: (f,) for p, f in parts.items()
    }
    assert len(result.stdout.splitlines()) < 40
