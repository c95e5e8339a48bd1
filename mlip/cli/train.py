"""`mlip train`: one config in, a potential and its report out."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[Path, typer.Argument(help="YAML file; see `mlip schema --example`.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the config, as epochs=50."),
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option(
            "--run-folder",
            "--output-dir",
            "-o",
            help="Where all results go.",
            show_default="runs/CONFIG",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in the folder.")
    ] = False,
) -> None:
    """Train a potential.

    Killed at any moment, the run goes on with --resume, to the same result.

    On several processors or GPUs: torchrun --nproc-per-node 2 -m mlip train ...
    """
    from mlip.cli.train_screen import train_on_screen

    folder = run_folder or Path("runs") / config.stem
    train_on_screen(config, changes or [], folder, resume)
