"""`mlip train`: one config in, a potential and its report out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from ase.data import chemical_symbols

from mlip.cli import console
from mlip.properties import LABELS, PROPERTIES
from mlip.settings import load_settings
from mlip.training import TrainingConfig
from mlip.training import train as run_training
from mlip.training.metrics import Errors
from mlip.training.observers import Observer, Row, Summary
from mlip.training.parallel import is_first_rank

_SPLITS = {"train": "training", "valid": "validation", "test": "test"}


def train(
    config: Annotated[Path, typer.Argument(help="YAML file; see `mlip schema --example`.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the config, as epochs=50."),
    ] = None,
    run_folder: Annotated[
        Path | None, typer.Option(help="Where all results go.", show_default="runs/CONFIG")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder.")
    ] = False,
) -> None:
    """Train a potential.

    Killed at any moment, the run goes on with --resume, to the same result.

    On several processors or GPUs: torchrun --nproc-per-node 2 -m mlip train ...
    """
    settings = load_settings(TrainingConfig, config, changes or ())
    settings = settings.model_copy(update={"data": settings.data.relative_to(config.parent)})
    folder = run_folder or Path("runs") / config.stem
    if not is_first_rank():
        run_training(settings, folder, resume=resume)
        return
    with console.progress_bar("reading data", 1) as bar:
        errors = run_training(settings, folder, resume=resume, observers=[_Screen(bar)])
    show_errors(errors)
    console.remark(f"model {folder / 'model.safetensors'}, report {folder / 'report.html'}")


class _Screen(Observer):
    """Shows a run to the person who started it."""

    def __init__(self, bar: console.Bar) -> None:
        self._bar = bar
        self._table: console.RunningTable | None = None

    def message(self, text: str) -> None:
        console.remark(text)

    def data_read(self, summary: Summary) -> None:
        for split, found in summary.labels_found.items():
            console.remark(f"{_SPLITS[split]} data: {found}\n")
        console.details("Data", _data(summary), aside=True)
        console.details("Reference energies", _references(summary), aside=True)
        console.details("Model", _model(summary), aside=True)

    def prepared(self, done: int, count: int) -> None:
        if done == 1:
            self._bar.begin("features", count, 0)
        self._bar.step()

    def epoch_started(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        self._bar.begin(f"epoch {epoch}/{epochs}", batches, done)

    def batch_done(self, loss: float) -> None:
        self._bar.step()
        self._bar.say(f"loss {loss:.4g}")

    def validated(self, row: Row, best: bool) -> None:
        columns = _columns(row)
        if self._table is None:
            self._table = console.RunningTable([(name, unit) for _, name, unit, _ in columns])
        self._table.row([format(row[key], form) for key, _, _, form in columns], marked=best)


def show_errors(errors: Mapping[str, Errors]) -> None:
    """The errors of each split as a table."""
    rows = [
        [_SPLITS.get(split, split), name, f"{part.mae:.2f}", f"{part.rmse:.2f}", part.unit]
        for split, judged in errors.items()
        for name, part in judged.overall.items()
    ]
    console.table("Errors", ["data", "property", "MAE", "RMSE", "unit"], rows)


def _data(summary: Summary) -> list[tuple[str, str]]:
    counts = [(_SPLITS[split], summary.counted(split)) for split in summary.structures]
    return [
        *counts,
        ("elements", ", ".join(summary.elements)),
        ("trained on", ", ".join(summary.trained_on)),
    ]


def _references(summary: Summary) -> list[tuple[str, str]]:
    references = summary.references
    values = [(chemical_symbols[z], f"{e:14.6f} eV") for z, e in references.values.items()]
    unique = "" if references.unique else " (not unique: the compositions do not determine them)"
    return [*values, ("source", references.source + unique), ("beyond", references.remainder())]


def _model(summary: Summary) -> list[tuple[str, str]]:
    ranks = f" on {summary.ranks} ranks" if summary.ranks > 1 else ""
    return [
        ("model", f"{summary.model}, {summary.parameters:,} parameters"),
        ("cutoff", f"{summary.cutoff:g} Å, {summary.neighbours:.1f} neighbours on average"),
        ("device", f"{summary.device}{ranks}, {summary.dtype}"),
        ("seed", str(summary.seed)),
    ]


def _columns(row: Row) -> Sequence[tuple[str, str, str, str]]:
    """Key, name, unit and format of each column."""
    errors = [
        (f"valid_{name}_{measure}", f"{name} {measure.upper()}", PROPERTIES[name].error_unit, ".2f")
        for name in LABELS
        for measure in ("mae", "rmse")
        if f"valid_{name}_{measure}" in row
    ]
    return [
        ("epoch", "epoch", "", ".0f"),
        ("train_loss", "train loss", "", ".4g"),
        ("valid_loss", "valid loss", "", ".4g"),
        *errors,
        ("learning_rate", "rate", "", ".1e"),
        ("seconds", "time", "s", ".0f"),
    ]
