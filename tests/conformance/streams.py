"""Streams of a GPU."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


def on_a_busy_stream(call: Callable[[Tensor], Result], operand: Tensor) -> Result:
    """What a call finds on a side stream, where its operand is still being made when it is called.

    Parameters
    ----------
    operand : on a GPU
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        busy = torch.rand(4000, 4000, device="cuda")
        for _ in range(20):
            busy = busy @ busy / 4000
        found = call(operand + 0 * busy.sum().nan_to_num(0, 0, 0))
    torch.cuda.current_stream().wait_stream(stream)
    return found
