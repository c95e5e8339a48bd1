"""The findings of `mlip doctor`, as a list and as JSON."""

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlip.cli import console
from mlip.data import read_frames
from mlip.models import load_model
from mlip.validation.check import Check
from mlip.validation.doctor import CHECKS, examine, sample


def examination(
    model: Path,
    structures: Sequence[Path],
    n_frames: int,
    seed: int,
    device: str,
    as_json: bool,
) -> list[Check]:
    """Examine a model on some of the structures of files, and print what was found."""
    potential = load_model(model, device=device)
    own = read_frames(structures) if structures else []
    chosen = sample([frame.atoms for frame in own], n_frames)
    found = list(_watched(examine(potential, chosen, seed)))
    if as_json:
        console.show(json.dumps(_plain(model, len(chosen), found), indent=2, ensure_ascii=False))
    else:
        _show(model, len(chosen), found)
    return found


def _watched(checks: Iterator[Check]) -> Iterator[Check]:
    with console.progress_bar("examining", len(CHECKS)) as bar:
        for check in checks:
            bar.step()
            bar.say(check.name)
            yield check


def _show(model: Path, n_structures: int, found: Sequence[Check]) -> None:
    on = f"{n_structures} of your structures" if n_structures else "structures made up for it"
    console.findings(
        f"{model} on {on}",
        [(check.name, check.verdict, _figure(check), check.meaning) for check in found],
    )
    counts = dict.fromkeys(("pass", "warn", "fail", "skip"), 0)
    for check in found:
        counts[check.verdict] += 1
    console.show(
        f"{counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail, "
        f"{counts['skip']} not checked"
    )


def _figure(check: Check) -> str:
    """The figure and what it may be: ``3.1e-10 (<= 0.001) meV/Å``."""
    if check.figure is None:
        return ""
    bound = "" if check.bound is None else f" (<= {check.bound:.3g})"
    return f"{check.figure:.2g}{bound} {check.unit}"


def _plain(model: Path, n_structures: int, found: Sequence[Check]) -> dict[str, object]:
    """The findings as JSON has them: a figure that is no number is null."""
    checks = [dataclasses.asdict(check) for check in found]
    for check in checks:
        if check["figure"] is not None and not math.isfinite(check["figure"]):
            check["figure"] = None
    verdicts = [check.verdict for check in found]
    worst = next(v for v in ("fail", "warn", "pass", "skip") if v in verdicts)
    return {
        "model": str(model),
        "n_structures": n_structures,
        "verdict": worst,
        "checks": checks,
    }
