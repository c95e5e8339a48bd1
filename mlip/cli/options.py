"""Options that several verbs share."""

from typing import Annotated

import typer

EnergyKey = Annotated[str | None, typer.Option(help="Key of the energy, eV.")]
ForcesKey = Annotated[str | None, typer.Option(help="Key of the forces, eV/Å.")]
StressKey = Annotated[str | None, typer.Option(help="Key of the stress, eV/Å^3, ASE's sign.")]
VirialKey = Annotated[str | None, typer.Option(help="Key of the virial, eV; -stress × volume.")]
ConfigTypeKey = Annotated[str | None, typer.Option(help="Key of the kind of structure.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")]
Precision = Annotated[
    str | None, typer.Option(help="float32 or float64.", show_default="the model's")
]
Threads = Annotated[
    int, typer.Option(min=1, help="Processor threads; more pay for thousands of atoms only.")
]


def as_option(key: str) -> str:
    """How a setting is called on the command line."""
    return f"--{key.replace('_', '-')}"
