"""Forces: do they sum to zero, were some set to zero, are some out of all proportion?"""

from collections.abc import Sequence

import numpy as np

from mlip.data.checks.contacts import Contacts
from mlip.data.checks.energies import robust_scores
from mlip.data.checks.report import Finding, counted
from mlip.data.frames import Frame

_NET_FORCE = 0.05  # eV/Å per square root of the number of atoms: noise adds up like this
_NOT_FORCES = 0.3  # net force over that of as many independent vectors
_HUGE = 50.0  # eV/Å
_FAR_OUT = 8.0  # robust standard deviations of log10 of the largest force
_POLAR = 1e-3  # polarity of an environment beyond the rounding of positions


def check_forces(frames: Sequence[Frame], contacts: Sequence[Contacts]) -> list[Finding]:
    """Findings about the forces of the frames that have them."""
    labelled = [frame for frame in frames if "forces" in frame.labels]
    if not labelled:
        advice = "a potential learns far more from forces: add them if the calculations have them"
        return [Finding("info", "forces", "no structure has forces", advice)]
    return [
        *_check_net(labelled),
        *_check_zeros([(f, c) for f, c in zip(frames, contacts) if "forces" in f.labels]),
        *_check_large(labelled),
    ]


def _check_net(frames: Sequence[Frame]) -> list[Finding]:
    many = [frame for frame in frames if len(frame) > 1]
    net = np.array([np.linalg.norm(f.labels["forces"].sum(axis=0)) for f in many])
    roots = np.sqrt([len(f) for f in many])
    rms = np.array([np.sqrt(np.square(f.labels["forces"]).sum(axis=1).mean()) for f in many])
    moving = rms > 1e-3
    if moving.sum() >= 3 and np.median(net[moving] / (roots * rms)[moving]) > _NOT_FORCES:
        return [
            Finding(
                "error",
                "net forces",
                "in most structures the forces do not sum to zero at all (median "
                f"{np.median(net[moving]):.2f} eV/Å): these are not the forces of a free system",
                "check the columns that are read as forces; or an external field, or fixed atoms "
                "whose forces were left out",
            )
        ]
    bad = [i for i in np.argsort(-net / roots, kind="stable") if net[i] / roots[i] > _NET_FORCE]
    if not bad:
        return []
    zeroed = sum(bool((~many[i].labels["forces"].any(axis=1)).any()) for i in bad)
    hint = (
        f"in {zeroed} of them some atoms have forces of exactly zero, as if constraints had been "
        "applied: export them without"
        if zeroed > 0.5 * len(bad)
        else "tighten the calculation (grid, cutoff, SCF), or remove a field"
    )
    return [
        Finding(
            "warning",
            "net forces",
            f"forces sum to more than noise in {counted(len(bad))} (largest: "
            f"{net[bad[0]]:.3g} eV/Å over {len(many[bad[0]])} atoms)",
            hint,
            tuple(many[i].source for i in bad),
        )
    ]


def _check_zeros(frames: Sequence[tuple[Frame, Contacts]]) -> list[Finding]:
    """Forces that are zero although the symmetry of the structure does not demand it."""
    zero = tuple(
        frame.source
        for frame, contacts in frames
        if contacts.polarity > _POLAR and not frame.labels["forces"].any()
    )
    if not zero:
        return []
    what = f"all forces are exactly zero in {counted(len(zero))} without the symmetry for it"
    advice = "these are placeholders, not results: remove the label, or they would be trained on"
    return [Finding("error", "forces", what, advice, zero)]


def _check_large(frames: Sequence[Frame]) -> list[Finding]:
    largest = np.array([np.linalg.norm(f.labels["forces"], axis=1).max() for f in frames])
    far = largest > _HUGE
    if len(frames) >= 10:
        logs = np.log10(np.maximum(largest, 1e-3))
        above = logs > np.median(logs)
        far |= above & (largest > 5.0) & (robust_scores(logs, 0.05) > _FAR_OUT)
    worst = [i for i in np.argsort(-largest, kind="stable") if far[i]]
    if not worst:
        return []
    return [
        Finding(
            "warning",
            "forces",
            f"forces out of proportion in {counted(len(worst))} (largest: "
            f"{largest[worst[0]]:.1f} eV/Å)",
            "they dominate a loss of squares: remove what has exploded or not converged, keep what "
            "was made on purpose",
            tuple(frames[i].source for i in worst),
        )
    ]
