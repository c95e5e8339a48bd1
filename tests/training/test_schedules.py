import math

import pytest

from mlip.training.schedules import (
    Constant,
    Cosine,
    Exponential,
    Plateau,
    PlateauState,
    rate_fraction,
)


def fraction(schedule, epoch: float, epochs: int = 10, state: PlateauState | None = None) -> float:
    return rate_fraction(schedule, epoch, epochs, state or PlateauState())


@pytest.mark.parametrize("kind", [Constant, Cosine, Exponential, Plateau])
def test_warmup_rises_linearly_to_the_full_rate(kind) -> None:
    schedule = kind(warmup_epochs=2.0)
    assert [fraction(schedule, e) for e in (0.0, 0.5, 1.0, 2.0)] == [0.0, 0.25, 0.5, 1.0]


def test_cosine_ends_at_its_final_fraction() -> None:
    schedule = Cosine(warmup_epochs=2.0, final_fraction=0.1)
    assert fraction(schedule, 10.0) == pytest.approx(0.1, rel=1e-12)
    assert fraction(schedule, 6.0) == pytest.approx(0.55, rel=1e-12)
    values = [fraction(schedule, 2.0 + 0.1 * i) for i in range(81)]
    assert values == sorted(values, reverse=True)


def test_exponential_falls_by_the_same_factor_to_its_final_fraction() -> None:
    schedule = Exponential(warmup_epochs=2.0, final_fraction=0.0001)
    found = [fraction(schedule, epoch) for epoch in (2.0, 4.0, 6.0, 8.0, 10.0)]
    assert found == pytest.approx([1.0, 0.1, 0.01, 0.001, 0.0001], rel=1e-12)


def test_a_warmup_longer_than_the_run_is_no_division_by_zero() -> None:
    assert fraction(Cosine(warmup_epochs=10.0), 10.0) == 1.0


def test_constant_is_constant() -> None:
    assert {fraction(Constant(), 0.1 * e) for e in range(100)} == {1.0}


def test_plateau_waits_and_reduces_to_its_floor() -> None:
    schedule, state = Plateau(factor=0.5, patience=2, final_fraction=0.2), PlateauState()
    seen = []
    for loss in (1.0, 0.9, 0.95, 0.9, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        state.observe(schedule, loss)
        seen.append(fraction(schedule, 5.0, state=state))
    assert seen == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]
    assert state.best == 0.8
    assert math.isfinite(state.best)
