import pytest
import torch
from silicon import small

from mlip.training.optimisers import (
    OptimiserConfig,
    build_optimiser,
    optimiser_tensors,
    restore_optimiser,
    set_learning_rate,
)

NAMES = ("adam", "adamw", "amsgrad", "rotated_adam")


def step(model: torch.nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)
    set_learning_rate(optimiser, 0.01 / (1 + seed))
    optimiser.step()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_a_restored_optimiser_makes_the_same_steps(name: str, weight_decay: float) -> None:
    config = OptimiserConfig(name=name, weight_decay=weight_decay)
    first, second = small(), small(seed=1)
    one, other = build_optimiser(config, first), build_optimiser(config, second)
    for seed in range(12):
        step(first, one, seed)
    second.load_state_dict(first.state_dict())
    saved = {k: v.clone() for k, v in optimiser_tensors(one).items()}
    restore_optimiser(other, saved)
    for seed in range(12, 24):
        step(first, one, seed)
        step(second, other, seed)
    for mine, theirs in zip(first.parameters(), second.parameters()):
        assert torch.equal(mine, theirs)


def test_names_mean_different_optimisers() -> None:
    ends = {}
    for name in NAMES:
        model = small()
        optimiser = build_optimiser(OptimiserConfig(name=name, weight_decay=0.1), model)
        for seed in range(20):
            step(model, optimiser, seed)
        ends[name] = next(model.parameters()).detach().clone()
    assert not torch.equal(ends["adam"], ends["adamw"])
    assert not torch.equal(ends["adam"], ends["amsgrad"])
    assert not torch.equal(ends["adamw"], ends["rotated_adam"])


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_model_lets_decay_decays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small()
    first, *others = model.parameters()
    before = [p.detach().clone() for p in others]
    size = float(first.detach().norm())
    monkeypatch.setattr(model, "decaying_parameters", lambda: [first])
    optimiser = build_optimiser(OptimiserConfig(name=name, weight_decay=0.1), model)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimiser.step()
    assert float(first.detach().norm()) < size
    assert all(torch.equal(p, q) for p, q in zip(others, before))
