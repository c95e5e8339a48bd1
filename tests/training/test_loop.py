"""The loop: it learns, it comes back bit for bit, it stops with a reason, it leaves torch alone."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from silicon import crystals, graphs, molecules, small

from mlip.training.checkpoint import CheckpointError, CheckpointFolder
from mlip.training.config import FitConfig, Stage
from mlip.training.diagnosis import LossMemory
from mlip.training.loop import Trainer, TrainingError
from mlip.training.losses import LossConfig, LossTerm
from mlip.training.observers import Observer
from mlip.training.optimisers import OptimiserConfig
from mlip.training.schedules import Constant, Cosine, Plateau

CRYSTALS = crystals(10)
MIXED = [*crystals(6, seed=1), *molecules(4)]
FAST = OptimiserConfig(learning_rate=0.01)


def config(**changes) -> FitConfig:
    return FitConfig(**{"epochs": 3, "batch_atoms": 16, "optimiser": FAST, **changes})


def trainer(
    settings: FitConfig,
    folder: Path | None = None,
    *,
    frames=MIXED,
    dropout: float = 0.0,
    visits=None,
    observer: Observer | None = None,
    identity=None,
) -> Trainer:
    data = graphs(frames)
    return Trainer(
        small((1, 14), dropout=dropout),
        data,
        graphs(crystals(3, seed=9)),
        settings,
        sources=[frame.source for frame in frames],
        visits=visits,
        observer=observer,
        checkpoints=CheckpointFolder(folder) if folder else None,
        identity=identity,
    )


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


class Stop(Observer):
    """Ends the process, so to speak, after some batches."""

    def __init__(self, after: int) -> None:
        self.left = after

    def batch_done(self, loss: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def test_it_learns() -> None:
    run = trainer(config(epochs=20), frames=CRYSTALS)
    run.run()
    first, last = run.progress.history[0], run.progress.history[-1]
    assert last["valid_loss"] < 0.3 * first["valid_loss"]
    assert last["valid_forces_rmse"] < 0.7 * first["valid_forces_rmse"]
    assert last["train_loss"] < 0.3 * first["train_loss"]


def test_visits_count_as_if_the_frames_were_there_several_times() -> None:
    visits = [*range(len(MIXED)), 0, 0, 3]
    by_visits = trainer(config(epochs=2), visits=visits)
    copied = trainer(config(epochs=2), frames=[MIXED[i] for i in visits])
    once = trainer(config(epochs=2))
    for run in (by_visits, copied, once):
        run.run()
    assert by_visits.progress.step > once.progress.step
    assert torch.equal(weights(by_visits.model), weights(copied.model))
    assert not torch.equal(weights(by_visits.model), weights(once.model))


def test_the_final_model_is_the_best_by_validation() -> None:
    run = trainer(config(epochs=6, optimiser=OptimiserConfig(learning_rate=0.3)))
    run.run()
    losses = [row["valid_loss"] for row in run.progress.history]
    assert run.progress.best_epoch == 1 + int(np.argmin(losses))
    assert run.validate().loss() == pytest.approx(min(losses), rel=1e-12)


def test_the_final_model_is_the_last_where_that_is_kept() -> None:
    run = trainer(config(epochs=6, optimiser=OptimiserConfig(learning_rate=0.3), keep="last"))
    run.run()
    losses = [row["valid_loss"] for row in run.progress.history]
    assert run.progress.best_epoch < 6
    assert run.validate().loss() == pytest.approx(losses[-1], rel=1e-12)


SCHEDULES = [Constant(), Cosine(warmup_epochs=1.0), Plateau(patience=1)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
@pytest.mark.parametrize("after", [0, 7, 11])
def test_stopped_and_resumed_equals_uninterrupted(tmp_path: Path, schedule, after: int) -> None:
    settings = config(schedule=schedule, checkpoint_minutes=0.0)
    whole = trainer(settings, dropout=0.2)
    whole.run()
    part = trainer(settings, tmp_path, dropout=0.2, observer=Stop(after))
    with pytest.raises(KeyboardInterrupt):
        part.run()
    rest = trainer(settings, tmp_path, dropout=0.2)
    assert rest.restore() == (after > 0)
    assert rest.progress.step == after
    rest.run()
    assert torch.equal(weights(whole.model), weights(rest.model))
    for mine, theirs in zip(whole.progress.history, rest.progress.history, strict=True):
        assert mine.keys() == theirs.keys()
        assert all(mine[key] == theirs[key] for key in mine.keys() - {"seconds"})


def test_without_minutes_checkpoints_are_at_the_ends_of_epochs(tmp_path: Path) -> None:
    settings = config(checkpoint_minutes=None)
    batches = len(trainer(settings)._batches())
    part = trainer(settings, tmp_path, observer=Stop(2 * batches - 1))
    with pytest.raises(KeyboardInterrupt):
        part.run()
    rest = trainer(settings, tmp_path)
    rest.restore()
    assert (rest.progress.epoch, rest.progress.batch, rest.progress.step) == (1, 0, batches)


def test_epochs_are_a_total_and_may_be_raised(tmp_path: Path) -> None:
    constant = Constant()
    trainer(config(epochs=2, schedule=constant), tmp_path).run()
    longer = trainer(config(epochs=4, schedule=constant), tmp_path)
    longer.restore()
    longer.run()
    whole = trainer(config(epochs=4, schedule=constant))
    whole.run()
    assert torch.equal(weights(whole.model), weights(longer.model))
    again = trainer(config(epochs=4, schedule=constant), tmp_path)
    again.restore()
    again.run()
    assert len(again.progress.history) == 4


def test_another_config_or_data_is_refused(tmp_path: Path) -> None:
    trainer(config(epochs=1), tmp_path, identity={"data": "a"}).run()
    with pytest.raises(CheckpointError, match=r"config\.ema"):
        trainer(config(epochs=1, ema=0.5), tmp_path, identity={"data": "a"}).restore()
    with pytest.raises(CheckpointError, match="data: 'a' in the checkpoint, now 'b'"):
        trainer(config(epochs=1), tmp_path, identity={"data": "b"}).restore()


def test_a_seed_decides_everything() -> None:
    runs = [trainer(config(seed=seed), dropout=0.2) for seed in (0, 0, 1)]
    for run in runs:
        run.run()
    assert torch.equal(weights(runs[0].model), weights(runs[1].model))
    assert not torch.equal(weights(runs[0].model), weights(runs[2].model))


def test_global_state_is_untouched() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    np_before = np.random.get_state()[1].copy()  # noqa: NPY002
    trainer(config(epochs=1), dropout=0.2).run()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == before[1:]
    assert (np.random.get_state()[1] == np_before).all()  # noqa: NPY002


def test_every_parameter_learns_even_if_its_element_is_rare() -> None:
    frames = [*crystals(8), *molecules(1)]
    run = trainer(config(epochs=2, batch_atoms=8), frames=frames)
    before = weights(run.model)
    seen = []

    class Watch(Observer):
        def batch_done(self, loss: float) -> None:
            seen.append(all(p.grad is not None for p in run.model.parameters()))

    run.observer = Watch()
    run.run()
    assert all(seen)
    change = weights(run.model) != before
    biases = {id(n[-1].bias) for n in run.model.networks}
    for p, moved in zip(run.parameters, change.split([p.numel() for p in run.parameters])):
        assert id(p) in biases or moved.any()


def test_early_stopping() -> None:
    diverging = OptimiserConfig(learning_rate=0.3)
    run = trainer(config(epochs=60, early_stopping=3, optimiser=diverging, schedule=Constant()))
    run.run()
    assert run.progress.epoch < 60
    assert run.progress.epoch == run.progress.best_epoch + 3


def test_clipping_bounds_the_gradient() -> None:
    norms = []
    run = trainer(config(epochs=1, gradient_clip=1e-3))

    class Watch(Observer):
        def batch_done(self, loss: float) -> None:
            norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in run.parameters)))

    run.observer = Watch()
    run.run()
    assert norms
    assert max(norms) <= 1e-3 * (1 + 1e-9)


def test_a_later_stage_changes_the_loss_and_forgets_the_best() -> None:
    heavy = LossConfig(energy=LossTerm(weight=100.0))
    run = trainer(config(epochs=4, stages=(Stage(from_epoch=2, loss=heavy),)))
    run.run()
    rows = run.progress.history
    assert rows[2]["valid_loss"] > 5.0 * rows[1]["valid_loss"]
    assert run.progress.best_epoch > 2
    with pytest.raises(ValueError, match="one after another"):
        config(stages=(Stage(from_epoch=2, loss=heavy), Stage(from_epoch=1, loss=heavy)))


def test_a_loss_that_is_not_finite_names_the_frame(tmp_path: Path) -> None:
    frames = crystals(4)
    frames[2].labels["forces"][0, 1] = math.inf
    with pytest.raises(TrainingError, match=r"epoch 1, batch \d.*crystal\.xyz#2 \(forces\)"):
        trainer(config(), frames=frames).run()


def test_weights_that_explode_are_an_error() -> None:
    wild = OptimiserConfig(learning_rate=1e200)
    with pytest.raises(TrainingError, match="not finite in epoch 1"):
        trainer(config(optimiser=wild, schedule=Constant(), ema=0.0)).run()


def test_a_loss_that_grew_before_is_blamed_on_the_learning_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LossMemory, "growth", lambda _self: "the loss had grown before")
    wild = OptimiserConfig(learning_rate=1e200)
    advice = r"the loss had grown before: lower optimiser\.learning_rate \(it is 1e\+200\)"
    with pytest.raises(TrainingError, match=advice):
        trainer(config(optimiser=wild, schedule=Constant(), ema=0.0)).run()


def test_a_loss_that_met_a_harder_batch_has_not_grown() -> None:
    memory = LossMemory()
    for loss in (5.0, 0.1, 90.0, math.nan):
        memory.note(loss)
    assert memory.growth() is None
    memory.note(2e3)
    assert memory.growth() == "the loss had grown from 0.1 to 2e+03 before"


def test_float32_weights_stay_float32() -> None:
    run = trainer(config(epochs=1))
    model = run.model.to(torch.float32)
    run = Trainer(model, run.train, run.valid, run.config, sources=run.sources)
    run.run()
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert math.isfinite(run.progress.history[0]["valid_loss"])
