"""Where the learning curve goes: log.csv and train.log always, TensorBoard and W&B if asked for."""

import csv
import importlib.util
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from mlip.properties import PROPERTIES
from mlip.settings import Settings
from mlip.training.epoch_table import EpochTable
from mlip.training.metrics import Errors
from mlip.training.observers import Observer, Row, Summary


class LoggersConfig(Settings):
    """Loggers besides log.csv and train.log, which are always written."""

    tensorboard: bool = False
    """Write events for TensorBoard into the run folder."""
    wandb: str | None = None
    """Name of the Weights & Biases project to log to."""


def column_titles(properties: Sequence[str]) -> dict[str, str]:
    """Titles with units of the columns of the learning curve, by key."""
    titles = {"epoch": "epoch", "step": "step", "seconds": "time [s]",
              "learning_rate": "learning rate", "train_loss": "train loss",
              "valid_loss": "valid loss"}  # fmt: skip
    for name in properties:
        for measure in ("mae", "rmse"):
            unit = PROPERTIES[name].error_unit
            titles[f"valid_{name}_{measure}"] = f"valid {name} {measure.upper()} [{unit}]"
    return titles


class CsvLog(Observer):
    """log.csv: one line for each epoch, blank where an epoch did not train on a property. A resumed
    run first rewrites what its checkpoint knows, so that epochs that were lost do not appear twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._titles = column_titles(())

    def data_read(self, summary: Summary) -> None:
        self._titles = column_titles(summary.trained_on)

    def training_started(self, history: Sequence[Row]) -> None:
        self._path.unlink(missing_ok=True)
        self._append(self._titles.values())
        for row in history:
            self.validated(row, best=False)

    def validated(self, row: Row, best: bool) -> None:  # noqa: ARG002
        self._append(f"{row[key]:.10g}" if key in row else "" for key in self._titles)

    def _append(self, cells: Iterable[str]) -> None:
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(cells)


class TextLog(Observer):
    """train.log: what happened and when, for reading. It is appended to by resumed runs."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._table = EpochTable(())

    def message(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        for line in text.splitlines():
            self._file.write(f"{stamp}  {line}\n")

    def warning(self, text: str) -> None:
        self.message(f"warning: {text}")

    def data_read(self, summary: Summary) -> None:
        self._table = EpochTable(summary.trained_on)
        for split, found in summary.labels_found.items():
            self.message(f"{split} data: {found}")
        for split in summary.structures:
            self.message(f"{split}: {summary.counted(split)}")
        self.message(f"reference energies: {summary.references}")
        self.message(f"trained on {', '.join(summary.trained_on)}")
        self.message(
            f"{summary.model} of {', '.join(summary.elements)}: {summary.parameters} parameters, "
            f"cutoff {summary.cutoff:g} Å, {summary.dtype} on {summary.device}, "
            f"{summary.ranks} ranks, seed {summary.seed}"
        )

    def training_started(self, history: Sequence[Row]) -> None:  # noqa: ARG002
        self.message("\n".join(self._table.header()))

    def finished(self, errors: Mapping[str, Errors]) -> None:
        for split, judged in errors.items():
            for name, e in judged.overall.items():
                self.message(f"{split} {name}: MAE {e.mae:.4g}, RMSE {e.rmse:.4g} {e.unit}")

    def validated(self, row: Row, best: bool) -> None:
        self.message(self._table.line(row, best))

    def close(self) -> None:
        self._file.close()


class TensorBoardLog(Observer):
    """Events that `tensorboard --logdir RUN_FOLDER` shows."""

    def __init__(self, folder: Path) -> None:
        _require("tensorboard", "loggers.tensorboard")
        self._folder = folder
        self._writer: Any = None

    def training_started(self, history: Sequence[Row]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        purge = int(history[-1]["step"]) + 1 if history else None
        self._writer = SummaryWriter(str(self._folder), purge_step=purge)

    def validated(self, row: Row, best: bool) -> None:  # noqa: ARG002
        for key in row.keys() - {"epoch", "step"}:
            self._writer.add_scalar(key, row[key], int(row["step"]))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class WandbLog(Observer):
    """Weights & Biases; a resumed run continues the same curve."""

    def __init__(self, project: str, folder: Path, config: Mapping[str, Any]) -> None:
        _require("wandb", "loggers.wandb")
        self._project, self._folder, self._config = project, folder, dict(config)
        self._run: Any = None

    def training_started(self, history: Sequence[Row]) -> None:  # noqa: ARG002
        import wandb

        self._run = wandb.init(
            project=self._project,
            dir=str(self._folder),
            config=self._config,
            id=_stable_id(self._folder),
            resume="allow",
        )

    def validated(self, row: Row, best: bool) -> None:  # noqa: ARG002
        self._run.log(dict(row), step=int(row["step"]))

    def close(self) -> None:
        if self._run is not None:
            self._run.finish()


def build_loggers(
    config: LoggersConfig, folder: Path, resolved: Mapping[str, Any]
) -> list[Observer]:
    """The loggers of a run folder.

    Raises
    ------
    ValueError
        If one is asked for that is not installed.
    """
    asked: list[Observer] = []
    if config.tensorboard:
        asked.append(TensorBoardLog(folder / "tensorboard"))
    if config.wandb:
        asked.append(WandbLog(config.wandb, folder, resolved))
    return [CsvLog(folder / "log.csv"), TextLog(folder / "train.log"), *asked]


def _require(package: str, key: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise ValueError(f"{key} needs the package {package}: pip install {package}, or leave it")


def _stable_id(folder: Path) -> str:
    """A name that a resumed run finds again: the folder's, with its time of creation."""
    marker = folder / "wandb_id"
    if not marker.exists():
        marker.write_text(f"{folder.name}-{time.time_ns():x}", encoding="utf-8")
    return marker.read_text(encoding="utf-8")
