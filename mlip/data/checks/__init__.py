"""The data doctor: what is in a set of labelled structures, and what is wrong with it."""

from collections.abc import Callable, Sequence

from mlip.data.checks.bonds import check_bonds
from mlip.data.checks.consistency import check_consistency
from mlip.data.checks.contacts import check_contacts, find_contacts
from mlip.data.checks.duplicates import check_duplicates
from mlip.data.checks.energies import check_energies, find_references
from mlip.data.checks.forces import check_forces
from mlip.data.checks.report import DataReport, Finding, Range
from mlip.data.checks.stress import check_stress
from mlip.data.checks.summary import (
    count_labels,
    count_pbc,
    summarise_elements,
    summarise_groups,
)
from mlip.data.frames import Frame
from mlip.data.identity import fingerprint

__all__ = ["DataReport", "Finding", "check_frames"]

_ORDER = {"error": 0, "warning": 1, "info": 2}


def check_frames(
    frames: Sequence[Frame], progress: Callable[[int, int], None] | None = None
) -> DataReport:
    """Look at everything that can be judged without a model.

    Parameters
    ----------
    progress : called as structures are worked on, with how many are done and how many there are

    Raises
    ------
    ValueError
        If there are no frames.
    """
    if not frames:
        raise ValueError("there are no structures to check")
    references, findings = find_references(frames)
    contacts = find_contacts(frames, progress)
    consistency, inconsistent = check_consistency(frames)
    findings.extend(inconsistent)
    if references is not None:
        findings.extend(check_energies(frames, references))
    findings.extend(check_forces(frames, contacts))
    findings.extend(check_bonds(frames, contacts))
    findings.extend(check_stress(frames, sign_is_known="stress" in consistency))
    findings.extend(check_contacts(frames, contacts))
    findings.extend(check_duplicates(frames))
    sizes = Range.of([len(frame) for frame in frames])
    assert sizes is not None  # there are frames
    return DataReport(
        n_structures=len(frames),
        n_atoms=sum(len(frame) for frame in frames),
        fingerprint=fingerprint(frames),
        sizes=sizes,
        labels=count_labels(frames),
        pbc=count_pbc(frames),
        elements=summarise_elements(frames, contacts, references),
        groups=summarise_groups(frames),
        references=references,
        consistency=consistency,
        findings=sorted(findings, key=lambda finding: _ORDER[finding.severity]),
    )
