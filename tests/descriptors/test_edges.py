"""Edges that features cannot be made of: the same error, with the compiled core or without."""

import copy

import pytest
import torch
from torch import Tensor

from mlip import kernels
from mlip.descriptors import DESCRIPTORS, Descriptor

CENTRES = torch.tensor([0, 0, 1, 1, 2, 2])
NEIGHBOURS = torch.tensor([1, 2, 0, 2, 0, 1])
SPECIES = torch.tensor([1, 0, 0])


@pytest.fixture(
    params=["soap", "symmetry_functions", "weighted_symmetry_functions", "chebyshev"],
    scope="module",
)
def descriptor(request: pytest.FixtureRequest) -> Descriptor:
    kind = DESCRIPTORS[request.param]
    return kind.build(kind.Config(), [1, 8])


@pytest.fixture(params=[True, False], ids=["core", "torch"], autouse=True)
def core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(kernels, "available", lambda: False)


def vectors() -> Tensor:
    places = torch.tensor([[0.0, 0.0, 0.1], [0.9, 0.1, 0.0], [-0.2, 1.0, 0.3]], dtype=torch.float64)
    return places[NEIGHBOURS] - places[CENTRES]


def test_sound_edges(descriptor: Descriptor) -> None:
    found = descriptor.evaluate(vectors(), CENTRES, NEIGHBOURS, SPECIES)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, "huge"])
def test_no_finite_distance(descriptor: Descriptor, dtype: torch.dtype, value: float | str) -> None:
    broken = vectors().to(dtype)
    broken[3, 1] = torch.finfo(dtype).max if value == "huge" else value
    words = r"atoms 1 and 2 are not at a finite distance \(edge 3\); .* not defined there"
    with pytest.raises(ValueError, match=words):
        copy.deepcopy(descriptor).to(dtype).evaluate(broken, CENTRES, NEIGHBOURS, SPECIES)


def test_same_place(descriptor: Descriptor) -> None:
    broken = vectors()
    broken[3] = 0.0
    with pytest.raises(
        ValueError, match=r"atoms 1 and 2 are (at the same place|less than 0.001 Å)"
    ):
        descriptor.evaluate(broken, CENTRES, NEIGHBOURS, SPECIES)


def test_centres_out_of_order(descriptor: Descriptor) -> None:
    order = torch.tensor([0, 2, 1, 3, 4, 5])
    with pytest.raises(ValueError, match="centres must be atoms in an order that never decreases"):
        descriptor.evaluate(vectors()[order], CENTRES[order], NEIGHBOURS[order], SPECIES)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_other_precisions(descriptor: Descriptor, dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=r"descriptors work in float32 or float64"):
        descriptor.evaluate(vectors().to(dtype), CENTRES, NEIGHBOURS, SPECIES)
