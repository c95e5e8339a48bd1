"""Constants that are first asked for in inference mode."""

import torch

from mlip.ops.constants import made_once


def test_made_once_and_good_for_derivatives() -> None:
    calls = []

    @made_once
    def ramp(n: int) -> torch.Tensor:
        calls.append(n)
        return torch.arange(n, dtype=torch.float64)

    with torch.inference_mode():
        first = ramp(3)
    assert ramp(3) is first
    assert ramp(2) is not first
    assert calls == [3, 2]
    assert not first.is_inference()
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad((first * x).square().sum(), x)
    assert slope.tolist() == [0.0, 2.0, 8.0]
