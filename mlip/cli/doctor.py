"""`mlip doctor`: what is sound in a trained model, and what is not."""

from pathlib import Path
from typing import Annotated

import typer

from mlip.cli.options import Device


def doctor(
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    structures: Annotated[
        list[Path] | None,
        typer.Argument(help="Your own structures; some are made up without.", show_default=False),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="How many of the structures to use.")] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON, and nothing else.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of random rotations and displacements.")] = 0,
    device: Device = "cpu",
) -> None:
    """Examine a model: symmetries, derivatives, cutoff, short and long distances, precision.

    Exit status 1 if a check fails.
    """
    from mlip.cli.doctor_report import examination

    found = examination(model, structures or [], frames, seed, device, as_json)
    if any(check.verdict == "fail" for check in found):
        raise typer.Exit(1)
