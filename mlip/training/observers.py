"""Who is told how a training goes: loggers, the command line. Training itself prints nothing."""

import dataclasses
from collections.abc import Mapping, Sequence

from mlip.data import LabelsFound, ReferenceEnergies
from mlip.training.metrics import Errors

#: One line of the history: epoch, step, seconds, learning_rate, train_loss, valid_loss and
#: valid_<property>_mae and _rmse in the unit in which errors are printed.
Row = Mapping[str, float | int]


@dataclasses.dataclass(frozen=True)
class Summary:
    """What a run is about to do: found data, built model.

    Attributes
    ----------
    structures, atoms : how many, by split
    visits : how often an epoch trains on a structure: more than there are if some are repeated
    unlabelled : how many structures of a split lack a property that is trained on, by split and
        property; only where some do
    labels_found : by split that was read from files of its own
    elements : symbols
    neighbours : average number per atom within `cutoff` (Å)
    scale : eV for one unit of the network
    """

    structures: Mapping[str, int]
    atoms: Mapping[str, int]
    visits: int
    unlabelled: Mapping[str, Mapping[str, int]]
    labels_found: Mapping[str, LabelsFound]
    trained_on: Sequence[str]
    elements: Sequence[str]
    references: ReferenceEnergies
    scale: float
    model: str
    parameters: int
    cutoff: float
    neighbours: float
    device: str
    dtype: str
    ranks: int
    seed: int

    def counted(self, split: str) -> str:
        """The size of a split in words, how much of it is repeated, and what of it cannot be
        judged."""
        size = f"{self.structures[split]:,} structures, {self.atoms[split]:,} atoms"
        missing = [f"{count} without {name}" for name, count in self.unlabelled[split].items()]
        repeated = split == "train" and self.visits > self.structures[split]
        visits = [f"{self.visits:,} visits an epoch"] if repeated else []
        return ", ".join([size, *visits, *missing])


class Observer:
    """Base of all observers; each event does nothing unless a subclass says what."""

    def message(self, text: str) -> None:
        """A remark for the person watching."""

    def warning(self, text: str) -> None:
        """Something the person should act on."""

    def data_read(self, summary: Summary) -> None:
        """The data were read and the model was built."""

    def prepared(self, done: int, count: int) -> None:
        """So many of the training structures were prepared (see `mlip.training.preparation`)."""

    def training_started(self, history: Sequence[Row]) -> None:
        """The first epoch begins; a resumed run has a history."""

    def epoch_started(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        """Epoch `epoch` (from 1) of `epochs` begins, with `done` of its batches done before."""

    def batch_done(self, loss: float) -> None:
        """One step was made."""

    def validated(self, row: Row, best: bool) -> None:
        """An epoch was finished and judged; `best` if no other was better."""

    def finished(self, errors: Mapping[str, Errors]) -> None:
        """Training is over; the errors of the final model by split."""

    def close(self) -> None:
        """The run ends, well or not."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def message(self, text: str) -> None:
        for observer in self._observers:
            observer.message(text)

    def warning(self, text: str) -> None:
        for observer in self._observers:
            observer.warning(text)

    def data_read(self, summary: Summary) -> None:
        for observer in self._observers:
            observer.data_read(summary)

    def prepared(self, done: int, count: int) -> None:
        for observer in self._observers:
            observer.prepared(done, count)

    def training_started(self, history: Sequence[Row]) -> None:
        for observer in self._observers:
            observer.training_started(history)

    def epoch_started(self, epoch: int, epochs: int, batches: int, done: int) -> None:
        for observer in self._observers:
            observer.epoch_started(epoch, epochs, batches, done)

    def batch_done(self, loss: float) -> None:
        for observer in self._observers:
            observer.batch_done(loss)

    def validated(self, row: Row, best: bool) -> None:
        for observer in self._observers:
            observer.validated(row, best)

    def finished(self, errors: Mapping[str, Errors]) -> None:
        for observer in self._observers:
            observer.finished(errors)

    def close(self) -> None:
        for observer in self._observers:
            observer.close()
