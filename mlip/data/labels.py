"""The words about labels: under which keys files hold them, and the account of what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlip.properties import LABELS
from mlip.settings import Settings


class LabelError(ValueError):
    """Reference values cannot be used as they are; the message says where and what to do."""


class LabelKeys(Settings):
    """Names of the labels in the data files. What is not given is searched under common names."""

    energy: str | None = None
    """Key of the total energy in eV."""
    forces: str | None = None
    """Key of the forces in eV/Å."""
    stress: str | None = None
    """Key of the stress in eV/Å^3, positive under tension; 6 values are xx yy zz yz xz xy."""
    virial: str | None = None
    """Key of the virial in eV, used as stress = -virial / volume."""
    config_type: str | None = None
    """Key of the kind of structure."""


@dataclass(frozen=True)
class LabelSource:
    """One place in which a property was found, and in how many frames."""

    key: str
    place: str
    n_frames: int

    def __str__(self) -> str:
        return f"{self.key} ({self.place}) in {self.n_frames}"


@dataclass(frozen=True)
class LabelsFound:
    """What was found, where and how often. Printed, it is a short table.

    Attributes
    ----------
    n_frames : how many structures were read
    sources : by property name, the places its values were taken from
    remarks : decisions that were made, in words
    keys : all keys of the files, each with the place where it is
    """

    n_frames: int
    sources: Mapping[str, Sequence[LabelSource]]
    remarks: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def keys_in_words(self) -> str:
        """What the files have, for a person who looks for a label."""
        return ", ".join(self.keys) or "nothing besides the structures"

    def count(self, name: str) -> int:
        """In how many frames a property was found."""
        return sum(source.n_frames for source in self.sources.get(name, ()))

    def to_dict(self) -> dict[str, Any]:
        """The account as plain data, ready for JSON."""
        return {
            "n_structures": self.n_frames,
            "sources": {n: [asdict(s) for s in found] for n, found in self.sources.items()},
            "remarks": list(self.remarks),
        }

    def __str__(self) -> str:
        lines = [f"labels found in {self.n_frames} structures"]
        for name in LABELS:
            places = "; ".join(str(source) for source in self.sources.get(name, ()))
            lines.append(f"  {name:<7} {self.count(name):>7}   {places or 'not found'}")
        lines.extend(f"  {remark}" for remark in self.remarks)
        if not self.count("energy"):
            lines.append(f"  no energy; the files do have: {self.keys_in_words()}")
        return "\n".join(lines)
