"""`mlip active`: what it writes, shows and refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import EXAMPLE
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome
from mlip.active_learning.store import Store, Structure
from mlip.cli.main import app


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["active", *words], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_init_writes_the_commented_config_once(tmp_path: Path) -> None:
    assert "campaign.yaml is written" in run("init", str(tmp_path / "new")).replace("\n", "")
    path = tmp_path / "new" / "campaign.yaml"
    assert path.read_text(encoding="utf-8") == EXAMPLE
    with pytest.raises(ValueError, match="is there already"):
        run("init", str(tmp_path / "new"))


def test_status_shows_labels_errors_and_failures(tmp_path: Path) -> None:
    store = Store(CampaignFolder(tmp_path).store)
    store.add([Structure("a", "", {}), Structure("b", "", {})], iteration=0)
    fingerprint = Fingerprint(code="Toy", version="7", dft=False, settings={})
    good = Attempt(folder="attempt-1", fingerprint=fingerprint, results={}, seconds=3600.0)
    store.settle("a", LabelOutcome(attempts=(good,)))
    store.set_failed("b", "no convergence\nand more")
    store.set_fact("step", "train")
    store.set_fact("judgement 0", {"force_rms": 0.25, "energy_rms": 0.0125, "scale": 1.75})
    store.close()
    shown = run("status", str(tmp_path))
    for fact in ("train", "Toy 7", "not DFT", "250.0", "12.5", "1.75", "1.00"):
        assert fact in shown, fact
    assert "no convergence" in shown
    assert "and more" not in shown


def test_a_folder_without_campaign_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no campaign has begun"):
        run("status", str(tmp_path))
    with pytest.raises(ValueError, match=r"campaign\.yaml"):
        run("run", str(tmp_path))
