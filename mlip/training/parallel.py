"""Several processes, one training: `torchrun` starts them, each takes its share of every batch.

Gradients are summed by hand, in one message per step, rather than by `DistributedDataParallel`:
its hooks fire in the backward pass, but the loss on forces differentiates a backward pass, where
they would fire twice or, for a parameter outside one rank's share, never. By hand, a step on n
ranks is the step of one rank on the whole batch, up to the order of summation.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from mlip.models.placement import as_device

Item = TypeVar("Item")


class Ranks:
    """This process among its fellows; a single process is rank 0 of 1."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items that this rank works on."""
        return items[self.rank :: self.size]

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks, in one message; all have one dtype."""
        if self.size == 1:
            return
        own = list(tensors)
        flat = torch.cat([t.reshape(-1) for t in own])
        dist.all_reduce(flat)
        _unpack(flat, own)

    def agree(self, tensors: Iterable[Tensor]) -> None:
        """Give every rank the tensors of the first."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Until all ranks are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """The ranks started by `torchrun`, joined for the length of the block; else one alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def is_first_rank() -> bool:
    """Whether this process may print, before any ranks are joined."""
    return os.environ.get("RANK", "0") == "0"


def device_of_rank(name: str) -> torch.device:
    """The device called `name`; ``auto`` is a GPU if there is one, ``cuda`` one GPU per rank.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    return as_device(name)


def _unpack(flat: Tensor, into: Sequence[Tensor]) -> None:
    start = 0
    for tensor in into:
        tensor.copy_(flat[start : start + tensor.numel()].reshape(tensor.shape))
        start += tensor.numel()
