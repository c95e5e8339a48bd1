"""What the check of a data set says: numbers for tables, and findings with advice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ase.data import chemical_symbols

from mlip.data.statistics import ReferenceEnergies

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know about the data.

    Attributes
    ----------
    severity : error, the data must not be used like this; warning, look at it; info, good to know
    check : the name of the check that found it
    what : what was found, in one sentence
    advice : what to do about it
    where : sources of the frames concerned, the worst first; empty if it concerns them all
    """

    severity: Severity
    check: str
    what: str
    advice: str
    where: tuple[str, ...] = ()


def counted(count: int, noun: str = "structure") -> str:
    """A number with its noun: "1 structure", "2 structures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Range:
    """Least and greatest of some values."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float | int]) -> "Range | None":
        """The range of the values, None if there are none."""
        return cls(float(min(values)), float(max(values))) if len(values) else None


@dataclass(frozen=True)
class ElementSummary:
    """One element over the whole set: forces in eV/Å, the nearest neighbours' distance in Å."""

    symbol: str
    n_atoms: int
    n_structures: int
    force_rms: float | None
    force_max: float | None
    nearest: float | None
    reference_energy: float | None


@dataclass(frozen=True)
class GroupSummary:
    """One config_type: energies in eV/atom, forces in eV/Å, pressures in eV/Å^3."""

    config_type: str
    n_structures: int
    atoms: Range
    labels: Mapping[str, int]
    energy: Range | None
    force_rms: float | None
    force_max: float | None
    pressure: Range | None


@dataclass(frozen=True)
class Consistency:
    """How energies change from one structure to a similar one, against what forces and stresses
    say: the slope is 1 if units and signs fit together."""

    n_pairs: int
    slope: float
    correlation: float


@dataclass(frozen=True)
class DataReport:
    """Everything that `check_frames` found out.

    Attributes
    ----------
    labels : how many structures have an energy, forces, a stress
    pbc : how many structures have each periodicity, such as "TTF"
    references : energies of the elements, None if there are no energies
    consistency : of "forces" and "stress" with the energies, where similar structures allow it
    findings : the worst first
    """

    n_structures: int
    n_atoms: int
    fingerprint: str
    sizes: Range
    labels: Mapping[str, int]
    pbc: Mapping[str, int]
    elements: Sequence[ElementSummary]
    groups: Sequence[GroupSummary]
    references: ReferenceEnergies | None
    consistency: Mapping[str, Consistency] = field(default_factory=dict)
    findings: Sequence[Finding] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something was found with which the data must not be used."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON; reference energies by chemical symbol."""
        content = asdict(self)
        if self.references is not None:
            values = self.references.values.items()
            content["references"]["values"] = {chemical_symbols[z]: e for z, e in values}
        return content
