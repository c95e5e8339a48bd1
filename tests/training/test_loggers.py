"""Logs: the learning curve as CSV, text and TensorBoard events."""

import csv
import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest
from run_summary import SUMMARY

from mlip.properties import LABELS
from mlip.training.epoch_table import EpochTable
from mlip.training.loggers import (
    CsvLog,
    LoggersConfig,
    TensorBoardLog,
    TextLog,
    build_loggers,
    column_titles,
)
from mlip.training.observers import Observer, Row

ROWS = [
    {"epoch": e, "step": 10 * e, "seconds": 1.5 * e, "learning_rate": 0.1 / e,
     "train_loss": 2.0 / e, "valid_loss": 3.0 / e,
     "valid_energy_mae": 4.0 / e, "valid_energy_rmse": 5.0 / e}
    for e in (1, 2, 3)
]  # fmt: skip
#: The last epoch trains on forces instead of energies.
STAGES = [*ROWS[:2], {key.replace("energy", "forces"): value for key, value in ROWS[2].items()}]


def started(log: Observer, history: Sequence[Row], *properties: str) -> None:
    """What a log is told before the first epoch."""
    log.data_read(dataclasses.replace(SUMMARY, trained_on=properties))
    log.training_started(history)


def test_csv_has_units_in_its_header_and_all_rows(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "log.csv")
    started(log, [], "energy")
    for row in ROWS:
        log.validated(row, best=True)
    text = (tmp_path / "log.csv").read_text(encoding="utf-8")
    lines = list(csv.reader(text.splitlines()))
    assert lines[0][-1] == "valid energy RMSE [meV/atom]"
    assert [[float(x) for x in line] for line in lines[1:]] == [
        pytest.approx(list(row.values()), rel=1e-9) for row in ROWS
    ]


def test_a_resumed_csv_has_each_epoch_once(tmp_path: Path) -> None:
    for history, new in (([], ROWS[:2]), (ROWS[:1], ROWS[1:])):
        log = CsvLog(tmp_path / "log.csv")
        started(log, history, "energy")
        for row in new:
            log.validated(row, best=False)
    lines = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2", "3"]


@pytest.mark.parametrize("done", [0, 2, 3])
def test_a_csv_is_blank_where_a_stage_has_no_errors(tmp_path: Path, done: int) -> None:
    log = CsvLog(tmp_path / "log.csv")
    started(log, STAGES[:done], "energy", "forces")
    for row in STAGES[done:]:
        log.validated(row, best=False)
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    energies, forces = "valid energy RMSE [meV/atom]", "valid forces RMSE [meV/Å]"
    assert [row[energies] for row in rows] == ["5", "2.5", ""]
    assert [row[forces] for row in rows] == ["", "", "1.666666667"]


def test_a_table_is_blank_where_a_stage_has_no_errors() -> None:
    table = EpochTable(("energy", "forces"))
    first, last = (table.line(row, best=True) for row in (STAGES[1], STAGES[2]))
    assert len(first) == len(last)
    assert len(first.split()) == len(last.split()) == 7
    assert first.index("2.50") + 4 == table.header()[1].index("energy") + 6
    assert last.index("1.67") + 4 == table.header()[1].index("forces") + 6


def test_text_log(tmp_path: Path) -> None:
    log = TextLog(tmp_path / "train.log")
    started(log, [], "energy")
    log.message("two\nlines")
    log.warning("careful")
    log.validated(ROWS[0], best=True)
    log.validated(ROWS[1], best=False)
    log.close()
    text = (tmp_path / "train.log").read_text(encoding="utf-8")
    _, told = text.split("seed 3\n")
    assert len(told.splitlines()) == 3 + 3 + 2
    assert "warning: careful" in told
    assert told.count("meV/atom") == 1
    assert told.splitlines()[-2].endswith("5.00 1.0e-01      2 *")
    assert max(map(len, told.splitlines())) <= 100


def test_a_row_of_all_properties_fits_80_columns() -> None:
    names = [f"valid_{name}_{m}" for name in LABELS for m in ("mae", "rmse")]
    row = {**ROWS[0], **dict.fromkeys(names, 12345.678), "train_loss": 1.234567e-15,
           "valid_loss": 1.234567e15, "epoch": 12345, "seconds": 123456.7}  # fmt: skip
    table = EpochTable(LABELS)
    lines = [*table.header(), table.line(row, best=True)]
    assert max(map(len, lines)) <= 80
    units = lines[2].split()
    assert units == ["meV/atom", "meV/Å", "meV/Å^3", "s"]
    # every unit ends where the figures of its column do
    assert lines[2].index("meV/Å^3") + 7 == lines[3].rindex("12345.68") + 8


def test_every_key_of_a_row_has_a_title() -> None:
    titles = column_titles(["energy"])
    assert list(titles) == list(ROWS[0])
    assert titles["seconds"] == "time [s]"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_events(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = TensorBoardLog(tmp_path)
    log.training_started([])
    for row in ROWS:
        log.validated(row, best=False)
    log.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    found = events.Scalars("valid_energy_mae")
    assert [event.step for event in found] == [10, 20, 30]
    assert [event.value for event in found] == pytest.approx([4.0, 2.0, 4.0 / 3.0], rel=1e-6)


@pytest.mark.parametrize("config", [{"tensorboard": True}, {"wandb": "project"}])
def test_a_logger_that_is_not_installed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="pip install"):
        build_loggers(LoggersConfig(**config), tmp_path, {})
