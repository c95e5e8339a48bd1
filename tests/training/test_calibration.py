"""Predicted uncertainties against errors: the factor, the shares, and what a model keeps of it."""

import numpy as np
import pytest
import torch
from silicon import crystals, molecules, small
from toy import toy

from mlip.data import Frame
from mlip.graph import AtomicGraph
from mlip.models import Committee, evaluate
from mlip.training.calibration import (
    NothingToCompareError,
    calibrate,
    calibrate_model,
    calibration_cards,
    calibrations,
    expected_within,
    own_uncertainties,
    root_mean_squares,
)

N = 20_000


def normal_errors(scale: float, components: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Uncertainties that are too small by a factor, and errors."""
    random = np.random.default_rng(seed)
    predicted = random.uniform(0.01, 1.0, N)
    each = scale * predicted[:, None] / np.sqrt(components)
    return predicted, each * random.normal(size=(N, components))


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_the_factor_is_found(scale: float, components: int) -> None:
    predicted, errors = normal_errors(scale, components)
    halves = slice(None, 5), slice(5, None)
    found = calibrate([predicted[h] for h in halves], [errors[h] for h in halves])
    # a mean over N squares with variance 2 / components: relative error of the root 0.5 % at most
    assert found.factor == pytest.approx(scale, rel=0.02)
    assert found.correlation is not None
    assert found.correlation > 0.4
    assert (found.n_structures, len(found.found)) == (2, N)


@pytest.mark.parametrize(("components", "expected"), [(1, (0.6827, 0.9545)), (3, (0.6084, 0.9926))])
def test_as_many_errors_are_within_as_should_be(components: int, expected: tuple) -> None:
    predicted, errors = normal_errors(1.0, components)
    found = calibrate([predicted], [errors])
    assert found.expected_within == pytest.approx(expected, abs=5e-5)
    # four standard deviations of a share of N
    assert found.within == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(N))
    flattering = calibrate([predicted / 3.0], [errors])
    assert flattering.within[0] == pytest.approx(expected_within(1 / 3, components), abs=0.015)


def test_a_spread_that_knows_nothing_does_not_correlate() -> None:
    random = np.random.default_rng(2)
    predicted, errors = random.uniform(0.1, 1.0, 5000), random.uniform(0.1, 1.0, (5000, 1))
    correlation = calibrate([predicted], [errors]).correlation
    assert correlation is not None
    assert abs(correlation) < 0.05  # 3.5 / sqrt(5000)


def test_atoms_fixed_by_symmetry_and_unknown_elements_do_not_decide() -> None:
    found = calibrate(
        [np.array([1.0, 2.0, 1e-9, np.inf])], [np.array([[1.0], [2.0], [0.1], [5.0]])]
    )
    assert found.factor == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_array_equal(found.found, [1.0, 2.0, 0.1])


def test_shares_are_counted_over_all_arrays_and_by_any_factor() -> None:
    predicted = [np.array([1.0, 1.0]), np.array([0.5, np.inf])]
    found = calibrate(predicted, [np.array([[0.5], [1.5]]), np.array([[1.5], [0.1]])])
    assert found.within == pytest.approx([1 / 3, 2 / 3])
    assert found.within_by(1.5) == pytest.approx([2 / 3, 1.0])
    assert found.within_by(1.0) == found.within


def test_where_nothing_is_wrong_the_factor_is_zero_and_no_card_is_made() -> None:
    found = calibrate([np.ones(2)], [np.zeros((2, 3))])
    assert (found.factor, found.correlation, found.within) == (0.0, None, (1.0, 1.0))
    told = "every error of forces in five labels is exactly zero.*its own predictions"
    with pytest.raises(NothingToCompareError, match=told):
        calibration_cards({"forces": found}, "five labels")


def test_equal_predictions_have_no_correlation() -> None:
    assert calibrate([np.ones(3)], [np.ones((3, 1))]).correlation is None


@pytest.mark.parametrize("predicted", [[], [0.0, 0.0], [np.inf]])
def test_nothing_to_compare_is_an_error(predicted: list[float]) -> None:
    with pytest.raises(NothingToCompareError, match="no uncertainty"):
        calibrate([np.array(predicted)], [np.ones((len(predicted), 3))])


def test_energies_are_compared_per_atom_and_forces_by_component() -> None:
    frames = [crystals(1)[0], molecules(1)[0]]
    shift, push = 0.3, np.array([0.0, 0.3, 0.4])
    predictions = [
        {"energy": np.asarray(f.labels["energy"] + shift), "forces": f.labels["forces"] + push}
        for f in frames
    ]
    guess = [{"energy": np.asarray(0.1), "forces": np.full(len(f), 0.25)} for f in frames]
    found = calibrations(predictions, guess, frames)
    assert {name: one.factor for name, one in found.items()} == pytest.approx(
        {"energy": 3.0, "forces": 2.0}, rel=1e-9
    )
    per_atom = np.sqrt(np.mean([1 / len(f) ** 2 for f in frames]))
    assert root_mean_squares("energy", found["energy"]) == (
        pytest.approx(1e2 * per_atom), pytest.approx(3e2 * per_atom), "meV/atom"
    )  # fmt: skip
    assert root_mean_squares("forces", found["forces"]) == (
        pytest.approx(250 / np.sqrt(3)), pytest.approx(500 / np.sqrt(3)), "meV/Å"
    )  # fmt: skip


def committee() -> Committee:
    return Committee([small((1, 14), seed=seed) for seed in range(3)])


FRAMES = [*crystals(2), *molecules(2)]


def uncertain_results(model: Committee) -> list[dict[str, np.ndarray]]:
    graphs = [AtomicGraph.from_atoms(frame.atoms) for frame in FRAMES]
    want = ("energy", "forces", "energy_uncertainty", "forces_uncertainty")
    return evaluate(model, graphs, want)


def test_a_calibrated_model_is_right_on_the_same_labels() -> None:
    model = committee()
    before = uncertain_results(model)
    found = calibrate_model(model, FRAMES, "four structures")
    after = uncertain_results(model)
    for name, one in found.items():
        assert model.calibration[name].factor == one.factor != 1.0
        assert model.calibration[name].source == "four structures"
        assert model.calibration[name].n_structures == 4
        for old, new in zip(before, after):
            key = f"{name}_uncertainty"
            np.testing.assert_allclose(new[key], one.factor * old[key], rtol=1e-12)
            np.testing.assert_array_equal(new[name], old[name])
    again = calibrations(after, own_uncertainties(after), FRAMES)
    assert [one.factor for one in again.values()] == pytest.approx([1.0, 1.0], rel=1e-12)


def test_calibrating_again_replaces_what_was_found() -> None:
    once, twice = committee(), committee()
    calibrate_model(once, FRAMES[:2], "crystals")
    calibrate_model(twice, FRAMES[2:], "molecules")
    calibrate_model(twice, FRAMES[:2], "crystals")
    for name, card in once.calibration.items():
        assert twice.calibration[name].factor == pytest.approx(card.factor, rel=1e-12)


def test_one_kind_of_label_calibrates_one_property() -> None:
    model = committee()
    frames = [Frame(f.atoms, {"forces": f.labels["forces"]}, "x", f.source) for f in FRAMES]
    assert set(calibrate_model(model, frames, "forces alone")) == {"forces"}
    assert set(model.calibration) == {"forces"}


def test_a_model_is_not_calibrated_on_its_own_predictions() -> None:
    model = committee()
    own = [
        Frame(f.atoms, {name: found[name] for name in ("energy", "forces")}, "x", f.source)
        for f, found in zip(FRAMES, uncertain_results(model))
    ]
    with pytest.raises(NothingToCompareError, match="every error of energy in data is exactly"):
        calibrate_model(model, own, "data")
    assert not model.calibration


def test_members_that_do_not_differ_calibrate_nothing() -> None:
    model = Committee([small((1, 14), seed=0)] * 2)
    with pytest.raises(NothingToCompareError, match=r"every uncertainty there is exactly zero"):
        calibrate_model(model, FRAMES, "data")


def test_a_model_without_uncertainty_or_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know its uncertainty"):
        calibrate_model(toy((1, 14)), FRAMES, "data")
    bare = [Frame(f.atoms, {}, "x", f.source) for f in FRAMES]
    with pytest.raises(
        NothingToCompareError, match="from data: there is no label of an energy or a force"
    ):
        calibrate_model(committee(), bare, "data")
    assert torch.is_grad_enabled()
