"""Configs that are shown can be used."""

from typing import Any

import pytest
import yaml
from pages import ROOT, Block, blocks, names

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
    parse_settings(TrainingConfig, completed(yaml.safe_load(block.text)), block.name)


def test_pages_show_configs() -> None:
    assert len(SHOWN) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_example_file_is_valid_and_short(path: Any) -> None:
    load_settings(TrainingConfig, path)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.splitlines()) < 40
