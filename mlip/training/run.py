"""A training run from its config to its folder: config.yaml, train.log, log.csv, checkpoints/,
model.safetensors and report.html."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from ase.data import chemical_symbols

from mlip.data import GraphDataset, ReferenceEnergies
from mlip.durable import write_whole
from mlip.graph import AtomicGraph
from mlip.models import (
    DatasetCard,
    Equivariant,
    ErrorCard,
    ModelCard,
    Potential,
    build_model,
    evaluate,
    save_model,
)
from mlip.models.placement import as_dtype, on_threads
from mlip.settings import dump_settings
from mlip.training.checkpoint import CheckpointFolder, require_same_run
from mlip.training.config import TrainingConfig
from mlip.training.freed_memory import keep_freed_memory
from mlip.training.inputs import Inputs, read_inputs
from mlip.training.loggers import build_loggers
from mlip.training.loop import Trainer
from mlip.training.losses import Loss
from mlip.training.metrics import Errors, errors
from mlip.training.observers import Observer, Observers, Summary
from mlip.training.parallel import Ranks, device_of_rank, joined_ranks
from mlip.training.preparation import prepared
from mlip.training.report import write_report

#: Atoms at once when the final model is judged.
_JUDGED_AT_ONCE = 512
#: Reference energies of a run that is continued may differ by rounding, as on another machine, eV.
_SAME_ENERGY = 1e-5


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The files of a run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def checkpoints(self) -> CheckpointFolder:
        return CheckpointFolder(self.path / "checkpoints")

    def claim(self, resume: bool) -> None:
        """Make the folder ready for a run.

        Raises
        ------
        ValueError
            If it holds a run already, which is not to be resumed.
        """
        if not resume and (self.config.exists() or self.checkpoints.folder.exists()):
            raise ValueError(
                f"{self.path} already holds a run. Continue it with --resume, or choose another "
                "folder with --run-folder (or --output-dir)"
            )
        self.path.mkdir(parents=True, exist_ok=True)

    def release(self) -> None:
        """Leave a folder in which nothing was learned to the next run; the log stays."""
        if not any(path.exists() for path in (self.checkpoints.last, self.checkpoints.previous)):
            self.config.unlink(missing_ok=True)


def train(
    config: TrainingConfig,
    run_folder: str | Path,
    *,
    resume: bool = False,
    observers: Sequence[Observer] = (),
) -> dict[str, Errors]:
    """Train a potential; the run folder then holds all there is to know about it. From then on the
    process keeps the memory it frees (`mlip.training.freed_memory`).

    Parameters
    ----------
    config : with paths that are valid from here (`DataConfig.relative_to`)
    resume : continue the run in the folder; one that has no checkpoint yet starts anew

    Returns
    -------
    Errors of the final model by split, on the first rank.

    Raises
    ------
    ValueError
        If config, data, folder or checkpoint cannot be used, or the loss becomes NaN.
    """
    device = device_of_rank(config.device)
    folder = RunFolder(Path(run_folder))
    keep_freed_memory()
    with joined_ranks(device) as ranks:
        if ranks.first:
            folder.claim(resume)
        ranks.wait()
        logs = (
            build_loggers(config.loggers, folder.path, config.model_dump(mode="json"))
            if ranks.first
            else []
        )
        observer = Observers([*logs, *observers] if ranks.first else [])
        try:
            with on_threads(config.threads):
                return _train(config, folder, resume, observer, ranks, device)
        except BaseException as problem:
            if isinstance(problem, Exception):
                observer.warning(f"stopped: {problem}")
            if ranks.first:
                folder.release()
            raise
        finally:
            observer.close()


def _train(
    config: TrainingConfig,
    folder: RunFolder,
    resume: bool,
    observer: Observer,
    ranks: Ranks,
    device: torch.device,
) -> dict[str, Errors]:
    required = {name for loss in config.losses() for name in loss.required()}
    inputs = read_inputs(config.data, sorted(required), config.seed)
    config = _resolved(config, inputs)
    _check_limit(config, inputs.references)
    model = new_model(config, inputs.species)
    datasets = {n: GraphDataset(frames, model.cutoff) for n, frames in inputs.splits().items()}
    _check_validation(datasets["valid"], config)
    model.adapt(datasets["train"])
    model.composition.set(inputs.references.values, inputs.scale)
    model.start_from(inputs.mean_energies)
    model.to(device=device, dtype=as_dtype(config.dtype))
    summary = summarise(config, inputs, datasets, model, ranks)
    observer.data_read(summary)
    _tell_of_idle_stages(config, observer)
    count = len(datasets["train"])
    both = [*datasets["train"], *datasets["valid"]]
    graphs = prepared(model, both, config.precompute_gib, observer)
    trainer = Trainer(
        model,
        graphs[:count],
        graphs[count:],
        config,
        sources=[frame.source for frame in inputs.train],
        visits=inputs.visits,
        observer=observer,
        ranks=ranks,
        checkpoints=folder.checkpoints,
        identity={
            "data": {name: datasets[name].fingerprint for name in ("train", "valid")},
            "species": list(summary.elements),
            "repeat": config.data.repeat,
        },
    )
    if resume:
        _resume(trainer, folder, inputs.references, observer)
    if ranks.first:
        write_whole(folder.config, dump_settings(config).encode())
    trainer.run()
    return _conclude(config, folder, inputs, datasets, trainer, summary, observer)


def new_model(config: TrainingConfig, species: Sequence[int]) -> Potential:
    """The model of a config, with random weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return build_model(config.model, species)


def judge(model: Potential, dataset: GraphDataset) -> Errors:
    """Errors of a model on labelled graphs."""
    names = {name for frame in dataset.frames for name in frame.labels}
    found = evaluate(model, dataset, sorted(names), batch_atoms=_JUDGED_AT_ONCE)
    return errors(found, dataset.frames)


def summarise(
    config: TrainingConfig,
    inputs: Inputs,
    datasets: Mapping[str, GraphDataset],
    model: Potential,
    ranks: Ranks,
) -> Summary:
    """What the run is about to do."""
    return Summary(
        visits=len(inputs.visits),
        structures={name: len(dataset) for name, dataset in datasets.items()},
        atoms={name: sum(dataset.atom_counts) for name, dataset in datasets.items()},
        unlabelled={name: _unlabelled(dataset, config) for name, dataset in datasets.items()},
        labels_found=inputs.labels_found,
        trained_on=config.trained_on(),
        elements=tuple(chemical_symbols[z] for z in inputs.species),
        references=inputs.references,
        scale=inputs.scale,
        model=config.model.name,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        cutoff=model.cutoff,
        neighbours=datasets["train"].mean_neighbours,
        device=str(model.device),
        dtype=config.dtype,
        ranks=ranks.size,
        seed=config.seed,
    )


def _unlabelled(dataset: GraphDataset, config: TrainingConfig) -> dict[str, int]:
    """How many frames lack a property that is trained on; only properties that some lack."""
    counts = {
        name: sum(name not in frame.labels for frame in dataset.frames)
        for name in config.trained_on()
    }
    return {name: count for name, count in counts.items() if count}


def _resolved(config: TrainingConfig, inputs: Inputs) -> TrainingConfig:
    """The config with what follows from the data: loss terms only for labels that are there, and
    the size of batches."""
    found = inputs.labels()
    stages = tuple(
        stage.model_copy(update={"loss": stage.loss.restricted_to(found)})
        for stage in config.stages
    )
    loss = config.loss.restricted_to(found)
    changed = config.model_copy(update={"loss": loss, "stages": stages})
    return changed.with_batches_for(inputs.atoms_visited)


def _tell_of_idle_stages(config: TrainingConfig, observer: Observer) -> None:
    idle = [str(s.from_epoch) for s in config.stages if s.from_epoch >= config.epochs]
    if idle:
        observer.message(
            f"the run ends after epoch {config.epochs}: stages after epoch {', '.join(idle)} are "
            "not reached"
        )


def _check_limit(config: TrainingConfig, references: ReferenceEnergies) -> None:
    """Energies by least squares are those of bound atoms, not of an atom alone."""
    limited = isinstance(config.model, Equivariant.Config) and config.model.isolated_limit
    if limited and references.source == "least squares":
        raise ValueError(
            "model.isolated_limit needs the energies of isolated atoms, and the references are "
            "from a least squares fit: give data.reference_energies by symbol, or a labelled frame "
            "of one atom for each element"
        )


def _check_validation(valid: Sequence[AtomicGraph], config: TrainingConfig) -> None:
    """The validation data must be able to tell a better epoch from a worse one."""
    for loss in config.losses():
        missing = [n for n in Loss(loss).terms if not any(n in graph.labels for graph in valid)]
        if missing:
            raise ValueError(
                f"no validation frame has a label for {', '.join(missing)}, which the loss "
                "contains: add such frames to data.valid, or leave the term out"
            )


def _resume(
    trainer: Trainer, folder: RunFolder, references: ReferenceEnergies, observer: Observer
) -> None:
    if not trainer.restore():
        observer.message("there is no checkpoint yet: the run starts from the beginning")
        return
    changed = _changed_references(trainer.model, references)
    require_same_run(folder.checkpoints.last, changed)
    progress = trainer.progress
    within = f" and {progress.batch} batches" if progress.batch else ""
    observer.message(f"resumed after epoch {progress.epoch}{within}")


def _changed_references(model: Potential, references: ReferenceEnergies) -> list[str]:
    """Which reference energies of a restored model are not those of the data and config."""
    restored = zip(model.species, model.composition.reference_energies.tolist())
    return [
        f"reference energy of {chemical_symbols[z]}: {kept:.5f} eV in the checkpoint, "
        f"now {references.values[z]:.5f} eV"
        for z, kept in restored
        if abs(kept - references.values[z]) > _SAME_ENERGY
    ]


def _conclude(
    config: TrainingConfig,
    folder: RunFolder,
    inputs: Inputs,
    datasets: Mapping[str, GraphDataset],
    trainer: Trainer,
    summary: Summary,
    observer: Observer,
) -> dict[str, Errors]:
    """Judge the final model; write it and the report. On the first rank alone."""
    if not trainer.ranks.first:
        return {}
    found = {name: judge(trainer.model, dataset) for name, dataset in datasets.items()}
    save_model(folder.model, trainer.model, _card(config, inputs, datasets["train"], found))
    progress = trainer.progress
    write_report(folder.report, config, summary, progress.history, progress.best_epoch, found)
    observer.finished(found)
    return found


def _card(
    config: TrainingConfig, inputs: Inputs, data: GraphDataset, found: Mapping[str, Errors]
) -> ModelCard:
    """What only the run knows about the model."""
    return ModelCard(
        reference_energies_source=inputs.references.source,
        dataset=DatasetCard(
            fingerprint=data.fingerprint,
            n_structures=len(data),
            n_atoms=sum(data.atom_counts),
            level_of_theory=config.data.level_of_theory,
        ),
        errors={
            split: {
                name: ErrorCard(mae=part.mae, rmse=part.rmse, unit=part.unit)
                for name, part in judged.overall.items()
            }
            for split, judged in found.items()
        },
        seed=config.seed,
    )
