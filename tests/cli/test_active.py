"""`mlip active`: what it writes, shows and refuses."""

import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import EXAMPLE
from mlip.active_learning.driver_lock import driver_lock
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome
from mlip.active_learning.store import Store, Structure
from mlip.cli.main import app

#: A campaign of two iterations, by the first version.
FIRST = Path(__file__).parents[1] / "files" / "campaign_store_v1.db"


def run(*words: str, columns: str = "200") -> str:
    result = CliRunner().invoke(app, ["active", *words], env={"COLUMNS": columns})
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
    assert f"mlip active run {tmp_path} --retry-failed" in shown


def campaign_of(folder: Path, n_iterations: int = 3) -> Store:
    """A store of a campaign of which the last iteration has begun: two labels are done, one failed,
    one runs and one waits."""
    store = Store(CampaignFolder(folder).store)
    for iteration in range(n_iterations):
        keys = [f"{iteration}{letter}" for letter in "abcde"]
        store.add([Structure(key, "", {}) for key in keys], iteration)
        for key in keys[:2]:
            store.settle(key, outcome())
        store.set_failed(keys[2], "no convergence")
        store.set_running(keys[3])
    for iteration in range(1, n_iterations - 1):
        errors = {"force_rms": 1.23456, "energy_rms": 0.98765, "scale": 12.346, "correlation": 0.5,
                  "within": None, "keys": [], "found": []}  # fmt: skip
        store.set_fact(f"judgement {iteration}", errors)
        store.set_fact(f"after {iteration}", errors)
    store.set_fact("iteration", n_iterations - 1)
    store.set_fact("step", "label")
    return store


def outcome() -> LabelOutcome:
    fingerprint = Fingerprint(code="Toy", version="7", dft=True, settings={})
    attempt = Attempt(folder="attempt-1", fingerprint=fingerprint, results={}, seconds=1800.0)
    return LabelOutcome(attempts=(attempt,))


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_table_has_80_columns_and_whole_headers(tmp_path: Path, columns: str) -> None:
    campaign_of(tmp_path, n_iterations=12).close()
    lines = run("status", str(tmp_path), columns=columns).splitlines()
    above = lines.index("                       labels  forces [meV/Å] energy [meV/atom] calibr.")
    header, *rows = lines[above + 1 : above + 14]
    assert header.split() == ["iteration", "done", "failed", "waiting", "before", "after", "before",
                              "after", "factor", "time", "[h]"]  # fmt: skip
    assert max(map(len, [lines[above], header, *rows])) <= 80
    assert rows[0].split() == ["0", "2", "1", "2", "1.00"]
    assert rows[10].split() == ["10", "2", "1", "2", "1234.6", "1234.6", "987.6", "987.6", "12.35",
                                "1.00"]  # fmt: skip
    for row in rows[1:11]:  # figures end below the ends of their headers
        assert row.index("1234.6") == header.index("before")
        assert row.rindex("12.35") + 5 == header.index("factor") + 6


def test_an_unfinished_campaign_says_what_goes_on_and_what_to_do(tmp_path: Path) -> None:
    """Half an hour each; of the two that are left one runs."""
    campaign_of(tmp_path).close()
    shown = run("status", str(tmp_path))
    assert "6 labels, 3 failed in 3 h 0 min, 30 min 0 s each" in shown
    assert (
        "iteration 2: labels are computed, 3 of 5 are finished, 1 running; about 1 h 0 min more"
    ) in shown
    assert f"nobody is at work: continue with mlip active run {tmp_path}" in shown


def test_a_driver_at_work_is_told(tmp_path: Path) -> None:
    campaign_of(tmp_path).close()
    with driver_lock(tmp_path):
        shown = run("status", str(tmp_path))
    assert f"at work: process {os.getpid()} on " in shown
    assert "nobody is at work" not in shown


@pytest.mark.parametrize("command", ["status", "report"])
def test_looking_leaves_a_store_of_an_older_version_to_its_driver(
    command: str, tmp_path: Path
) -> None:
    store = CampaignFolder(tmp_path).store
    shutil.copy(FIRST, store)
    with driver_lock(tmp_path):
        run(command, str(tmp_path))
    assert store.read_bytes() == FIRST.read_bytes()


def test_before_the_first_label_there_is_nothing_to_estimate(tmp_path: Path) -> None:
    store = Store(CampaignFolder(tmp_path).store)
    store.add([Structure("a", "", {})], 0)
    store.set_fact("step", "label")
    store.close()
    shown = run("status", str(tmp_path))
    assert "iteration 0: labels are computed, 0 of 1 are finished, 0 running\n" in shown
    assert "each" not in shown


def test_report_says_where_it_is(tmp_path: Path) -> None:
    campaign_of(tmp_path).close()
    assert f"report {tmp_path / 'report.html'}" in run("report", str(tmp_path))
    assert "not finished: iteration 2, label" in (tmp_path / "report.html").read_text("utf-8")


def test_a_folder_without_campaign_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no campaign has begun"):
        run("status", str(tmp_path))
    with pytest.raises(ValueError, match="no campaign has begun"):
        run("report", str(tmp_path))
    with pytest.raises(ValueError, match=r"campaign\.yaml"):
        run("run", str(tmp_path))


def test_the_config_in_place_of_its_folder_is_told(tmp_path: Path) -> None:
    run("init", str(tmp_path / "cu"))
    for verb in ("init", "run", "status", "report", "stop"):
        with pytest.raises(ValueError, match=f"give the folder of the campaign: {tmp_path}/cu$"):
            run(verb, str(tmp_path / "cu" / "campaign.yaml"))


def test_an_interrupted_campaign_says_how_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "campaign.yaml").write_text(EXAMPLE, encoding="utf-8")
    stop = Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr("mlip.active_learning.campaign.Campaign.run", stop)
    result = CliRunner().invoke(app, ["active", "run", str(tmp_path)])
    assert result.exit_code == 130
    assert f"interrupted; mlip active run {tmp_path} goes on" in result.output.replace("\n", "")
