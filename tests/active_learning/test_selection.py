"""Candidates are uncertain, not absurd, and unlike each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlip.active_learning.selection import SelectionConfig, cur, farthest, select, verdicts
from mlip.settings import SettingsError, parse_settings

LINE = np.arange(10.0)[:, None]


def config(**changes) -> SelectionConfig:
    return SelectionConfig(uncertain_above=0.1, absurd_above=5.0, per_iteration=3, **changes)


def test_the_ends_come_first_then_the_middle() -> None:
    assert farthest(LINE, LINE[:1], 3) == [9, 4, 2]  # of several as far, the first counts
    assert farthest(LINE, LINE[[0, 9]], 1) == [4]


def test_a_copy_of_what_is_known_is_never_chosen() -> None:
    points = np.concatenate([LINE, LINE])
    assert sorted(farthest(points, LINE[:5], 20)) == [5, 6, 7, 8, 9]


def test_nothing_known_begins_with_the_first() -> None:
    assert farthest(LINE, np.zeros((0, 1)), 2) == [0, 9]


@given(st.integers(0, 20), st.integers(0, 8), st.integers(0, 2**16))
def test_each_choice_is_the_farthest_of_those_left(n: int, count: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n, 3))
    known = np.zeros((1, 3))
    chosen = farthest(points, known, count)
    assert len(chosen) == min(n, count)
    for number, best in enumerate(chosen):
        there = np.concatenate([known, points[chosen[:number]]])
        nearest = np.linalg.norm(points[:, None] - there, axis=-1).min(axis=1)
        assert nearest[best] == pytest.approx(nearest.max(), rel=1e-12)


def test_cur_finds_rows_that_all_others_are_made_of() -> None:
    random = np.random.default_rng(0)
    basis = random.normal(size=(3, 8))
    points = np.concatenate([basis, random.normal(size=(20, 3)) @ basis])
    known = np.zeros((4, 8))
    chosen = cur(points, known, 10)
    assert len(chosen) == 3  # the rank: the others are combinations
    made, *_ = np.linalg.lstsq(points[chosen].T, points.T, rcond=None)
    np.testing.assert_allclose(points[chosen].T @ made, points.T, rtol=0.0, atol=1e-10)


def test_cur_takes_first_what_most_points_are_like() -> None:
    """One direction has many points, another a single longer one, as farthest would begin with."""
    points = np.array([[1.0, 0.0]] * 9 + [[0.0, 2.0]] + [[1.1, 0.0]])
    known = np.zeros((1, 2))
    assert cur(points, known, 5) == [10, 9]
    assert farthest(points, known, 1) == [9]


def test_cur_measures_from_the_mean_of_what_is_known() -> None:
    points = 50.0 + np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    assert cur(points, np.full((2, 2), 50.0), 3) == [1, 2]
    assert cur(points[:1], np.full((2, 2), 50.0), 3) == []


@pytest.mark.parametrize("method", ["farthest", "cur"])
def test_only_the_uncertain_and_sane_are_chosen(method: str) -> None:
    uncertainty = np.array([0.05, 0.2, 0.3, 7.0, np.inf, 0.1, 4.0, 0.0, 0.0, 0.0])
    features = np.eye(10)
    chosen = select(config(method=method), uncertainty, features, LINE[:0] @ np.zeros((1, 10)), 0)
    assert sorted(chosen) == [1, 2, 6]
    assert set(chosen.values()) == {method}


def test_the_control_asks_for_nothing_but_sanity() -> None:
    uncertainty = np.full(10, 0.01)
    uncertainty[3] = 7.0
    chosen = select(config(method="random"), uncertainty, LINE, LINE[:1], seed=4)
    assert len(set(chosen)) == 3
    assert 3 not in chosen
    assert set(chosen.values()) == {"random"}
    assert chosen == select(config(method="random"), uncertainty, LINE, LINE[:1], seed=4)
    others = [select(config(method="random"), uncertainty, LINE, LINE[:1], s) for s in range(9)]
    assert len({tuple(sorted(other)) for other in others}) > 3


def test_a_share_is_drawn_from_all_that_are_sane() -> None:
    """Four in six labels by the method, as without the share; the certain ones get their chance."""
    uncertainty = np.array([0.2] * 20 + [0.01] * 20 + [7.0] * 20)
    features, known = np.eye(60), np.zeros((1, 60))
    mixed = SelectionConfig(absurd_above=5.0, per_iteration=6, random_share=1 / 3)
    alone = SelectionConfig(absurd_above=5.0, per_iteration=4)
    certain = 0
    for seed in range(50):
        chosen = select(mixed, uncertainty, features, known, seed)
        best = select(alone, uncertainty, features, known, seed)
        assert list(chosen.values()) == ["farthest"] * 4 + ["random"] * 2
        assert list(chosen)[:4] == list(best)
        assert max(chosen) < 40
        certain += sum(i >= 20 for i in chosen)
        assert "spare" in verdicts(mixed, uncertainty, chosen)
    assert 30 < certain < 80  # of 100, 20 of 36 each: 56, with a standard deviation of 5


def test_nothing_is_drawn_where_nothing_is_uncertain() -> None:
    """Else a campaign would never end."""
    mixed = config(random_share=0.5)
    assert select(mixed, np.full(10, 0.01), LINE, LINE[:1], seed=1) == {}
    assert select(mixed, np.full(10, 0.2), LINE[[0] * 10], LINE[:1], seed=1) == {}


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 0), (0.1, 0), (0.2, 1), (0.5, 2), (0.99, 2)])
def test_one_label_at_least_is_of_the_method(share: float, drawn: int) -> None:
    assert config(random_share=share).n_random == drawn


@pytest.mark.parametrize("content", [{"random_share": 1.0}, {"random_share": -0.1},
                                     {"random_share": 0.2, "method": "random"}])  # fmt: skip
def test_shares_that_make_no_sense_are_refused(content: dict) -> None:
    with pytest.raises(SettingsError, match="random_share"):
        parse_settings(SelectionConfig, content)


def test_no_candidates_are_no_choice() -> None:
    empty = np.zeros((0, 1))
    for method in ("farthest", "cur", "random"):
        assert select(config(method=method), np.zeros(0), empty, LINE, seed=0) == {}


def test_it_is_told_what_became_of_each_candidate() -> None:
    uncertainty = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 6.0, np.inf, np.nan])
    assert verdicts(config(), uncertainty, [5, 3, 2]) == [
        "certain", "certain", "chosen", "chosen", "spare", "chosen", "absurd", "absurd", "absurd",
    ]  # fmt: skip
    # fewer than there might have been: the others are copies of what is known
    assert verdicts(config(), uncertainty[:5], [3])[2:] == ["known", "chosen", "known"]
    assert verdicts(config(method="random"), uncertainty[:4], [0, 1, 2])[3] == "spare"
    assert verdicts(config(), np.array([]), []) == []


@given(
    st.integers(0, 30),
    st.sampled_from([("farthest", 0.0), ("farthest", 0.5), ("random", 0.0)]),
    st.integers(0, 2**16),
)
def test_whatever_is_chosen_has_that_verdict(n: int, how: tuple[str, float], seed: int) -> None:
    asked = config(method=how[0], random_share=how[1])
    random = np.random.default_rng(seed)
    uncertainty, points = random.uniform(0.0, 8.0, n), random.normal(size=(n, 2))
    chosen = select(asked, uncertainty, points, LINE[:0].repeat(2, axis=1), seed)
    found = verdicts(asked, uncertainty, chosen)
    assert [i for i, verdict in enumerate(found) if verdict == "chosen"] == sorted(chosen)
    assert found.count("absurd") == int((uncertainty > 5.0).sum())
    assert ("spare" in found) <= (len(chosen) == 3)


def test_limits_between_which_there_is_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"uncertain_above \(6\) must be below absurd_above \(5\)"):
        SelectionConfig(uncertain_above=6.0, absurd_above=5.0)
    assert SelectionConfig(method="random", uncertain_above=6.0, absurd_above=5.0)
