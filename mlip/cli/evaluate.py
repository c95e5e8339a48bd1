"""`mlip evaluate`: how far a model is from labelled structures, and its predictions for any."""

from pathlib import Path
from typing import Annotated

import typer

from mlip.cli.options import (
    ConfigTypeKey,
    Device,
    EnergyKey,
    ForcesKey,
    Precision,
    StressKey,
    Threads,
    VirialKey,
)


def evaluate(
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    data: Annotated[list[Path], typer.Argument(help="Files of structures, labelled or not.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print errors as JSON, and nothing else.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Write predictions as extended XYZ; labels go under REF_*."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write errors and figures as one HTML page.")
    ] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    config_type_key: ConfigTypeKey = None,
    device: Device = "cpu",
    dtype: Precision = None,
    threads: Threads = 1,
    batch_atoms: Annotated[int, typer.Option(help="Atoms computed at once.")] = 512,
) -> None:
    """Errors of a model on labelled structures (energy per atom, forces, stress).

    Of a model that knows its uncertainty also how that compares with the errors; --output writes
    it too, --report draws it.
    """
    from mlip.cli.evaluation import evaluate_files
    from mlip.data import LabelKeys

    keys = LabelKeys(
        energy=energy_key,
        forces=forces_key,
        stress=stress_key,
        virial=virial_key,
        config_type=config_type_key,
    )
    evaluate_files(
        model,
        data,
        keys,
        as_json,
        output,
        device,
        dtype,
        report=report,
        threads=threads,
        batch_atoms=batch_atoms,
    )
