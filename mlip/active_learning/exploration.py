"""The candidates of an iteration: all explorers from all structures, each run in its own file."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from mlip.active_learning.elements import unknown_elements
from mlip.active_learning.explorers import Explorer, is_physical
from mlip.active_learning.uncertainty import UncertaintyMeasure, UncertaintyWatch
from mlip.calculators.ase_calculator import ExtrapolationWarning, MLIPCalculator
from mlip.data import Frame
from mlip.data.extxyz import frame_text, read_extxyz
from mlip.data.statistics import is_isolated_atom
from mlip.durable import write_whole
from mlip.models import Potential

#: Which explorer found a candidate, from which structure, in which run and under which conditions,
#: as which of its frames.
Origin = dict[str, str | int | float]


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A structure that could be labelled."""

    atoms: Atoms
    origin: Origin


def explore(
    explorers: Sequence[Explorer],
    structures: Sequence[Atoms],
    model: Potential,
    watch_for: Callable[[Atoms], UncertaintyWatch],
    folder: Path,
    seed: int,
    said: Callable[[str], None],
    told: Callable[[int, int], None],
) -> list[Candidate]:
    """All physical candidates, in the order of explorers, structures and runs.

    A run that left its file is not repeated, so that killed exploration goes on where it was. None
    is made from structures with elements that the model does not know, since their labels failed,
    nor from isolated atoms, in which there is nothing to explore.

    Parameters
    ----------
    folder : for the files
    said : of each run, how it went or why it was not made
    told : after each run, how many of how many there are
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Candidate] = []
    runs = list(_runs(explorers, len(structures)))
    for number, (explorer, start, run) in enumerate(runs):
        path = folder / f"{number:04d}-{explorer.name}.extxyz"
        if not path.exists():
            atoms = structures[start].copy()
            own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) % 2**31
            kept: list[Atoms] = []
            if is_isolated_atom(Frame(atoms)):
                how = "left out, it is an isolated atom"
            elif unknown := unknown_elements(model, atoms):
                how = f"left out, the potential does not know {', '.join(unknown)}"
            else:
                atoms.calc = MLIPCalculator(model)  # one for each run: none remembers another
                kept = _physical(explorer.run(atoms, run, own, watch_for))
                how = f"{len(kept)} candidates"
            write_whole(path, "".join(frame_text(frame, {}) for frame in kept).encode())
            said(f"{explorer.name} run {run} from structure {start}: {how}")
        told(number + 1, len(runs))
        origin: Origin = {"explorer": explorer.name, "from": start, "run": run}
        found += [
            Candidate(atoms, {**origin, **explorer.conditions(run), "frame": frame})
            for frame, atoms in enumerate(read_extxyz(path))
        ]
    return found


def _physical(frames: Iterable[Atoms]) -> list[Atoms]:
    """Those that are. To come where the model extrapolates is what a run is for: no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        return [frame for frame in frames if is_physical(frame)]


def watch_with(
    measure: UncertaintyMeasure, threshold: float, scale: float
) -> Callable[[Atoms], UncertaintyWatch]:
    """What makes a watch for the atoms of a run."""
    return lambda atoms: UncertaintyWatch(atoms, measure, threshold, scale)


def _runs(explorers: Sequence[Explorer], n_structures: int) -> Iterator[tuple[Explorer, int, int]]:
    for explorer in explorers:
        for structure in range(n_structures):
            for run in range(explorer.n_runs()):
                yield explorer, structure, run
