"""Functions with compiled first derivatives, by one that is not."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mlip.ops.compiled_function import CompiledFunction


def reference(x: Tensor, scale: Tensor) -> Tensor:
    return torch.sin(x * scale) @ x


class Counted:
    """`reference` with its derivatives by hand; counts how often each part is used."""

    def __init__(self) -> None:
        self.calls = {"values": 0, "gradients": 0, "reference": 0}

    def __call__(self, x: Tensor, scale: Tensor) -> Tensor:
        return CompiledFunction(self.values, self.gradients, self.reference)(x, scale)

    def values(self, x: Tensor, scale: Tensor) -> Tensor:
        self.calls["values"] += 1
        return reference(x, scale)

    def gradients(self, by: Tensor, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        self.calls["gradients"] += 1
        slope = torch.cos(x * scale) * x
        return by * (torch.sin(x * scale) + slope * scale), by * (slope * x).sum()

    def reference(self, x: Tensor, scale: Tensor) -> Tensor:
        self.calls["reference"] += 1
        return reference(x, scale)


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1.0, 1.5, 5, dtype=torch.float64)
    scale = torch.tensor(1.3, dtype=torch.float64)
    return x.requires_grad_(), scale.requires_grad_()


def derivatives(function: Any, inputs: tuple[Tensor, Tensor], order: int) -> list[Tensor]:
    """By all inputs, of a square, so that what the result is differentiated with depends on them
    too; of the sum of squares of those; and so on."""
    value = function(*inputs).square()
    found = []
    for _ in range(order):
        slopes = torch.autograd.grad(value, inputs, create_graph=True)
        found += [slope.detach() for slope in slopes]
        value = sum(slope.square().sum() for slope in slopes)
    return found


def test_derivatives_of_every_order(inputs: tuple[Tensor, Tensor]) -> None:
    found, expected = (derivatives(f, inputs, 4) for f in (Counted(), reference))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_checks_of_torch(inputs: tuple[Tensor, Tensor]) -> None:
    assert torch.autograd.gradcheck(Counted(), inputs)
    assert torch.autograd.gradgradcheck(Counted(), inputs)


def test_the_reference_is_for_what_is_differentiated_again(inputs: tuple[Tensor, Tensor]) -> None:
    function = Counted()
    found = torch.autograd.grad(function(*inputs), inputs)
    assert function.calls == {"values": 1, "gradients": 1, "reference": 0}
    again = torch.autograd.grad(function(*inputs), inputs, create_graph=True)
    assert function.calls == {"values": 2, "gradients": 1, "reference": 1}
    torch.testing.assert_close(found, again, rtol=1e-14, atol=1e-14)


def test_a_reference_that_depends_on_nothing() -> None:
    x = torch.zeros(0, requires_grad=True)
    nothing = CompiledFunction(torch.clone, lambda by, _: (by,), lambda _: torch.zeros(0))
    (found,) = torch.autograd.grad(nothing(x).sum(), x, create_graph=True)
    assert found.shape == (0,)


def test_inputs_that_are_not_differentiated(inputs: tuple[Tensor, Tensor]) -> None:
    x, scale = inputs[0], inputs[1].detach()
    for again in (False, True):
        (found,) = torch.autograd.grad(Counted()(x, scale), x, create_graph=again)
        (expected,) = torch.autograd.grad(reference(x, scale), x)
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
