"""New labels tell how wrong a potential was; those of several iterations, whether it knew."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st

from mlip.active_learning.judgement import (
    POOLED_LABELS,
    Comparison,
    judge,
    pool_in_words,
    pooled_iterations,
)
from mlip.data import Frame
from mlip.training.calibration import NothingToCompareError, expected_within

USED = {"forces": {"factor": 2.0, "correlation": 0.5, "n_structures": 7, "source": "before"}}


def comparison(
    wrong: np.ndarray, uncertain: np.ndarray, name: str = "label", energy: float = 0.3
) -> Comparison:
    """Structures of hydrogen: errors (structures, atoms, 3), uncertainties (structures, atoms)."""
    zero = np.zeros_like(wrong[0])
    frames = [
        Frame(Atoms(f"H{len(zero)}"), {"energy": np.asarray(0.0), "forces": zero}, "x",
              f"{name} {number}")
        for number in range(len(wrong))
    ]  # fmt: skip
    predictions = [{"energy": np.asarray(energy), "forces": one} for one in wrong]
    return Comparison(frames, predictions, [{"forces": one} for one in uncertain])


def random_comparison(n: int, factor: float, seed: int, name: str = "label") -> Comparison:
    """Uncertainties that are too small by a factor."""
    random = np.random.default_rng(seed)
    uncertain = random.uniform(0.1, 1.0, (n, 3))
    wrong = factor * uncertain[..., None] * random.normal(0, 3**-0.5, (n, 3, 3))
    return comparison(wrong, uncertain, name)


@pytest.mark.parametrize(
    ("new", "pool"),
    [
        ({1: 8}, [1]),
        ({1: 8, 2: 8}, [1, 2]),
        ({1: 8, 2: 8, 3: 8}, [1, 2, 3]),
        ({1: 8, 2: 8, 3: 8, 4: 8}, [2, 3, 4]),
        ({1: 3, 2: 40, 3: 40}, [3]),
        ({1: 10, 2: 10, 3: 10}, [2, 3]),
        ({1: 30, 2: 1}, [1, 2]),
    ],
)
def test_as_many_iterations_as_have_labels_enough(new: dict[int, int], pool: list[int]) -> None:
    assert POOLED_LABELS == 20
    assert pooled_iterations(new) == pool


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_the_pool_is_the_shortest_that_suffices(counts: list[int]) -> None:
    pool = pooled_iterations(dict(enumerate(counts, start=1)))
    assert pool == list(range(pool[0], len(counts) + 1))
    total = sum(counts[n - 1] for n in pool)
    assert total >= POOLED_LABELS or pool[0] == 1
    assert total - counts[pool[0] - 1] < POOLED_LABELS


def test_the_pool_is_told_in_words() -> None:
    assert pool_in_words([3], 8) == "8 new labels of iteration 3, by the model before"
    several = "24 new labels of iterations 2 to 4, each by the model before it"
    assert pool_in_words([2, 3, 4], 24) == several


def test_errors_are_those_of_the_latest_labels_and_the_factor_is_of_all() -> None:
    early, late = random_comparison(12, 3.0, 1, "early"), random_comparison(8, 2.0, 2, "late")
    found = judge(late, [early], "all of them", used_scale=3.0, used=USED)
    wrong = np.concatenate(late.wrong)
    assert found.force_rms == pytest.approx(np.sqrt(np.mean(wrong**2)), rel=1e-12)
    assert found.energy_rms == pytest.approx(0.1, rel=1e-12)
    assert found.keys == [f"late {number}" for number in range(8)]
    assert found.predicted == [one["forces"].max() for one in late.uncertainties]
    ratios = [
        np.linalg.norm(error, axis=1) / uncertain["forces"]
        for one in (early, late)
        for error, uncertain in zip(one.wrong, one.uncertainties)
    ]
    assert found.scale == pytest.approx(np.sqrt(np.mean(np.square(ratios))), rel=1e-12)
    card = found.calibration["forces"]
    assert (card["factor"], card["n_structures"]) == (found.scale, 20)
    assert card["source"] == "all of them"
    sigma = 3.0 * np.concatenate([one["forces"] for one in late.uncertainties])
    within = [np.mean(np.linalg.norm(wrong, axis=1) <= many * sigma) for many in (1.0, 2.0)]
    assert found.within == within


def test_a_pool_swings_less_than_what_it_is_made_of() -> None:
    """Iterations of five labels whose atoms all err alike: 1 / sqrt(2 n) is a third for them, a
    sixth for twenty."""
    random = np.random.default_rng(3)
    errors = random.normal(0, 1, (4000, 5, 1, 1)) * np.full((1, 1, 3, 3), 3**-0.5)
    comparisons = [comparison(one, np.ones((5, 3))) for one in errors]
    alone = [judge(one, [], "x").scale for one in comparisons]
    pools = zip(comparisons[::4], comparisons[1::4], comparisons[2::4], comparisons[3::4])
    together = [judge(d, [a, b, c], "x").scale for a, b, c, d in pools]
    assert np.std(alone) == pytest.approx(10**-0.5, rel=0.1)
    assert np.std(together) == pytest.approx(40**-0.5, rel=0.1)
    assert np.mean(together) == pytest.approx(1.0, abs=0.02)


def test_errors_that_are_normal_are_within_as_they_should_be() -> None:
    found = judge(random_comparison(20_000, 2.0, 5), [], "x", used_scale=2.0)
    assert found.within == pytest.approx([expected_within(n, 3) for n in (1.0, 2.0)], abs=0.01)


def test_without_any_error_the_calibration_stays() -> None:
    for uncertain in (np.ones((2, 3)), np.zeros((2, 3))):
        exact = comparison(np.zeros((2, 3, 3)), uncertain, energy=0.0)
        found = judge(exact, [], "two labels", used_scale=2.0, used=USED)
        assert (found.scale, found.calibration) == (2.0, USED)
        assert (found.force_rms, found.energy_rms) == (0.0, 0.0)
        assert np.isnan(found.correlation)
        assert found.within == ([1.0, 1.0] if uncertain.any() else None)


def test_labels_without_error_count_beside_others() -> None:
    exact = comparison(np.zeros((2, 3, 3)), np.ones((2, 3)))
    other = comparison(np.full((2, 3, 3), 3**-0.5), np.ones((2, 3)))
    assert judge(exact, [other], "four").scale == pytest.approx(0.5**0.5, rel=1e-12)
    vanishing = comparison(np.zeros((2, 3, 3)), np.zeros((2, 3)))  # by symmetry: tells nothing
    assert judge(vanishing, [other], "four").scale == pytest.approx(1.0, rel=1e-12)


def test_without_any_error_nor_a_factor_from_before_it_is_told_what_to_do() -> None:
    exact = comparison(np.zeros((2, 3, 3)), np.ones((2, 3)))
    with pytest.raises(
        NothingToCompareError, match=r"(?s)validation set is exactly zero.*distorte"
    ):
        judge(exact, [], "validation set")


@pytest.mark.parametrize("used_scale", [None, 2.0])
@pytest.mark.parametrize("nothing", [0.0, np.inf])
def test_an_uncertainty_that_is_always_zero_is_refused_where_forces_are_wrong(
    nothing: float, used_scale: float | None
) -> None:
    sure = comparison(np.full((2, 3, 3), 0.25), np.full((2, 3), nothing))
    with pytest.raises(NothingToCompareError, match=r"by up to 250 meV/Å.*another `uncertainty`"):
        judge(sure, [], "two labels", used_scale, USED)
