"""What `mlip train` shows while a potential is trained, and at the end."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ase.data import chemical_symbols

from mlip.cli import console
from mlip.cli.config_file import read_config
from mlip.durable import room_in
from mlip.training import train
from mlip.training.epoch_table import EpochTable
from mlip.training.metrics import Errors
from mlip.training.observers import Observer, Row, Summary
from mlip.training.parallel import is_first_rank

_SPLITS = {"train": "training", "valid": "validation", "test": "test"}


def train_on_screen(config: Path, changes: Sequence[str], folder: Path, resume: bool) -> None:
    """Train a potential; on the first of several processes, show how it goes."""
    settings = read_config(config, changes)
    settings = settings.model_copy(update={"data": settings.data.relative_to(config.parent)})
    if not is_first_rank():
        train(settings, folder, resume=resume)
        return
    with room_in(folder), console.progress_bar("reading data", 1) as bar:
        try:
            errors = train(settings, folder, resume=resume, observers=[_Screen(bar)])
        except KeyboardInterrupt:
            console.remark("interrupted; the same command with --resume goes on")
            raise
    show_errors(errors)
    model = folder / "model.safetensors"
    console.remark(f"model {model}, report {folder / 'report.html'}; next: mlip doctor {model}")


class _Screen(Observer):
    """Shows a run to the person who started it."""

    def __init__(self, bar: console.Bar) -> None:
        self._bar = bar
        self._table = EpochTable(())

    def message(self, text: str) -> None:
        console.remark(text)

    def data_read(self, summary: Summary) -> None:
        self._table = EpochTable(summary.trained_on)
        for split, found in summary.labels_found.items():
            console.remark(f"{_SPLITS[split]} data: {found}\n")
        console.details("Data", _data(summary), aside=True)
        console.details("Reference energies", _references(summary), aside=True)
        console.details("Model", _model(summary), aside=True)

    def prepared(self, done: int, count: int) -> None:
        if done == 1:
            self._bar.begin("features", count, 0)
        self._bar.step()

    def training_started(self, history: Sequence[Row]) -> None:  # noqa: ARG002
        for line in self._table.header():
            console.remark(line)

    def epoch_started(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        self._bar.begin(f"epoch {epoch}/{epochs}", batches, done)

    def batch_done(self, loss: float) -> None:
        self._bar.step()
        self._bar.say(f"loss {loss:.4g}")

    def validated(self, row: Row, best: bool) -> None:
        console.aside(self._table.line(row, best))


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
