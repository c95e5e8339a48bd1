"""From labelled files to a committee: a training run for each member, resumed if killed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlip.active_learning.config import LearningConfig
from mlip.active_learning.uncertainty import MeasureName
from mlip.data import Frame, GraphDataset
from mlip.data.statistics import without_isolated_atoms
from mlip.data.write import write_frames
from mlip.models import (
    CalibrationCard,
    Committee,
    Laplace,
    Potential,
    card_of,
    load_model,
    save_model,
)
from mlip.settings import parse_settings
from mlip.training import TrainingConfig, train
from mlip.training.observers import Observer

#: Between the seeds of members.
_STRIDE = 7919


def member_seed(config: LearningConfig, member: int) -> int:
    """Of first weights and the order of frames; the same in every iteration."""
    return (config.seed + _STRIDE * member) % 2**31


def write_data(folder: Path, parts: dict[str, list[Frame]]) -> None:
    """train.extxyz and valid.extxyz, for this and other codes."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, frames in parts.items():
        write_frames(folder / f"{part}.extxyz", frames)


def train_member(
    config: LearningConfig,
    folder: Path,
    member: int,
    level_of_theory: str,
    observers: Sequence[Observer] = (),
) -> Path:
    """Train one member on the data in the folder; the file of its model.

    A run that was killed goes on, to the same model; one that was finished stays as it is.
    """
    run = folder / f"member-{member}"
    found = run / "model.safetensors"
    if not (run / "report.html").exists():
        train(_training(config, folder, member, level_of_theory), run, resume=run.exists(),
              observers=observers)  # fmt: skip
    return found


def finished_model(paths: Sequence[Path], uncertainty: MeasureName, data: list[Frame]) -> Potential:
    """What an iteration ends with: the committee of some models. A single one stays itself or, if
    the uncertainty is that of ``laplace``, has the covariance that follows from its training data.
    """
    members = [load_model(path) for path in paths]
    model = members[0]
    if len(members) > 1:
        model = Committee(members)
    elif uncertainty == "laplace":
        learned = without_isolated_atoms(data)  # of those nothing but reference energies
        model = Laplace.fit(model, GraphDataset(learned, model.cutoff))
    model.card = card_of(model)
    return model


def save_calibrated(path: Path, model: Potential, cards: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the model with what is known of the calibration of its uncertainties, if it has any.

    Parameters
    ----------
    cards : fields of `CalibrationCard` by property
    """
    kept = {name: CalibrationCard(**fields) for name, fields in cards.items()}
    known = kept if model.knows_its_uncertainty else {}
    save_model(path, model, card_of(model).model_copy(update={"calibration": known}))


def _training(
    config: LearningConfig, folder: Path, member: int, level_of_theory: str
) -> TrainingConfig:
    # what is unset stays so: a loss that is spelled out would demand every label
    own = config.model_dump(mode="json", exclude={"members", "valid"}, exclude_unset=True)
    data = {
        "train": [str(folder / "train.extxyz")],
        "valid": [str(folder / "valid.extxyz")],
        "level_of_theory": level_of_theory,
    }
    fixed = {"data": data, "keep": config.keep, "seed": member_seed(config, member)}
    return parse_settings(TrainingConfig, own | fixed)
