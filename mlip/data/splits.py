"""Training, validation and test sets that do not know of each other, and can be made again."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydantic

from mlip.data.duplicates import find_duplicates
from mlip.data.frames import Frame
from mlip.data.identity import fingerprint
from mlip.data.statistics import is_isolated_atom
from mlip.durable import write_whole
from mlip.settings import Settings

PARTS = ("train", "valid", "test")


class SplitConfig(Settings):
    """How frames are divided into training, validation and test set."""

    method: Literal["random", "stratified", "group"] = "random"
    """random; stratified: each kind is divided by the same fractions; group: frames of one kind,
    such as those of a trajectory, stay together."""
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Fractions of frames for training, validation and test."""
    key: str = "config_type"
    """What names the kind of a frame: config_type, or a key in the info of the structures."""
    seed: int = 0
    """Seed of the random numbers."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> "SplitConfig":
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions {self.fractions} must not be negative and must sum to 1")
        if self.fractions[0] == 0:
            raise ValueError("the training set needs a fraction of the frames")
        if self.key != "config_type" and self.method == "random":
            raise ValueError("a key has no use in a random split; choose stratified or group")
        return self


@dataclass(frozen=True)
class Split:
    """Indices of frames, sorted; each frame is in exactly one part."""

    train: list[int]
    valid: list[int]
    test: list[int]

    def __post_init__(self) -> None:
        every = sorted([*self.train, *self.valid, *self.test])
        if every != list(range(len(every))):
            raise ValueError("a split must hold each frame exactly once")

    def save(self, path: str | Path, frames: Sequence[Frame], config: SplitConfig) -> None:
        """Write the split, and of which frames it is, as JSON."""
        content = {
            "config": config.model_dump(mode="json"),
            "fingerprint": fingerprint(frames),
            **asdict(self),
        }
        write_whole(Path(path), f"{json.dumps(content, indent=1)}\n".encode())

    @classmethod
    def load(cls, path: str | Path, frames: Sequence[Frame]) -> "Split":
        """Read a split of these frames.

        Raises
        ------
        ValueError
            If the file is not a split, or one of other frames.
        """
        try:
            content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            split = cls(**{part: [int(i) for i in content[part]] for part in PARTS})
            saved = content["fingerprint"]
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not a split that was saved here: {error!r}") from error
        count = sum(len(content[part]) for part in PARTS)
        if count != len(frames) or saved != fingerprint(frames):
            raise ValueError(f"{path} is a split of {count} other frames than these {len(frames)}")
        return split


def split_frames(frames: Sequence[Frame], config: SplitConfig) -> Split:
    """Divide frames as configured; the same frames and settings give the same split.

    Copies of a structure (up to translation and images) stay together, so that nothing is tested
    that was trained on. Isolated atoms go to the training set.

    Raises
    ------
    ValueError
        If a part that should have frames would get none, or a frame does not have the key.
    """
    alone = [i for i, frame in enumerate(frames) if is_isolated_atom(frame)]
    divided = [i for i, frame in enumerate(frames) if not is_isolated_atom(frame)]
    kinds = {i: _kind(frames[i], config.key) for i in divided}
    links = [_copies(frames)]
    if config.method == "group":
        links.append(kinds)
    units = _linked(divided, links)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for unit in units:
        strata[kinds[unit[0]] if config.method == "stratified" else ""].append(unit)
    random = np.random.default_rng(config.seed)
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    parts["train"].extend(alone)
    owed = np.zeros(3)
    for name in sorted(strata):
        owed = _deal(strata[name], owed, np.array(config.fractions), random, parts)
    for part, fraction in zip(PARTS, config.fractions):
        if fraction > 0 and not parts[part]:
            raise ValueError(
                f"the {part} set would be empty: {len(frames)} frames in {len(units)} groups "
                f"cannot be divided as {config.fractions}. Give fewer parts or more data"
            )
    return Split(*(sorted(parts[part]) for part in PARTS))


def _copies(frames: Sequence[Frame]) -> dict[int, str]:
    """A name for each structure, which its copies share."""
    names = {i: str(i) for i in range(len(frames))}
    for group in find_duplicates(frames):
        names |= dict.fromkeys(group, str(group[0]))
    return names


def _kind(frame: Frame, key: str) -> str:
    if key == "config_type":
        return frame.config_type
    if key not in frame.atoms.info:
        raise ValueError(f"{frame.source} has no {key!r} to divide by")
    return str(frame.atoms.info[key])


def _linked(indices: Sequence[int], links: Sequence[Mapping[int, str]]) -> list[list[int]]:
    """Groups of indices that share a name in any of the links, directly or through others."""
    leader = {i: i for i in indices}

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = i = leader[leader[i]]
        return i

    for link in links:
        first: dict[str, int] = {}
        for i in indices:
            leader[find(i)] = find(first.setdefault(link[i], i))
    units: dict[int, list[int]] = defaultdict(list)
    for i in indices:
        units[find(i)].append(i)
    return list(units.values())


def _deal(
    units: list[list[int]],
    owed: np.ndarray,
    fractions: np.ndarray,
    random: np.random.Generator,
    parts: dict[str, list[int]],
) -> np.ndarray:
    """Give each unit, in random order and the largest first, to the part that is owed the most
    frames; returns what remains owed, so that rounding does not add up over strata."""
    owed = owed + fractions * sum(len(unit) for unit in units)
    shuffled = [units[i] for i in random.permutation(len(units))]
    for unit in sorted(shuffled, key=len, reverse=True):
        part = int(np.argmax(np.where(fractions > 0, owed, -np.inf)))
        parts[PARTS[part]].extend(unit)
        owed[part] -= len(unit)
    return owed
