"""The report of a campaign shows what the store holds, at whatever point the campaign is."""

import dataclasses
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from small_campaign import write_campaign

from mlip.active_learning.feature_map import mean_features
from mlip.active_learning.frames import atoms_of, labelled_frames, queued_structure
from mlip.active_learning.report.data import MOST_CANDIDATES, CampaignReport, campaign_report
from mlip.active_learning.report.figures import calibration, errors_by_labels, plane
from mlip.active_learning.report.page import report_page, write_campaign_report
from mlip.active_learning.status import NoCampaignError
from mlip.active_learning.store import Considered, Store
from mlip.active_learning.uncertainty import ModelUncertainty
from mlip.graph import AtomicGraph
from mlip.models import evaluate, load_model
from mlip.training.page import figure

FIRST = Path(__file__).parents[1] / "files" / "campaign_store_v1.db"


@pytest.fixture(scope="module")
def report(finished: Path) -> CampaignReport:
    return campaign_report(finished)


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def shown(folder: Path) -> str:
    """What a reader sees, without pictures."""
    page = write_campaign_report(folder).read_text(encoding="utf-8")
    return re.sub(r"data:image/png;base64,[^\"]+", "PICTURE", page)


# ------------------------------------------------------------------------------------- what it says


def test_every_label_is_there_with_what_was_predicted_and_found(
    report: CampaignReport, finished: Path
) -> None:
    store = Store(finished / "campaign.db")
    labels, judged = store.labels(), store.fact("judgement 1")
    assert [(one.key, one.iteration) for one in report.labels] == [
        (label.key, label.iteration) for label in labels
    ]
    assert [one.explorer for one in report.labels[:5]] == ["given"] + ["rattle"] * 4
    for one, label, found in zip(report.labels[5:], labels[5:], judged["found"], strict=True):
        origin = label.structure.origin
        assert (one.explorer, one.frame, one.start) == (
            origin["explorer"], origin["frame"], str(origin["from"]),
        )  # fmt: skip
        assert one.folder == Path("labels") / one.key
        assert one.conditions == ("300 K" if one.explorer == "md" else "")
        assert (one.predicted, one.found, one.chosen) == (origin["uncertainty"], found, "farthest")
        assert one.seconds == label.seconds
    assert report.compared == list(report.labels[5:])
    assert report.failures == []


def test_predictions_are_those_of_the_judgement_times_the_factor_then(finished: Path) -> None:
    """What a structure was chosen for, and what its label was compared with, is one number; the
    forces of a batch differ in their last bits from those of one structure, in single precision."""
    judged = Store(finished / "campaign.db").fact("judgement 1")
    expected = [judged["used_scale"] * one for one in judged["predicted"]]
    found = [one.predicted for one in campaign_report(finished).compared]
    assert found == pytest.approx(expected, rel=1e-5)


def test_atoms_within_what_was_predicted_are_counted_by_the_model_of_before(finished: Path) -> None:
    store = Store(finished / "campaign.db")
    frames = labelled_frames(store.labels(iteration=1), store.fingerprints())
    model = load_model(finished / "iterations/000/model.safetensors")
    results = evaluate(model, [AtomicGraph.from_atoms(frame.atoms) for frame in frames])
    found = [
        np.linalg.norm(result["forces"] - frame.labels["forces"], axis=1)
        for result, frame in zip(results, frames)
    ]
    scale = store.fact("validation 0")["scale"]
    measured = ModelUncertainty(model).of([frame.atoms for frame in frames])
    sigma = scale * np.concatenate([one["forces"] for one in measured])
    within = [float(np.mean(np.concatenate(found) <= many * sigma)) for many in (1.0, 2.0)]
    assert store.fact("judgement 1")["within"] == within


def test_choices_members_settings_and_aim_are_those_of_the_campaign(
    report: CampaignReport, finished: Path
) -> None:
    first, last = report.choices
    assert dict(first.counts) == {"chosen": 2, "spare": 3}
    assert dict(last.counts) == {}
    for number, paths in report.members.items():
        assert [path.as_posix() for path in paths] == [
            f"iterations/{number:03d}/member-{member}/report.html" for member in (0, 1)
        ]
        assert all((finished / path).exists() for path in paths)
    assert [found.code for found in report.fingerprints] == ["Springs"]
    assert report.config == (finished / "campaign.yaml").read_text(encoding="utf-8")
    assert report.aim == 1e-6


def test_the_map_has_every_structure_once(report: CampaignReport, finished: Path) -> None:
    found = report.plane
    assert found is not None
    assert (found.model, found.n_left) == (1, 3)
    assert found.iterations.tolist() == [0] * 5 + [1] * 2
    assert (found.labelled.shape, found.left.shape) == ((7, 2), (3, 2))
    assert 0.5 < found.shares.sum() <= 1.0 + 1e-12
    labels = Store(finished / "campaign.db").labels()
    model = load_model(finished / "iterations/001/model.safetensors")
    features = mean_features(model, [atoms_of(label.structure) for label in labels])
    between = np.linalg.norm(features[:, None] - features, axis=-1)
    flat = np.linalg.norm(found.labelled[:, None] - found.labelled, axis=-1)
    assert (flat <= between + 1e-9).all()
    assert flat.sum() > found.shares.sum() * between.sum() / 2.0


def test_candidates_of_the_map_are_thinned_evenly(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_CANDIDATES > 1000
    monkeypatch.setattr("mlip.active_learning.report.data.MOST_CANDIDATES", 2)
    found = campaign_report(copy).plane
    assert found is not None
    assert (len(found.left), found.n_left) == (2, 3)
    assert "Of candidates, 2 are drawn" in shown(copy)


# ---------------------------------------------------------------------------------- what is drawn


def test_errors_are_drawn_over_the_labels_learned_from(report: CampaignReport) -> None:
    forces, energies = errors_by_labels(report.status.iterations, report.aim).axes
    first, second = report.status.iterations
    assert second.before is not None
    for panel, name in ((forces, "force_rms"), (energies, "energy_rms")):
        before, after = panel.lines[:2]
        assert before.get_xydata().tolist() == [[5.0, 1e3 * second.before[name]]]
        assert after.get_xydata().tolist() == [
            [5.0, 1e3 * (first.after or {})[name]], [7.0, 1e3 * (second.after or {})[name]],
        ]  # fmt: skip
    assert len(energies.lines) == 2


def test_the_aim_is_drawn_where_errors_come_near(report: CampaignReport) -> None:
    near = 0.5 * (report.status.iterations[1].before or {})["force_rms"]
    for aim, n_lines in ((near, 3), (1e-6 * near, 2), (float("nan"), 2)):
        forces = errors_by_labels(report.status.iterations, aim).axes[0]
        assert len(forces.lines) == n_lines
    assert forces.lines[-1].get_label() == "after"


def test_calibration_is_drawn_as_it_is(report: CampaignReport) -> None:
    left, middle, right = calibration(report.compared, report.status.iterations).axes
    before = report.status.iterations[1].before or {}
    (points,) = [c for c in left.collections if len(c.get_offsets()) == 2]
    np.testing.assert_allclose(
        points.get_offsets(), [[1e3 * one.predicted, 1e3 * one.found] for one in report.compared]
    )
    drawn = [line.get_ydata()[0] for line in middle.lines]
    expected = [before["within"][0], 0.60837482, before["within"][1], 0.99261684]
    assert drawn == pytest.approx([100.0 * share for share in expected], abs=1e-5)
    assert [line.get_ydata()[0] for line in right.lines] == [
        before["scale"], before["correlation"], 1.0,
    ]  # fmt: skip


def test_failed_structures_are_crosses_on_the_map(report: CampaignReport) -> None:
    assert report.plane is not None
    failed = dataclasses.replace(report.plane, failed=[True] + [False] * 6)
    panel = plane(failed).axes[0]
    assert [len(c.get_offsets()) for c in panel.collections] == [6, 1]
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert labels == ["not chosen: 3", "asked for: 6", "failed: 1"]


# ---------------------------------------------------------------------------------------- the page


def test_the_page_holds_it_all_and_needs_nothing_else(
    report: CampaignReport, finished: Path
) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,iVBOR') == 3
    assert not re.search(r"(src|href)=\"(?!data:|labels/|iterations/)|https?://|url\(", page)
    assert str(finished.parent) not in page
    text = shown(finished)
    for path in re.findall(r'href="([^"]+)"', text):
        assert (finished / path).exists(), path
    for one in report.labels:
        assert f'<a href="labels/{one.key}">done</a>' in text
    for one in report.compared:
        assert f"<td>{figure(1e3 * one.predicted)}</td><td>{figure(1e3 * one.found)}</td>" in text
    for judged in (report.status.iterations[1].before, report.status.iterations[1].after):
        assert judged is not None
        assert f"<td>{figure(1e3 * judged['force_rms'])}</td>" in text
        assert f"<td>{figure(1e3 * judged['energy_rms'])}</td>" in text
    row = "<tr><td>0</td><td>5</td><td>2</td><td>3</td><td>0</td><td>0</td><td>0</td></tr>"
    assert row in text
    for fact in ("finished: 1 iterations are done", "No label failed.", "learning:",
                 "factory: analytic:Springs", str(report.fingerprints[0]), ">member-1</a>",
                 "60.8&nbsp;%"):  # fmt: skip
        assert fact in text, fact
    assert not re.search(r"\bnan\b|None", text)


def test_failures_are_told_with_their_reason(copy: Path) -> None:
    store = Store(copy / "campaign.db")
    last = store.labels()[-1]
    store.set_failed(last.key, "RuntimeError: <no> convergence\nin 100 steps")
    store.close()
    report = campaign_report(copy)
    assert [one.key for one in report.failures] == [last.key]
    assert report.plane is not None
    assert report.plane.failed == [False] * 6 + [True]
    text = shown(copy)
    assert "&lt;no&gt; convergence\nin 100 steps" in text
    assert "<no>" not in text
    assert "1 failed" in text


def test_structures_that_the_potential_does_not_know_are_not_on_the_map(copy: Path) -> None:
    store = Store(copy / "campaign.db")
    store.add([queued_structure(molecule("NH3"), {"explorer": "given", "from": 1})], 1)
    store.set_failed(store.labels("queued")[0].key, "no convergence")
    store.close()
    found = campaign_report(copy)
    assert found.plane is not None
    assert (found.plane.n_unknown, len(found.labels)) == (1, 8)
    assert len(found.plane.labelled) == len(found.plane.iterations) == len(found.plane.failed) == 7
    assert "Left out: 1 with elements that it does not know" in shown(copy)


def back_to_the_first_iteration(folder: Path) -> None:
    """The folder of a campaign that explores for the first time."""
    with sqlite3.connect(folder / "campaign.db") as base:
        for table in (
            "labels WHERE key IN (SELECT key FROM structures WHERE iteration = 1)",
            "structures WHERE iteration = 1",
            "models WHERE iteration = 1",
            "candidates",
            "facts WHERE name LIKE '% 1' OR name IN ('reason', 'ended by rule')",
        ):
            base.execute(f"DELETE FROM {table}")
    base.close()
    store = Store(folder / "campaign.db")
    store.set_fact("iteration", 0)
    store.set_fact("step", "explore")
    store.close()
    for path in (folder / "iterations/001", folder / "iterations/000/candidates"):
        shutil.rmtree(path)
    (folder / "report.html").unlink()


def test_one_iteration_that_is_not_finished(copy: Path) -> None:
    back_to_the_first_iteration(copy)
    report = campaign_report(copy)
    assert report.compared == []
    assert report.plane is not None
    assert (report.plane.n_left, report.plane.labelled.shape) == (0, (5, 2))
    text = shown(copy)
    assert text.count("PICTURE") == 2
    for fact in ("not finished: iteration 0, explore", "No prediction has been compared",
                 "No choice is on record."):  # fmt: skip
        assert fact in text, fact
    assert "Forces of new labels" not in text
    assert not re.search(r"\bnan\b|None", text)


def test_a_frame_that_had_its_label_has_no_folder(copy: Path) -> None:
    store = Store(copy / "campaign.db")
    atoms, first = molecule("OH"), store.labels()[0]
    store.add([queued_structure(atoms, {"explorer": "labelled", "from": "/data/old.xyz#3"})], 7)
    (own,) = store.labels("queued")
    store.adopt(own.key, first.results or {}, str(first.fingerprint))
    store.close()
    one = campaign_report(copy).labels[-1]
    assert (one.status, one.start, one.folder, np.isnan(one.seconds)) == (
        "done",
        "old.xyz#3",
        None,
        True,
    )
    text = shown(copy)
    assert '<td class="text">labelled</td><td>old.xyz#3</td>' in text
    assert own.key not in text


def test_before_the_first_label(tmp_path: Path) -> None:
    write_campaign(tmp_path)
    store = Store(tmp_path / "campaign.db")
    store.add([queued_structure(molecule("H2O"), {"explorer": "given", "from": 0})], 0)
    store.set_fact("step", "label")
    store.close()
    assert campaign_report(tmp_path).plane is None
    text = shown(tmp_path)
    assert "PICTURE" not in text
    for fact in ("not finished: iteration 0, label", "There is no potential yet.", ">queued</td>",
                 "1 waiting; none settled yet", "There are no labels yet."):  # fmt: skip
        assert fact in text, fact


def test_a_store_of_the_first_format_without_config(tmp_path: Path) -> None:
    shutil.copy(FIRST, tmp_path / "campaign.db")
    report = campaign_report(tmp_path)
    assert [one.iteration for one in report.compared] == [1, 1, 2, 2]
    assert "It was run from Python." in shown(tmp_path)


def test_rejected_candidates_are_counted_by_reason(copy: Path) -> None:
    store = Store(copy / "campaign.db")
    verdicts = ["certain"] * 11 + ["absurd"] * 12 + ["known"] * 13 + ["spare"] * 14
    store.add_candidates([Considered({}, 0.1, verdict) for verdict in verdicts], iteration=1)
    store.close()
    counts = [1, 50, 0, 14, 13, 11, 12]
    assert "<tr>" + "".join(f"<td>{count}</td>" for count in counts) + "</tr>" in shown(copy)


def test_a_folder_without_campaign_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoCampaignError, match="no campaign has begun"):
        campaign_report(tmp_path)


def test_the_page_is_made_of_the_plain_data_alone(report: CampaignReport) -> None:
    other = dataclasses.replace(report, name="<another>")
    assert "Campaign &lt;another&gt;" in report_page(other)
