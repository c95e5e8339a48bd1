"""Labelled frames that a campaign begins with.

They become labels like its own once its calculator has been seen to find the same: another code,
functional or basis set shifts energies and forces by more than a good potential is wrong by.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from mlip.active_learning.frames import queued_structure
from mlip.active_learning.labelling.outcome import label_values
from mlip.active_learning.store import Structure
from mlip.data import Frame, LabelKeys, read_frames
from mlip.properties import to_voigt
from mlip.settings import Settings


class LabelledFramesError(ValueError):
    """Labelled frames cannot be used; the message says which, why and what to do."""


class LabelledConfig(Settings):
    """Frames with labels to begin with, made by the calculator of the campaign as it is set up."""

    files: tuple[str, ...] = Field(min_length=1)
    """Any files with labels that can be trained on."""
    keys: LabelKeys = LabelKeys()
    """Names of the labels in the files."""
    check: int = Field(default=1, ge=1)
    """Frames that are computed again before anything else, each of another composition."""
    energy_tolerance: float = Field(default=2e-3, gt=0.0)
    """eV/atom, by which a computed energy may differ."""
    force_tolerance: float = Field(default=3e-2, gt=0.0)
    """eV/Å, by which a component of a computed force may differ."""
    stress_tolerance: float = Field(default=2e-3, gt=0.0)
    """eV/Å^3, by which a component of a computed stress may differ."""


def read_labelled(config: LabelledConfig) -> list[Frame]:
    """The frames, each once and with energy and forces.

    Raises
    ------
    ValueError
        If a file cannot be read, a label is missing or makes no sense, or a structure is there
        twice with different labels.
    """
    try:
        found = read_frames(config.files, config.keys)
    except ValueError as error:  # which names the place of keys in a training config
        raise LabelledFramesError(str(error).replace("data.keys.", "labelled.keys.")) from error
    _require_labels(found, found.labels_found.keys_in_words())
    frames: dict[str, Frame] = {}
    for frame in found:
        first = frames.setdefault(as_structure(frame).key, frame)
        apart = list(_disagreements(frame, first.labels, config, ("there", "here")))
        if apart:
            raise LabelledFramesError(
                f"{first.source} and {frame.source} are the same structure with different labels:\n"
                + "\n".join(apart)
                + "\nremove one of them"
            )
    return list(frames.values())


def to_check(frames: Sequence[Frame], config: LabelledConfig) -> list[Frame]:
    """Those to be computed again. Of each composition it is the frame with the largest force;
    compositions with a force that tells something come first, then small ones."""
    strongest: dict[str, Frame] = {}
    for frame in frames:
        formula = frame.atoms.get_chemical_formula()
        if _largest_force(frame) > _largest_force(strongest.setdefault(formula, frame)):
            strongest[formula] = frame
    order = sorted(
        strongest.values(),
        key=lambda frame: (_largest_force(frame) <= config.force_tolerance, len(frame)),
    )
    return order[: config.check]


def require_agreement(
    frames: Sequence[Frame], computed: Sequence[Mapping[str, Any]], config: LabelledConfig
) -> None:
    """Compare labels with what the calculator found, as plain data, for the same structures.

    Raises
    ------
    LabelledFramesError
        If they differ by more than the tolerances; says where and by how much.
    """
    lines = [
        f"  {frame.source} ({frame.atoms.get_chemical_formula()}):\n" + "\n".join(apart)
        for frame, results in zip(frames, computed)
        if (apart := list(_disagreements(frame, label_values(results), config)))
    ]
    if not lines:
        return
    same_forces = not any("forces" in line for line in lines)
    hint = (
        "the forces agree: the energies have another zero (that of atoms, or of other "
        "pseudopotentials)"
        if same_forces
        else "they are of another code, functional, basis set, cut-off, spin or unit"
    )
    raise LabelledFramesError(
        "the labelled frames are not what the calculator of this campaign finds:\n"
        + "\n".join(lines)
        + f"\n{hint}. Set the calculator up as it was for them, or leave them out; begin in a new "
        "folder"
    )


def as_structure(frame: Frame) -> Structure:
    """A labelled frame as one of the store."""
    return queued_structure(frame.atoms, {"explorer": "labelled", "from": frame.source})


def plain_results(frame: Frame, properties: Sequence[str]) -> dict[str, Any]:
    """Its labels as a calculator leaves them, those that are asked for."""
    found: dict[str, Any] = {}
    for name in properties:
        if name in frame.labels:
            value = frame.labels[name]
            found[name] = (to_voigt(value) if name == "stress" else value).tolist()
    return found


def first_of_each_composition(frames: Sequence[Frame]) -> list[Frame]:
    """To explore from, where no structures are given."""
    found: dict[str, Frame] = {}
    for frame in frames:
        found.setdefault(frame.atoms.get_chemical_formula(), frame)
    return list(found.values())


def _require_labels(frames: Sequence[Frame], keys: str) -> None:
    for name in ("energy", "forces"):
        missing = [frame.source for frame in frames if name not in frame.labels]
        if missing:
            raise LabelledFramesError(
                f"{len(missing)} of {len(frames)} labelled frames have no {name}: "
                f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}. The files do "
                f"have: {keys}. Declare the key as labelled.keys.{name}, or take them out"
            )


def _largest_force(frame: Frame) -> float:
    return float(np.linalg.norm(frame.labels["forces"], axis=1).max())


def _disagreements(
    frame: Frame,
    other: Mapping[str, np.ndarray],
    config: LabelledConfig,
    words: tuple[str, str] = ("given", "computed"),
) -> Iterator[str]:
    """A line for each property that differs by more than its tolerance."""
    given, computed = words
    gaps = {
        "energy": (config.energy_tolerance * len(frame), "eV"),
        "forces": (config.force_tolerance, "eV/Å"),
        "stress": (config.stress_tolerance, "eV/Å^3"),
    }
    for name, (tolerance, unit) in gaps.items():
        if name not in frame.labels or name not in other:
            continue
        mine, theirs = np.atleast_1d(frame.labels[name]), np.atleast_1d(other[name])
        apart = np.abs(mine - theirs)
        place = np.unravel_index(int(apart.argmax()), apart.shape)
        if not apart[place] <= tolerance:
            of = "" if name == "energy" else f"[{', '.join(map(str, place))}]"
            yield (
                f"    {name}{of}: {mine[place]:.6f} {given}, {theirs[place]:.6f} {computed}, "
                f"{apart[place]:.3g} {unit} apart; at most {tolerance:.3g} is borne"
            )
