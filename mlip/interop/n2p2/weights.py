"""weights.ZZZ.data: the weights of one element's network.

One number a line: layer by layer first all weights, those of the first node below before those of
the second, then the biases. Newer files say in further columns what each number is.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from mlip.interop.n2p2.lines import Line, N2P2Error, lines_of


def weights_path(folder: Path, number: int) -> Path:
    """The file of an element."""
    return folder / f"weights.{number:03d}.data"


def read_weights(path: Path) -> list[Line]:
    """The lines of a file of weights."""
    return [Line("weight", tuple(words), f"{path}, line {n}") for n, words in lines_of(path)]


def count_weights(widths: Sequence[int]) -> int:
    """How many numbers a network has, from the widths of its layers, input and output included."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(widths))


def matrices(lines: Sequence[Line], widths: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight [out, in] and bias [out] of each layer.

    Raises
    ------
    N2P2Error
        If the further columns contradict the order of the numbers.
    """
    columns = [_columns(i, pair) for i, pair in enumerate(pairwise(widths), 1)]
    expected = [names for layer in columns for names in layer]
    for line, names in zip(lines, expected, strict=True):
        found = (line.words[1:2], *line.words[3:])
        if len(line.words) > 3 and (line.words[1], *line.words[3:]) != names[: len(found)]:
            raise line.error(
                f"it says of itself {' '.join(line.words[1:])}, where {' '.join(names)} is expected"
            )
    values = iter([line.number(0) for line in lines])
    for n_in, n_out in pairwise(widths):
        weight = torch.tensor([next(values) for _ in range(n_in * n_out)], dtype=torch.float64)
        bias = torch.tensor([next(values) for _ in range(n_out)], dtype=torch.float64)
        yield weight.reshape(n_in, n_out).T.contiguous(), bias


def weights_text(layers: Sequence[tuple[Tensor, Tensor]]) -> str:
    """A file of weights, from weight [out, in] and bias [out] of each layer."""
    rows = ["# connection  type  index  layer  node  layer  node"]
    for i, (weight, bias) in enumerate(layers, 1):
        names = _columns(i, (weight.shape[1], weight.shape[0]))
        values = [*weight.T.flatten().tolist(), *bias.tolist()]
        for value, (kind, *places) in zip(values, names, strict=True):
            rows.append(f"{value:24.16E} {kind} {len(rows):9d} {' '.join(places)}")
    return "\n".join(rows) + "\n"


def _columns(layer: int, widths: tuple[int, int]) -> list[tuple[str, ...]]:
    """What newer files say of each number of a layer: a, from layer and node, to layer and node; or
    b, layer and node."""
    n_in, n_out = widths
    below, above = range(1, n_in + 1), range(1, n_out + 1)
    weights = [("a", str(layer - 1), str(j), str(layer), str(k)) for j in below for k in above]
    return [*weights, *(("b", str(layer), str(k)) for k in above)]


def not_fitting(path: Path, found: int, expected: Sequence[int]) -> N2P2Error:
    """The error for a file whose length fits no shape that input.nn allows."""
    counts = " or ".join(map(str, expected))
    return N2P2Error(f"{path} has {found} numbers, but the network in input.nn has {counts}")
