"""`mlip convert`: potentials of other programs, read and written."""

from pathlib import Path
from typing import Annotated

import typer

from mlip.cli import console
from mlip.cli.targets import require_writable

convert_app = typer.Typer(
    name="convert", help="Convert potentials of other programs, and back.", no_args_is_help=True
)


@convert_app.callback()
def programs() -> None:
    """Convert potentials of other programs, and back."""


@convert_app.command()
def n2p2(
    source: Annotated[
        Path,
        typer.Argument(help="Folder with input.nn, scaling.data, weights.*.data; or a model file."),
    ],
    target: Annotated[Path, typer.Argument(help="Model file (.safetensors); or a new folder.")],
    to: Annotated[str | None, typer.Option(help="n2p2: write a folder from a model file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model file.")] = False,
) -> None:
    """Read a potential of n2p2 or RuNNer as a model; with --to n2p2, write a model for them."""
    if to not in (None, "n2p2"):
        raise ValueError(f"--to is n2p2 or left out, not {to!r}")
    if to is None:
        _read(source, target, overwrite)
    else:
        _write(source, target)


def _read(folder: Path, path: Path, overwrite: bool) -> None:
    from mlip.interop.n2p2 import read_potential
    from mlip.models import ModelCard, save_model

    if folder.is_file():
        raise ValueError(
            f"{folder} is a file, and a potential of n2p2 or RuNNer a folder; to write one from a "
            "model file, add --to n2p2"
        )
    require_writable(path, overwrite)
    model, notes = read_potential(folder)
    for note in notes:
        console.remark(note)
    source = "atom_energy and mean_energy of input.nn"
    save_model(path, model, ModelCard(reference_energies_source=source))
    console.show(f"{path}: {model}")


def _write(path: Path, folder: Path) -> None:
    from mlip.interop.n2p2 import write_potential
    from mlip.models import load_model

    for note in write_potential(folder, load_model(path)):
        console.remark(note)
    console.show(f"{folder}: input.nn, scaling.data and the weights of each element")
