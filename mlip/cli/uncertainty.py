"""`mlip uncertainty`: models that know how wrong they may be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlip.cli.options import Device, EnergyKey, ForcesKey, Threads
from mlip.cli.targets import require_writable

if TYPE_CHECKING:
    from mlip.data import LabelKeys

uncertainty_app = typer.Typer(
    name="uncertainty",
    help="Models that know how wrong they may be: make them, calibrate them.",
    no_args_is_help=True,
)

_Model = Annotated[Path, typer.Argument(help="Model file (.safetensors).")]
_Output = Annotated[Path, typer.Option("--output", "-o", help="The model file to write.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file.")]


@uncertainty_app.command()
def committee(
    models: Annotated[list[Path], typer.Argument(help="Model files, two or more.")],
    output: _Output,
    overwrite: _Overwrite = False,
) -> None:
    """Join models that were trained apart: their spread is an uncertainty."""
    from mlip.cli import console
    from mlip.cli.joining import joined_models
    from mlip.models import save_model

    require_writable(output, overwrite, models)
    joined = joined_models(models)
    save_model(output, joined)
    console.remark(f"{output}: a committee of {joined.n_members}, not calibrated")


@uncertainty_app.command()
def laplace(
    model: _Model,
    data: Annotated[list[Path], typer.Argument(help="The data it was trained on.")],
    output: _Output,
    passes: Annotated[
        int,
        typer.Option(
            min=1,
            help="Backward passes for the uncertainties of forces; with as many as the last layer "
            "has weights they are exact.",
        ),
    ] = 32,
    overwrite: _Overwrite = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Give a single model an uncertainty: the Laplace approximation of its last layer."""
    from mlip.cli import console
    from mlip.data import GraphDataset, read_frames
    from mlip.data.statistics import without_isolated_atoms
    from mlip.models import Laplace, load_model, save_model
    from mlip.models.placement import on_threads
    from mlip.training.calibration import are_training_data

    require_writable(output, overwrite, [model])
    base = load_model(model, device=device)
    frames = without_isolated_atoms(read_frames(data, _keys(energy_key, forces_key)))
    if base.card is not None and base.card.dataset and not are_training_data(base, frames):
        console.warn(
            f"these are not exactly the {base.card.dataset.n_structures} structures that the model "
            "was trained on: what it gives is the uncertainty of a model trained on these"
        )
    with on_threads(threads):
        save_model(output, Laplace.fit(base, GraphDataset(frames, base.cutoff), passes))
    console.remark(f"{output}: a Laplace approximation from {len(frames)} structures, "
                   "not calibrated")  # fmt: skip


@uncertainty_app.command()
def calibrate(
    model: _Model,
    data: Annotated[list[Path], typer.Argument(help="Labelled, and not trained on.")],
    output: _Output,
    overwrite: _Overwrite = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    device: Device = "cpu",
    threads: Threads = 1,
) -> None:
    """Compare the uncertainties of a model with its errors, and keep the factors.

    The model that is written gives uncertainties of the right size, everywhere, and says so.
    """
    from mlip.cli import console
    from mlip.cli.calibration_report import show_calibrations
    from mlip.data import read_frames
    from mlip.models import load_model, save_model
    from mlip.models.placement import on_threads
    from mlip.training.calibration import calibrate_model

    require_writable(output, overwrite)
    loaded = load_model(model, device=device)
    before = loaded.calibration
    frames = read_frames(data, _keys(energy_key, forces_key))
    with on_threads(threads):
        found = calibrate_model(loaded, frames, ", ".join(path.name for path in data))
    show_calibrations(found, before)
    save_model(output, loaded)
    console.remark(f"{output}: the same model, calibrated")


def _keys(energy: str | None, forces: str | None) -> "LabelKeys":
    from mlip.data import LabelKeys

    return LabelKeys(energy=energy, forces=forces)
