"""Configs that are shown can be used."""

from typing import Any

import pytest
import yaml
from pages import ROOT, Block, blocks, names

from mlip.active_learning.config import EXAMPLE as CAMPAIGN
from mlip.active_learning.config import CampaignConfig
from mlip.settings import load_settings, parse_settings
from mlip.training.config import EXAMPLE, TrainingConfig

SHOWN = blocks("yaml")
FILES = sorted((ROOT / "examples").rglob("*.yaml"))


def completed(part: dict[str, Any]) -> dict[str, Any]:
    """A whole config from what a page shows of it: some of its fields, or a descriptor."""
    whole = yaml.safe_load(EXAMPLE)
    if "descriptor" in part:
        return whole | {"model": whole["model"] | part}
    return whole | part


@pytest.mark.parametrize("block", SHOWN, ids=names(SHOWN))
def test_a_shown_config_is_valid(block: Block) -> None:
    part = yaml.safe_load(block.text)
    if block.name.startswith("active_learning.md"):
        parse_settings(CampaignConfig, yaml.safe_load(CAMPAIGN) | part, block.name)
    else:
        parse_settings(TrainingConfig, completed(part), block.name)


def test_the_example_of_a_campaign_is_valid() -> None:
    parse_settings(CampaignConfig, yaml.safe_load(CAMPAIGN), "example")


def test_pages_show_configs() -> None:
    assert len(SHOWN) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_example_file_is_valid_and_short(path: Any) -> None:
    load_settings(CampaignConfig if path.name == "campaign.yaml" else TrainingConfig, path)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.splitlines()) < 40
