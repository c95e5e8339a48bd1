"""Where a model computes and in which precision, from the words of people and files."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


def as_dtype(precision: str | torch.dtype) -> torch.dtype:
    """``"float32"`` or ``"float64"`` as torch's dtype; anything else is a ValueError."""
    dtype = _PRECISIONS.get(precision) if isinstance(precision, str) else precision
    if dtype is None or dtype not in _PRECISIONS.values():
        raise ValueError(f"a model is float32 or float64, not {precision!r}")
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """``torch.float32`` as ``"float32"``."""
    return str(dtype).removeprefix("torch.")


def as_device(device: str | torch.device) -> torch.device:
    """A device that is there; a name that means none, or one that is absent, is a ValueError."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as problem:
        raise _absent(device) from problem
    if found.type == "meta":  # torch's, for shapes without numbers
        raise _absent(device)
    return found


def _absent(device: str | torch.device) -> ValueError:
    return ValueError(f"the device {str(device)!r} cannot be used here; there is {_devices()}")


def _devices() -> str:
    """What can be named instead."""
    gpus = torch.cuda.device_count()
    if gpus:
        return f"cpu and cuda:0 to cuda:{gpus - 1}" if gpus > 1 else "cpu and cuda, the GPU"
    if torch.version.cuda is None:
        return "only cpu: this torch was built without CUDA (with it, a GPU is called cuda)"
    return "only cpu: torch finds no GPU (it would be called cuda)"


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """In the block torch computes on so many threads, after it as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
