"""Reference energies and scale."""

import math

import pytest
import torch

from mlip.models.composition import Composition


def filled() -> Composition:
    layer = Composition((1, 8))
    layer.set({1: -13.587222780835477, 8: -2041.8396277138045, 14: 0.0}, 0.3)
    return layer


def test_energies_in_ev() -> None:
    index = torch.tensor([1, 0, 0])
    energies = filled()(torch.tensor([1.0, 2.0, 0.0]), index)
    assert energies.dtype == torch.float64
    expected = [-2041.8396277138045 + 0.3, -13.587222780835477 + 0.6, -13.587222780835477]
    assert energies.tolist() == pytest.approx(expected, rel=1e-15)


def test_float32_models_keep_every_digit() -> None:
    layer = torch.nn.Sequential(filled()).to(torch.float32).half().double()[0]
    assert torch.equal(layer.reference_energies, filled().reference_energies)
    assert torch.equal(layer.scale, filled().scale)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Composition((1,)).set({1: bad}, 1.0)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_the_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(ValueError, match="scale positive"):
        Composition((1,)).set({1: 0.0}, scale)


def test_every_species_needs_an_energy() -> None:
    with pytest.raises(ValueError, match="no reference energy for O"):
        Composition((1, 8)).set({1: 0.0}, 1.0)
