"""The report: all of it, whatever the data lack, and nothing that a browser would misread."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from run_summary import SUMMARY
from silicon import crystals, molecules

from mlip.data import Frame
from mlip.settings import Settings
from mlip.training.figures import learning_curve
from mlip.training.losses import LossConfig
from mlip.training.metrics import Errors, errors
from mlip.training.report import write_report

HISTORY = [
    {"epoch": e, "step": e, "seconds": 4000.0 * e, "learning_rate": 0.1, "train_loss": 2.0 / e,
     "valid_loss": 3.0 / e, "valid_forces_mae": 4.0 / e, "valid_forces_rmse": 5.0 / e}
    for e in (1, 2, 3)
]  # fmt: skip
#: A first stage without forces, of which the last epoch has the smallest loss of all.
STAGES = [
    {key: value for key, value in HISTORY[0].items() if "forces" not in key} | {"valid_loss": 0.5},
    *HISTORY[1:],
]


def judged(frames: Sequence[Frame], names: Sequence[str], size: float = 0.01) -> Errors:
    random = np.random.default_rng(0)
    predictions = [
        {n: f.labels[n] + random.normal(scale=size, size=np.shape(f.labels[n])) for n in names
         if n in f.labels}
        for f in frames
    ]  # fmt: skip
    return errors(
        [{n: np.asarray(value) for n, value in found.items()} for found in predictions], frames
    )


def page(
    tmp_path: Path,
    found: dict[str, Errors],
    config: Settings = LossConfig(),  # noqa: B008 - frozen
) -> str:
    path = tmp_path / "report.html"
    write_report(path, config, SUMMARY, HISTORY, 3, found)
    return path.read_text(encoding="utf-8")


def test_the_best_epoch_is_that_of_the_last_stage(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    found = {"train": judged(crystals(1), ("energy",))}
    write_report(path, LossConfig(), SUMMARY, STAGES, 2, found)
    assert "3, best 2" in path.read_text(encoding="utf-8")
    loss, forces, *_ = learning_curve(STAGES, 2).axes
    (marked,) = (line for line in loss.lines if line.get_label() == "best")
    assert (marked.get_xdata(), marked.get_ydata()) == ([2], [1.5])
    curve = forces.lines[0].get_ydata()
    assert np.isnan(curve[0])
    assert list(curve[1:]) == [2.0, 4.0 / 3.0]


def test_every_part_is_there(tmp_path: Path) -> None:
    names = ("energy", "forces", "stress")
    found = {
        "train": judged([*crystals(5), *molecules(3)], names),
        "valid": judged(crystals(2), names),
        "test": judged(molecules(2), names),
    }
    text = page(tmp_path, found)
    parts = ["Energy MAE, test set", "Errors by kind", "Errors by element", "worst structures",
             "-140.00000 eV", "1,234", "3 h 20 min", "crystal.xyz#", "molecule.xyz#"]  # fmt: skip
    for part in parts:
        assert part in text
    assert text.count("data:image/png;base64,iVBOR") == 3


@pytest.mark.parametrize("names", [("energy",), ("forces",), ("forces", "stress")])
def test_missing_labels_and_single_frames(tmp_path: Path, names: tuple[str, ...]) -> None:
    found = {"train": judged(crystals(1), names), "valid": judged(molecules(1), names)}
    text = page(tmp_path, found)
    assert "nan" not in text.split("<main>")[1].lower().replace("base64", "")[:2000]
    assert ("Stress" in text) == ("stress" in names)
    assert ("Energy MAE" in text) == ("energy" in names)


def test_perfect_predictions_can_be_drawn(tmp_path: Path) -> None:
    found = {"train": judged(crystals(2), ("energy", "forces"), size=0.0)}
    assert "0.00 <span" in page(tmp_path, found)


def test_names_from_files_are_escaped(tmp_path: Path) -> None:
    frame = crystals(1)[0]
    named = Frame(frame.atoms, frame.labels, "<script>alert(1)</script>", "a&b.xyz#0")
    text = page(tmp_path, {"train": judged([named], ("energy",))})
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a&amp;b.xyz#0" in text


def test_matplotlib_is_left_as_it_was(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    page(tmp_path, {"train": judged(crystals(2), ("energy",))})
    assert dict(mpl.rcParams) == before
