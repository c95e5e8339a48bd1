"""From labelled files to a committee: a training run for each member, resumed if killed."""

from collections.abc import Sequence
from pathlib import Path

from mlip.active_learning.config import LearningConfig
from mlip.data import Frame
from mlip.data.write import write_frames
from mlip.models import Committee, ModelCard, Potential, load_model, save_model
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
        train(_training(config, folder, member, level_of_theory), run, resume=True,
              observers=observers)  # fmt: skip
    return found


def join_members(paths: Sequence[Path], target: Path) -> Potential:
    """The committee of some models, as a model file; a single one stays itself."""
    members = [load_model(path) for path in paths]
    first = members[0].card or ModelCard()
    model = Committee(members) if len(members) > 1 else members[0]
    source = first.reference_energies_source
    save_model(target, model, ModelCard(dataset=first.dataset, reference_energies_source=source))
    return load_model(target)


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
    return parse_settings(TrainingConfig, own | {"data": data, "seed": member_seed(config, member)})
