"""Everything that the report of a campaign shows, as plain data."""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from jaxtyping import Float, Int

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.elements import unknown_elements
from mlip.active_learning.feature_map import mean_features, principal_plane
from mlip.active_learning.frames import atoms_of, queued_structure
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.status import CampaignStatus, open_store, status_of
from mlip.active_learning.store import Label, Store, Verdict
from mlip.data.extxyz import read_extxyz
from mlip.models import load_model
from mlip.settings import load_settings

#: Candidates on the map; more would only be the same ink.
MOST_CANDIDATES = 2000


@dataclasses.dataclass(frozen=True)
class AskedLabel:
    """A label that was asked for: where its structure comes from, and what it showed.

    Attributes
    ----------
    folder : of its files, relative to that of the campaign; None if there is none, or none yet
    explorer, start, conditions, frame : who found it, from which structure or file, under which
        conditions, as which frame of the run
    predicted, found : error of its most uncertain and of its worst force before it was trained on,
        eV/Å; predicted is calibrated. NaN where unknown
    chosen : by which method; empty for structures of the beginning
    reason : why there is no label; None if there is one or will be
    seconds : wall time; NaN if it was not computed, or not yet
    """

    key: str
    iteration: int
    folder: Path | None
    explorer: str
    start: str
    conditions: str
    frame: int | None
    predicted: float
    found: float
    chosen: str
    status: str
    reason: str | None
    seconds: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """What became of the candidates that one iteration explored; without any if it has not chosen
    yet, or chose by a version that did not keep them."""

    iteration: int
    counts: Mapping[Verdict, int]


@dataclasses.dataclass(frozen=True)
class StructureMap:
    """Structures as points of a plane: see `mlip.active_learning.feature_map`.

    Attributes
    ----------
    labelled, iterations, failed : structures that were asked for, when, and whether in vain
    left : candidates that were not chosen, evenly thinned
    n_left : of how many
    n_unknown : left out, since the potential does not know one of their elements
    shares : of the variance, that of each direction
    model : the iteration whose potential's features these are
    """

    labelled: Float[np.ndarray, "labels 2"]
    iterations: Int[np.ndarray, " labels"]
    failed: Sequence[bool]
    left: Float[np.ndarray, "candidates 2"]
    n_left: int
    n_unknown: int
    shares: Float[np.ndarray, " 2"]
    model: int


@dataclasses.dataclass(frozen=True)
class CampaignReport:
    """All that the report shows.

    Attributes
    ----------
    name : of the folder
    members : the report of each member, by iteration, relative to the folder
    plane : None as long as there is no potential
    config : the config file as it is; empty if there is none
    aim : error of forces below which the campaign ends, eV/Å; NaN if there is no config
    """

    name: str
    status: CampaignStatus
    labels: Sequence[AskedLabel]
    choices: Sequence[Choice]
    members: Mapping[int, Sequence[Path]]
    plane: StructureMap | None
    fingerprints: Sequence[Fingerprint]
    config: str
    aim: float

    @property
    def failures(self) -> list[AskedLabel]:
        return [label for label in self.labels if label.status == "failed"]

    @property
    def compared(self) -> list[AskedLabel]:
        """Labels whose error was predicted before it was found."""
        return [one for one in self.labels if one.predicted > 0.0 and one.found > 0.0]


def campaign_report(folder: Path) -> CampaignReport:
    """Read everything; a campaign may be running in the folder.

    Raises
    ------
    ValueError
        If there is no campaign in the folder, or its store or config cannot be read.
    """
    files = CampaignFolder(folder)
    store = open_store(folder)
    try:
        status, labels = status_of(store), store.labels()
        numbers = range(len(status.iterations))
        config, aim = _config(files.config)
        return CampaignReport(
            name=folder.resolve().name,
            status=status,
            labels=_asked(files, status, labels),
            choices=[_choice(store, number) for number in numbers],
            members={number: _members(files, store, number) for number in numbers},
            plane=structure_map(files, labels),
            fingerprints=list(store.fingerprints().values()),
            config=config,
            aim=aim,
        )
    finally:
        store.close()


def structure_map(files: CampaignFolder, labels: Sequence[Label]) -> StructureMap | None:
    """All structures that were asked for or explored, seen by the last potential. Those whose
    labels failed may have elements that it does not know."""
    iterations = range(max((label.iteration for label in labels), default=-1) + 1)
    trained = [n for n in iterations if files.iteration_model(n).exists()]
    if not trained:
        return None
    model = load_model(files.iteration_model(trained[-1]))
    asked = [(label, atoms_of(label.structure)) for label in labels]
    seen = [(label, atoms) for label, atoms in asked if not unknown_elements(model, atoms)]
    left = _left(files, trained, {label.key for label in labels})
    shown = left[:: -(-len(left) // MOST_CANDIDATES) or 1]
    points, shares = principal_plane(mean_features(model, [atoms for _, atoms in seen] + shown))
    labelled, others = np.split(points, [len(seen)])
    return StructureMap(
        labelled=labelled,
        iterations=np.array([label.iteration for label, _ in seen]),
        failed=[label.status == "failed" for label, _ in seen],
        left=others,
        n_left=len(left),
        n_unknown=len(asked) - len(seen),
        shares=shares,
        model=trained[-1],
    )


def _left(files: CampaignFolder, iterations: Sequence[int], asked: set[str]) -> list[Atoms]:
    """The candidates that were not chosen, in their order."""
    paths = [path for n in iterations for path in sorted(files.candidates(n).glob("*.extxyz"))]
    found = (atoms for path in paths for atoms in read_extxyz(path))
    return [atoms for atoms in found if queued_structure(atoms, {}).key not in asked]


def _asked(
    files: CampaignFolder, status: CampaignStatus, labels: Sequence[Label]
) -> list[AskedLabel]:
    judged = [one.before for one in status.iterations if one.before]
    found = {key: error for one in judged for key, error in zip(one["keys"], one["found"])}
    return [_one(files, label, found.get(label.key, math.nan)) for label in labels]


def _one(files: CampaignFolder, label: Label, found: float) -> AskedLabel:
    origin = label.structure.origin
    folder = files.labels / label.key
    temperature = origin.get("temperature")
    return AskedLabel(
        key=label.key,
        iteration=label.iteration,
        folder=folder.relative_to(files.path) if folder.exists() else None,
        explorer=str(origin.get("explorer", "")),
        start=str(origin.get("from", "")).rpartition("/")[2],
        conditions=f"{temperature:g} K" if temperature is not None else "",
        frame=origin.get("frame"),
        predicted=origin.get("uncertainty", math.nan),
        found=found,
        chosen=str(origin.get("chosen", "")),
        status=label.status,
        reason=label.reason,
        seconds=math.nan if label.seconds is None else label.seconds,
    )


def _config(path: Path) -> tuple[str, float]:
    """The config as text, and the error of forces that is aimed at. A campaign that is run from
    Python needs no file."""
    if not path.exists():
        return "", math.nan
    aim = load_settings(CampaignConfig, path).stop.force_error
    return path.read_text(encoding="utf-8"), aim


def _choice(store: Store, iteration: int) -> Choice:
    return Choice(iteration, Counter(one.verdict for one in store.candidates(iteration)))


def _members(files: CampaignFolder, store: Store, iteration: int) -> list[Path]:
    """Reports of an iteration's members that are there, relative to the folder of the campaign."""
    paths = [Path(path).parent / "report.html" for path, _ in store.models(iteration).values()]
    return [path for path in paths if (files.path / path).exists()]
