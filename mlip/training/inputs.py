"""What a training run starts from: its frames, reference energies and energy scale."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from ase.data import atomic_numbers, chemical_symbols
from pydantic import Field, FiniteFloat, PositiveInt, field_validator

from mlip.data import (
    Frame,
    FrameSet,
    LabelKeys,
    LabelsFound,
    ReferenceEnergies,
    SplitConfig,
    elements,
    energy_scale,
    mean_binding_energies,
    read_frames,
    reference_energies,
    split_frames,
    without_isolated_atoms,
)
from mlip.data.label_search import where_declared
from mlip.data.statistics import is_isolated_atom
from mlip.settings import Settings

Files = Annotated[tuple[str, ...], Field(min_length=1)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
SPLITS = ("train", "valid", "test")


class DataConfig(Settings):
    """The data. Paths are relative to the config file; environment variables in them count, as in
    $MLIP_DATA/train.extxyz."""

    train: Files
    """Files of labelled structures to train on, in any format that `mlip data check` reads."""
    valid: Fraction | Files = 0.1
    """Files, or the fraction of the training frames that is set aside: chooses the best epoch."""
    test: Fraction | Files | None = None
    """Files, or a fraction of the training frames: judged once, when training is over."""
    repeat: dict[str, PositiveInt] = {}
    """How often frames of a kind (`config_type`) are trained on in each epoch, as {surface: 5};
    others once. For kinds that matter but are few or small."""
    keys: LabelKeys = LabelKeys()
    """Names of the labels in the files, where they are unusual."""
    reference_energies: Literal["auto", "isolated", "least_squares"] | dict[str, FiniteFloat] = (
        "auto"
    )
    """Energy of each element that is subtracted before learning: of isolated atoms in the
    training data, by least squares on it, given in eV by symbol, or the first of these that the
    data allow (auto)."""
    level_of_theory: str | None = None
    """For the model's card, as PBE-D3(BJ)/def2-SVP."""

    @field_validator("reference_energies")
    @classmethod
    def _known_elements(cls, value: str | dict[str, float]) -> str | dict[str, float]:
        unknown = [s for s in value if s not in atomic_numbers] if isinstance(value, dict) else []
        if unknown:
            raise ValueError(f"{', '.join(unknown)} are not symbols of elements")
        return value

    def relative_to(self, folder: Path) -> "DataConfig":
        """The same data with full paths."""
        changes = {
            split: tuple(_full_path(path, folder) for path in value)
            for split in SPLITS
            if isinstance(value := getattr(self, split), tuple)
        }
        return self.model_copy(update=changes)


def _full_path(path: str, folder: Path) -> str:
    expanded = os.path.expandvars(path)
    if "$" in expanded:
        raise ValueError(f"the path {path} names an environment variable that is not set")
    return str((folder / expanded).resolve())


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Frames by split, without isolated atoms, and what was derived from the training frames.

    Attributes
    ----------
    visits : places in `train` of what an epoch trains on, some perhaps several times
    labels_found : by split read from files of its own
    mean_energies : what an atom of each element has on average beyond the references, eV
    """

    train: Sequence[Frame]
    valid: Sequence[Frame]
    test: Sequence[Frame]
    visits: Sequence[int]
    labels_found: Mapping[str, LabelsFound]
    references: ReferenceEnergies
    mean_energies: Mapping[int, float]
    scale: float

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers in the training data."""
        return elements(self.train)

    def splits(self) -> dict[str, Sequence[Frame]]:
        """The splits that have frames."""
        return {name: frames for name in SPLITS if len(frames := getattr(self, name))}

    @property
    def atoms_visited(self) -> int:
        """How many an epoch trains on."""
        return sum(len(self.train[i]) for i in self.visits)

    def labels(self) -> set[str]:
        """Properties that some training frame is labelled with."""
        return {name for frame in self.train for name in frame.labels}


def read_inputs(config: DataConfig, required: Sequence[str], seed: int) -> Inputs:
    """Read and divide the data of a run.

    Parameters
    ----------
    required : labels that must be in the training data
    seed : for setting frames aside

    Raises
    ------
    ValueError
        If a file cannot be read, a required label is in no training frame, a split would be empty
        or have no energies at all, an element is only in the validation or test data, or there are
        no reference energies, or no training frame is of a kind that is to be repeated.
    """
    read = {
        name: read_frames(paths, config.keys, required if name == "train" else ())
        for name in SPLITS
        if isinstance(paths := getattr(config, name), tuple)
    }
    parts = _divide(config, read, seed)
    for name, frames in parts.items():
        if not frames and name != "test":
            raise ValueError(f"there are no {name} frames left besides isolated atoms")
    _check_energies(parts)
    _check_elements(parts)
    references = _references(config, read["train"], parts["train"])
    return Inputs(
        **parts,
        visits=_visits(parts["train"], config.repeat),
        labels_found={name: frames.labels_found for name, frames in read.items()},
        references=references,
        mean_energies=mean_binding_energies(parts["train"], references.values),
        scale=energy_scale(parts["train"], references),
    )


def _divide(config: DataConfig, read: Mapping[str, FrameSet], seed: int) -> dict[str, list[Frame]]:
    """Frames of each split: those of its files, or a fraction of the training frames."""
    parts = {n: without_isolated_atoms(read[n]) if n in read else [] for n in SPLITS}
    shares = {n: getattr(config, n) for n in ("valid", "test") if n not in read}
    valid, test = (shares.get(n) or 0.0 for n in ("valid", "test"))
    if not valid + test:
        return parts
    if valid + test >= 1.0:
        raise ValueError("data.valid and data.test leave no frames for training")
    split = split_frames(
        parts["train"],
        SplitConfig(method="stratified", fractions=(1.0 - valid - test, valid, test), seed=seed),
    )
    pool = parts["train"]
    parts["train"] = [pool[i] for i in split.train]
    for name in shares:
        parts[name] = [pool[i] for i in getattr(split, name)]
    return parts


def _visits(train: Sequence[Frame], repeat: Mapping[str, int]) -> list[int]:
    """Places of frames, as often as they are to be trained on in an epoch."""
    kinds = {frame.config_type for frame in train}
    if unknown := sorted(set(repeat) - kinds):
        raise ValueError(
            f"data.repeat names {', '.join(unknown)}, but no training frame has such a "
            f"config_type: they have {', '.join(sorted(kinds))}"
        )
    return [i for i, frame in enumerate(train) for _ in range(repeat.get(frame.config_type, 1))]


def _check_energies(parts: Mapping[str, Sequence[Frame]]) -> None:
    """A split without any energy, beside training data that have some, was read under the wrong
    key, or is of the wrong file."""
    labelled = {n: any("energy" in f.labels for f in frames) for n, frames in parts.items()}
    for name, frames in parts.items():
        if frames and labelled["train"] and not labelled[name]:
            raise ValueError(
                f"none of the {len(frames)} frames in data.{name} has an energy: leave data.{name} "
                f"out, or declare the key of the energy ({where_declared('energy')})"
            )


def _check_elements(parts: Mapping[str, Sequence[Frame]]) -> None:
    known = set(elements(parts["train"]))
    for name, frames in parts.items():
        for frame in frames:
            new = set(elements([frame])) - known
            if new:
                symbols = ", ".join(chemical_symbols[z] for z in sorted(new))
                raise ValueError(
                    f"{frame.source} of the {name} data contains {symbols}, which no training "
                    "frame does: the model cannot learn it"
                )


def _references(
    config: DataConfig, read: Sequence[Frame], train: Sequence[Frame]
) -> ReferenceEnergies:
    """Reference energies of the elements in the training data, as the config says."""
    choice = config.reference_energies
    if isinstance(choice, dict):
        return reference_energies(train, {atomic_numbers[s]: e for s, e in choice.items()})
    if choice == "least_squares":
        return reference_energies(train)
    alone = [frame for frame in read if is_isolated_atom(frame)]
    found = reference_energies([*train, *alone])
    if choice == "isolated" and found.source != "isolated atoms":
        raise ValueError(
            "data.reference_energies is 'isolated', but the training data do not have an isolated "
            "atom with energy for every element; give the energies by symbol, or use least_squares"
        )
    return found
