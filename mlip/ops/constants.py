"""Constant tensors that are made once."""

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Constants = TypeVar("Constants")


def made_once(make: Callable[Arguments, Constants]) -> Callable[Arguments, Constants]:
    """Keep what a function makes for the next call with the same arguments, as `functools.cache`
    does. Its tensors are good for derivatives even if inference mode asks for them first."""

    @cache
    @wraps(make)
    def outside_inference_mode(*arguments: Arguments.args, **named: Arguments.kwargs) -> Constants:
        with torch.inference_mode(False):
            return make(*arguments, **named)

    return outside_inference_mode  # type: ignore[return-value]  # mypy knows no cache of a ParamSpec
