"""The training loop: steps, validations, checkpoints. It reads from top to bottom.

Everything random is a function of the seed and of the place in the run (order of an epoch's
batches; noise inside a model, if it has any), and everything else that a step depends on is in the
checkpoint. So a run that is killed and resumed makes the same steps as one that never stopped.
"""

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mlip.data import batches_by_atoms
from mlip.graph import AtomicGraph
from mlip.models import Potential, predict
from mlip.training.averaging import WeightAverage, load_weights
from mlip.training.checkpoint import Checkpoint, CheckpointFolder
from mlip.training.config import FitConfig
from mlip.training.diagnosis import LossMemory
from mlip.training.losses import Loss, label_counts
from mlip.training.observers import Observer
from mlip.training.optimisers import (
    build_optimiser,
    optimiser_tensors,
    restore_optimiser,
    set_learning_rate,
)
from mlip.training.parallel import Ranks
from mlip.training.schedules import Plateau, PlateauState, rate_fraction
from mlip.training.tallies import Tally


class TrainingError(ValueError):
    """Training cannot go on; the message says where it stopped and what to look at."""


@dataclasses.dataclass
class Progress:
    """Where a run stands: all that is not a tensor."""

    epoch: int = 0
    """Epochs finished."""
    batch: int = 0
    """Batches done of the epoch that is not finished."""
    step: int = 0
    """Steps made by the optimiser."""
    seconds: float = 0.0
    """Time spent, in this process and those before it."""
    sums: dict[str, float] = dataclasses.field(default_factory=dict)
    """Sums of penalties by property, over the batches of this epoch so far."""
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    """Labelled entries that the sums went over."""
    best_loss: float = math.inf
    """Smallest validation loss, of the current stage."""
    best_epoch: int = 0
    """The epoch that had it."""
    plateau: PlateauState = dataclasses.field(default_factory=PlateauState)
    history: list[dict[str, float | int]] = dataclasses.field(default_factory=list)
    """One row for each epoch, see `mlip.training.observers.Row`."""

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Progress":
        """The inverse of `dataclasses.asdict`."""
        return cls(**{**data, "plateau": PlateauState(**data["plateau"])})


class Trainer:
    """Fits the parameters of a model to labelled graphs.

    Parameters
    ----------
    model : adapted to the training data, on the device where training is to happen
    train, valid : graphs with neighbours and labels, one structure each
    sources : a name for each training graph, for error messages
    visits : places of the training graphs of an epoch; each once if left out
    checkpoints : where to save, None for nowhere
    identity : plain data that a checkpoint must agree with, besides the config
    """

    def __init__(
        self,
        model: Potential,
        train: Sequence[AtomicGraph],
        valid: Sequence[AtomicGraph],
        config: FitConfig,
        *,
        sources: Sequence[str],
        visits: Sequence[int] | None = None,
        observer: Observer | None = None,
        ranks: Ranks | None = None,
        checkpoints: CheckpointFolder | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        visits = range(len(train)) if visits is None else visits
        config = config.with_batches_for(sum(train[i].n_atoms for i in visits))
        assert config.batch_atoms is not None
        self.model = model
        self.train = train
        self.visits = visits
        self.valid = valid
        self.config = config
        self.batch_atoms = config.batch_atoms
        self.sources = sources
        self.observer = observer or Observer()
        self.ranks = ranks or Ranks()
        self.checkpoints = checkpoints
        self.identity = {"config": config.identity(), **(identity or {})}
        self.device = next(model.parameters()).device
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.ranks.agree(model.state_dict().values())
        self.optimiser = build_optimiser(config.optimiser, model)
        self.average = WeightAverage(model, config.ema)
        self.best = {name: value.clone() for name, value in self.average.weights.items()}
        self.progress = Progress()
        self.loss = Loss(config.loss)
        self._losses = LossMemory()
        self._labelled = [label_counts(graph) for graph in train]
        self._saved_at = time.monotonic()
        self._started = time.monotonic()

    # ------------------------------------------------------------------------------------ the run

    def run(self) -> None:
        """Train to the end; the model then has its best weights, by the validation loss, or its
        last ones.

        Raises
        ------
        TrainingError
            If a loss or a gradient is not finite.
        """
        self._started = time.monotonic()
        self.observer.training_started(self.progress.history)
        while not self.finished:
            self._run_epoch()
        load_weights(self.model, self.best if self.config.keep == "best" else self.average.weights)
        self.model.eval()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or none of the last ones was worth its time."""
        waited = self.progress.epoch - self.progress.best_epoch
        patience = self.config.early_stopping
        stopped = patience is not None and waited >= patience
        return self.progress.epoch >= self.config.epochs or stopped

    def _run_epoch(self) -> None:
        progress = self.progress
        self._enter_stage()
        batches = self._batches()
        epoch = progress.epoch + 1
        self.observer.epoch_started(epoch, self.config.epochs, len(batches), progress.batch)
        while progress.batch < len(batches):
            rate = self._rate(progress.epoch + (progress.batch + 1) / len(batches))
            value = self._step(batches[progress.batch], rate)
            progress.batch += 1
            self.observer.batch_done(value)
            if progress.batch < len(batches) and self._save_is_due():
                self.save()
        row, best = self._finish_epoch()
        self.observer.validated(row, best)
        self.save()

    def _finish_epoch(self) -> tuple[dict[str, float | int], bool]:
        """Validate, and take note of it."""
        progress = self.progress
        train_loss = float(self.loss.total(progress.sums, progress.counts))
        with self.average.in_use():
            tally = self.validate()
        valid_loss = tally.loss()
        if not math.isfinite(valid_loss):
            raise TrainingError(
                f"the validation loss is {valid_loss} after epoch {progress.epoch + 1}: "
                "look at the validation data with `mlip data check`, or lower the learning rate"
            )
        rate = self._rate(float(progress.epoch + 1))
        progress.epoch, progress.batch = progress.epoch + 1, 0
        progress.sums, progress.counts = {}, {}
        best = valid_loss < progress.best_loss
        if best:
            progress.best_loss, progress.best_epoch = valid_loss, progress.epoch
            self.best = {name: value.clone() for name, value in self.average.weights.items()}
        if isinstance(self.config.schedule, Plateau):
            progress.plateau.observe(self.config.schedule, valid_loss)
        row: dict[str, float | int] = {
            "epoch": progress.epoch,
            "step": progress.step,
            "seconds": self._seconds(),
            "learning_rate": rate,
            "train_loss": train_loss,
            "valid_loss": valid_loss,
            **tally.errors(),
        }
        progress.history.append(row)
        return row, best

    def validate(self) -> Tally:
        """The validation set under the model's present weights."""
        self.model.eval()
        tally = Tally(self.loss, self.device)
        counts = [graph.n_atoms for graph in self.valid]
        batches = batches_by_atoms(counts, self.batch_atoms, shuffle_seed=None)
        for batch in self.ranks.share(batches):
            graph = self._batch(self.valid, batch)
            tally.add(predict(self.model, graph, self.loss.wanted(graph)), graph)
        self.ranks.add([tally.numbers])
        return tally

    def _enter_stage(self) -> None:
        """Take the loss of this epoch; a new stage forgets what was best under another loss."""
        epoch = self.progress.epoch
        self.loss = Loss(self.config.loss_at(epoch))
        if self.progress.batch == 0 and epoch in {s.from_epoch for s in self.config.stages}:
            self.progress.best_loss, self.progress.best_epoch = math.inf, epoch
            self.progress.plateau.best = math.inf

    def _batches(self) -> list[list[int]]:
        """The batches of this epoch, the same on all ranks."""
        counts = [self.train[i].n_atoms for i in self.visits]
        seed = self.config.seed * 1_000_003 + self.progress.epoch
        batches = batches_by_atoms(counts, self.batch_atoms, shuffle_seed=seed)
        return [[self.visits[place] for place in batch] for batch in batches]

    def _batch(self, graphs: Sequence[AtomicGraph], batch: Sequence[int]) -> AtomicGraph:
        """Some graphs as one; what was prepared for them is kept."""
        chosen = [graphs[i] for i in batch]
        return type(chosen[0]).batch(chosen).to(self.device)

    def _rate(self, epoch: float) -> float:
        fraction = rate_fraction(
            self.config.schedule, epoch, self.config.epochs, self.progress.plateau
        )
        stage = self.config.rate_at(self.progress.epoch)
        return self.config.optimiser.learning_rate * fraction * stage

    # ----------------------------------------------------------------------------------- one step

    def _step(self, batch: list[int], rate: float) -> float:
        """One step on one batch, of which this rank works on its share; the loss before it."""
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        counts = self._counts(batch)
        with self._randomness():
            sums = self._gradients(self.ranks.share(batch), counts)
        self.ranks.add([sums])
        self.ranks.add([p.grad for p in self.parameters if p.grad is not None])
        limit = self.config.gradient_clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, limit)
        *values, size = torch.cat([sums, norm.double().reshape(1)]).tolist()
        by_name = dict(zip(self.loss.terms, values))
        loss = float(self.loss.total(by_name, counts))
        self._losses.note(loss)
        if not all(map(math.isfinite, [*values, size])):
            raise TrainingError(self._explain(batch))
        set_learning_rate(self.optimiser, rate)
        self.optimiser.step()
        self.average.update()
        self.progress.step += 1
        self._take_note(by_name, counts)
        return loss

    def _gradients(self, batch: Sequence[int], counts: Mapping[str, int]) -> Tensor:
        """Set the gradient of every parameter, zeros where there is none; sums of penalties.

        Gradients are asked for the parameters only: `backward` would also follow the second
        derivatives down to the positions, where nobody needs them.
        """
        sums = torch.zeros(len(self.loss.terms), dtype=torch.float64, device=self.device)
        found: Sequence[Tensor | None] = [None] * len(self.parameters)
        if batch:
            graph = self._batch(self.train, batch)
            predictions = predict(self.model, graph, self.loss.wanted(graph), training=True)
            parts = self.loss.sums(predictions, graph)
            total = self.loss.total(parts, counts)
            if total.requires_grad:
                found = torch.autograd.grad(total, self.parameters, allow_unused=True)
            for place, name in enumerate(self.loss.terms):
                sums[place] = parts[name].detach() if name in parts else 0.0
        for p, gradient in zip(self.parameters, found):
            p.grad = torch.zeros_like(p) if gradient is None else gradient
        return sums

    def _counts(self, batch: Sequence[int]) -> dict[str, int]:
        """Labelled entries of the whole batch, over all ranks."""
        return {name: sum(self._labelled[i][name] for i in batch) for name in self.loss.terms}

    def _take_note(self, sums: Mapping[str, float], counts: Mapping[str, int]) -> None:
        progress = self.progress
        for name in self.loss.terms:
            progress.sums[name] = progress.sums.get(name, 0.0) + sums[name]
            progress.counts[name] = progress.counts.get(name, 0) + counts[name]

    @contextlib.contextmanager
    def _randomness(self) -> Iterator[None]:
        """Random numbers inside a model depend on seed and step only; global state is untouched."""
        seed = self.config.seed * 1_000_003 + self.progress.step
        cuda = [self.device.index] if self.device.type == "cuda" else []
        with torch.random.fork_rng(cuda):
            torch.default_generator.manual_seed(seed)
            for index in cuda:
                torch.cuda.default_generators[index].manual_seed(seed)
            yield

    def _explain(self, batch: Sequence[int]) -> str:
        """Why a step failed: which frames of the batch give numbers that are not finite."""
        culprits = []
        for i in batch:
            graph = self.train[i].to(self.device)
            sums = self.loss.sums(predict(self.model, graph, self.loss.wanted(graph)), graph)
            bad = [name for name, value in sums.items() if not bool(torch.isfinite(value))]
            if bad:
                culprits.append(f"{self.sources[i]} ({', '.join(bad)})")
        where = f"epoch {self.progress.epoch + 1}, batch {self.progress.batch + 1}"
        if culprits:
            what = f"the loss is not finite in {where}, in {'; '.join(culprits)}"
            otherwise = "look at these frames with `mlip data check`"
        else:
            names = ", ".join(self.sources[i] for i in batch)
            what = f"the gradient is not finite in {where}, of frames {names}, whose losses are"
            otherwise = "are two atoms in the same place? Look with `mlip data check`"
        if grown := self._losses.growth():
            rate = self.config.optimiser.learning_rate
            return f"{what}; {grown}: lower optimiser.learning_rate (it is {rate:g})"
        return f"{what}: {otherwise}, or lower the learning rate"

    # -------------------------------------------------------------------------------- checkpoints

    def save(self) -> None:
        """Write a checkpoint, on the first rank."""
        if self.checkpoints is None or not self.ranks.first:
            return
        progress = {**dataclasses.asdict(self.progress), "seconds": self._seconds()}
        groups = {
            "model": self.model.state_dict(),
            "average": self.average.weights,
            "best": self.best,
            "optimiser": optimiser_tensors(self.optimiser),
        }
        self.checkpoints.save(Checkpoint(groups, progress, self.identity))
        self._saved_at = time.monotonic()

    def restore(self) -> bool:
        """Continue where the last checkpoint was written; False if there is none yet.

        Raises
        ------
        CheckpointError
            If it is damaged, or belongs to another run.
        """
        found = self.checkpoints.load(self.identity) if self.checkpoints else None
        if found is None:
            return False
        self.progress = Progress.from_plain(found.progress)
        self.model.load_state_dict(found.groups["model"])
        restore_optimiser(self.optimiser, found.groups.get("optimiser", {}))
        self.average.restore(found.groups["average"], self.progress.step)
        for name, value in self.best.items():
            value.copy_(found.groups["best"][name])
        return True

    def _save_is_due(self) -> bool:
        minutes = self.config.checkpoint_minutes
        return minutes is not None and time.monotonic() - self._saved_at >= 60.0 * minutes

    def _seconds(self) -> float:
        return self.progress.seconds + time.monotonic() - self._started
