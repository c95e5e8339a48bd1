"""A `Frame` is one structure with its reference values, a `FrameSet` what was read from files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from ase import Atoms

from mlip.data.labels import LabelsFound


@dataclass(frozen=True)
class Frame:
    """One labelled structure.

    Attributes
    ----------
    atoms : the structure, without calculator; what else the file said stays in `info` and `arrays`
    labels : reference values by the names of `mlip.properties`, float64, in the package's units:
        energy (), forces (n, 3), stress (3, 3). What the file does not give is absent
    config_type : the kind of structure, as the file names it; "default" if it does not
    source : where it comes from, for messages: ``train.extxyz#17`` (counted from zero, as in ASE)
    """

    atoms: Atoms
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    config_type: str = "default"
    source: str = "?"

    def __len__(self) -> int:
        return len(self.atoms)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels) or "none"
        return (
            f"Frame({self.atoms.get_chemical_formula()} of {self.source}, "
            f"{self.config_type}, labels: {labels})"
        )


class FrameSet(Sequence[Frame]):
    """Frames in the order of their files, and how their labels were found (`labels_found`)."""

    def __init__(self, frames: Iterable[Frame], labels_found: LabelsFound) -> None:
        self._frames = tuple(frames)
        self.labels_found = labels_found

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Frame]: ...
    def __getitem__(self, index: int | slice) -> Frame | Sequence[Frame]:
        return self._frames[index]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def __repr__(self) -> str:
        atoms = sum(len(frame) for frame in self)
        found = Counter(name for frame in self for name in frame.labels)
        labels = ", ".join(f"{name} in {count}" for name, count in found.items()) or "no labels"
        return f"FrameSet({len(self)} structures, {atoms} atoms; {labels})"


def elements(frames: Iterable[Frame]) -> tuple[int, ...]:
    """Atomic numbers that occur, sorted."""
    return tuple(sorted({int(z) for frame in frames for z in frame.atoms.numbers}))
