"""Options that several verbs share."""

from typing import Annotated

import typer

EnergyKey = Annotated[str | None, typer.Option(help="Key of the energy, eV.")]
ForcesKey = Annotated[str | None, typer.Option(help="Key of the forces, eV/Å.")]
StressKey = Annotated[str | None, typer.Option(help="Key of the stress, eV/Å^3, ASE's sign.")]
VirialKey = Annotated[str | None, typer.Option(help="Key of the virial, eV; -stress × volume.")]
ConfigTypeKey = Annotated[str | None, typer.Option(help="Key of the kind of structure.")]


def as_option(key: str) -> str:
    """How a setting is called on the command line."""
    return f"--{key.replace('_', '-')}"
