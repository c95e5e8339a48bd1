"""Pages that are made from the code say all that the code has."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
from pages import ROOT
from toy import toy

from mlip.active_learning.config import CampaignConfig, LearningConfig, StopConfig
from mlip.active_learning.executors.local import LocalPool
from mlip.active_learning.executors.slurm import Slurm
from mlip.active_learning.explorers import MDExplorer, RattleExplorer
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.selection import SelectionConfig
from mlip.descriptors import DESCRIPTORS
from mlip.models import MODELS
from mlip.training import TrainingConfig
from mlip.validation.doctor import examine

PAGES = ("config", "campaign_config")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated pages."""
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        importlib.import_module("config_pages").write_config_pages(folder)
        importlib.import_module("command_pages").write_command_page(folder)
        benchmarks = importlib.import_module("benchmark_pages")
        benchmarks.write_benchmark_page(folder, ROOT / "examples" / "benchmarks")
    return folder


def test_every_field_is_described(made: Path) -> None:
    text = (made / "config.md").read_text(encoding="utf-8")
    for kind in (TrainingConfig, *(c.Config for c in (*MODELS.values(), *DESCRIPTORS.values()))):
        for name in kind.model_fields:
            assert f"\n**{name}** — " in text, name
    for name in (*MODELS, *DESCRIPTORS):
        assert f": {name}\n" in text, name


def test_every_field_of_a_campaign_is_described_once(made: Path) -> None:
    training, campaign = ((made / f"{page}.md").read_text("utf-8") for page in PAGES)
    for kind in (CampaignConfig, LearningConfig, CalculatorConfig, SelectionConfig, StopConfig,
                 LocalPool.Config, Slurm.Config, MDExplorer, RattleExplorer):  # fmt: skip
        for name in kind.model_fields:
            assert f"\n**{name}** — " in campaign, name
    for name in ("local", "slurm", "md", "rattle", "script"):
        assert f": {name}\n" in campaign, name
    assert "default `[{name: md}]`" in campaign
    assert sys.executable not in campaign
    targets = re.findall(r"^\((.*)\)=$", training + campaign, re.M)
    assert len(targets) == len(set(targets))


def test_types_and_defaults_are_words(made: Path) -> None:
    text = "".join((made / f"{page}.md").read_text("utf-8") for page in PAGES)
    assert "**epochs** — whole number ≥ 1; default `200`" in text
    assert "**dtype** — `float32` or `float64`; default `float32`" in text
    for noise in ("typing.", "Annotated", "NoneType", "FieldInfo", "— value", "PydanticUndefined"):
        assert noise not in text


def test_links_inside_the_page_lead_somewhere(made: Path) -> None:
    text = "".join((made / f"{page}.md").read_text("utf-8") for page in PAGES)
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert f"({target})=" in text, target


def test_every_command_is_described(made: Path) -> None:
    text = (made / "commands.md").read_text(encoding="utf-8")
    for verb in ("data check", "data split", "data convert", "train", "evaluate", "show", "md"):
        assert f"\n## mlip {verb}\n" in text
    assert "╭" not in text


def test_results_of_sets_are_shown(made: Path) -> None:
    text = (made / "benchmarks.md").read_text(encoding="utf-8")
    for path in (ROOT / "examples" / "benchmarks").glob("*/results.json"):
        assert f"## {path.parent.name}\n" in text
        errors = json.loads(path.read_text())["errors"]
        split = "test" if "test" in errors else "valid"  # 3BPA's are not in a file of the set
        assert f"| {split} | forces | {errors[split]['forces']['mae']:.2f} | " in text


def test_every_check_of_the_doctor_is_described() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8").replace("\n", " ")
    for check in examine(toy()):
        assert check.name in text, check.name
