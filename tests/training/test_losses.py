"""The loss: units, masks, mixed batches, and that parts add up to the whole."""

import numpy as np
import pytest
import torch
from silicon import crystals, graphs, molecules, small

from mlip.graph import AtomicGraph
from mlip.models import predict
from mlip.training.losses import (
    RESIDUAL_UNITS,
    Loss,
    LossConfig,
    LossTerm,
    label_counts,
    penalties,
    residuals,
)

EVERYTHING = LossConfig()


def loss_of(graph: AtomicGraph, config: LossConfig = EVERYTHING) -> float:
    loss = Loss(config)
    predictions = predict(small((1, 14)), graph, loss.wanted(graph))
    return float(loss.total(loss.sums(predictions, graph), label_counts(graph)))


def without(graph: AtomicGraph, *names: str) -> AtomicGraph:
    return graph.replace(labels={n: v for n, v in graph.labels.items() if n not in names})


def test_the_loss_is_what_its_formula_says() -> None:
    graph = AtomicGraph.batch(graphs(crystals(3)))
    found = predict(small((1, 14)), graph, ("energy", "forces", "stress"))
    counts = graph.atom_counts
    by_hand = (
        2.0 * ((found["energy"] - graph.labels["energy"]) / counts / 0.01).square().mean()
        + 3.0 * ((found["forces"] - graph.labels["forces"]) / 0.1).abs().mean()
        + 5.0 * ((found["stress"] - graph.labels["stress"]) / 0.01).square().mean()
    )
    config = LossConfig(
        energy=LossTerm(weight=2.0),
        forces=LossTerm(weight=3.0, kind="mae"),
        stress=LossTerm(weight=5.0),
    )
    # float64 sums in another order
    assert loss_of(graph, config) == pytest.approx(float(by_hand), rel=1e-12)


def test_batches_may_mix_crystals_and_molecules() -> None:
    solid, gas = crystals(2), molecules(2)
    mixed = AtomicGraph.batch([*graphs(solid), *graphs(gas)])
    assert label_counts(mixed)["stress"] == 18
    loss = Loss(EVERYTHING)
    predictions = predict(small((1, 14)), mixed, loss.wanted(mixed), training=True)
    assert residuals("stress", predictions, mixed).shape == (2, 3, 3)
    total = loss.total(loss.sums(predictions, mixed), label_counts(mixed))
    (gradient,) = torch.autograd.grad(total, predictions["virial"])
    assert torch.isfinite(gradient).all()
    assert (gradient[2:] == 0.0).all()


@pytest.mark.parametrize("name", ["energy", "forces", "stress"])
def test_an_absent_label_is_masked_not_zero(name: str) -> None:
    with_label, other = graphs(crystals(2))
    term = LossConfig(**{n: LossTerm() if n == name else None for n in RESIDUAL_UNITS})
    batch = AtomicGraph.batch([with_label, without(other, name)])
    assert torch.isnan(batch.labels[name]).any()
    assert loss_of(batch, term) == pytest.approx(loss_of(with_label, term), rel=1e-12)


@pytest.mark.parametrize("name", ["energy", "forces", "stress"])
def test_a_batch_without_a_label_contributes_nothing_for_it(name: str) -> None:
    graph = graphs(crystals(1))[0]
    rest = LossConfig(**{n: None if n == name else LossTerm() for n in RESIDUAL_UNITS})
    assert loss_of(without(graph, name)) == loss_of(graph, rest)


@pytest.mark.parametrize("kind", ["mse", "mae", "huber", "length"])
def test_parts_of_a_batch_add_up_to_the_whole(kind: str) -> None:
    parts = [*graphs(crystals(3)), *graphs(molecules(2))]
    loss = Loss(LossConfig(**{n: LossTerm(kind=kind) for n in RESIDUAL_UNITS}))
    model, sums, counts = small((1, 14)), {}, {}
    for part in parts:
        own = loss.sums(predict(model, part, loss.wanted(part)), part)
        for name, value in own.items():
            sums[name] = sums.get(name, 0.0) + float(value)
            counts[name] = counts.get(name, 0) + label_counts(part)[name]
    whole = AtomicGraph.batch(parts)
    expected = loss.total(
        loss.sums(predict(model, whole, loss.wanted(whole)), whole), label_counts(whole)
    )
    assert float(loss.total(sums, counts)) == pytest.approx(float(expected), rel=1e-12)


def test_penalties() -> None:
    residual = torch.tensor([-3.0, -0.5, 0.0, 1.0], dtype=torch.float64)
    assert float(penalties(residual, "mse")) == 10.25
    assert float(penalties(residual, "mae")) == 4.5
    assert float(penalties(residual, "huber")) == 5.0 + 0.25 + 1.0


def test_the_length_of_a_residual_does_not_depend_on_the_axes() -> None:
    random = np.random.default_rng(0)
    vectors = torch.from_numpy(random.normal(size=(5, 3)))
    turn = torch.from_numpy(np.linalg.qr(random.normal(size=(3, 3)))[0])
    turned = float(penalties(vectors @ turn, "length"))
    assert turned == pytest.approx(float(penalties(vectors, "length")), rel=1e-14)
    tensors = vectors[:, :, None] * vectors[:, None, :]
    expected = float(penalties(tensors, "length"))
    assert float(penalties(turn.T @ tensors @ turn, "length")) == pytest.approx(expected, rel=1e-14)


def test_residuals_of_equal_components_count_alike_by_length_and_by_component() -> None:
    residual = torch.full((4, 3, 3), -0.5, dtype=torch.float64)
    assert float(penalties(residual, "length")) == pytest.approx(18.0, rel=1e-15)
    assert float(penalties(residual[0, 0], "length")) == float(penalties(residual[0, 0], "mae"))


def test_a_residual_of_length_zero_has_no_slope() -> None:
    at = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(penalties(at, "length"), at)
    assert torch.equal(slope, torch.zeros_like(slope))


def test_huber_is_smooth_where_it_changes() -> None:
    at = torch.tensor([1.0 - 1e-9, 1.0 + 1e-9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(penalties(at, "huber"), at)
    np.testing.assert_allclose(slope.numpy(), 2.0, rtol=1e-8)


def test_written_terms_are_required_and_null_or_zero_leaves_out() -> None:
    assert LossConfig().required() == ()
    assert LossConfig(stress=LossTerm(weight=2.0)).required() == ("stress",)
    assert LossConfig(stress=None).required() == ()
    assert list(Loss(LossConfig(energy=LossTerm(weight=0.0))).terms) == ["forces", "stress"]
    with pytest.raises(ValueError, match="no term"):
        Loss(LossConfig(energy=None, forces=None, stress=None))


def test_only_what_is_labelled_is_predicted() -> None:
    gas = graphs(molecules(1))[0]
    assert Loss(EVERYTHING).wanted(gas) == ("energy", "forces")
    assert Loss(EVERYTHING).wanted(without(gas, "energy")) == ("forces",)


def test_restriction_to_found_labels_keeps_the_terms() -> None:
    config = LossConfig(forces=LossTerm(weight=7.0)).restricted_to({"energy", "forces"})
    assert config.stress is None
    assert config.forces == LossTerm(weight=7.0)
