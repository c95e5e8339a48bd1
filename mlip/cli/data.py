"""`mlip data`: check labelled structures, split them, convert them."""

from pathlib import Path
from typing import Annotated

import typer

from mlip.cli.options import ConfigTypeKey, EnergyKey, ForcesKey, StressKey, VirialKey

data_app = typer.Typer(
    name="data",
    help="Labelled structures: check them before they are trained on, split them, convert them.",
    no_args_is_help=True,
)

_Files = Annotated[list[Path], typer.Argument(help="Anything ASE reads, or n2p2's input.data.")]


@data_app.command()
def check(
    files: _Files,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON, and nothing else.")
    ] = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    config_type_key: ConfigTypeKey = None,
) -> None:
    """Report what is in the files, and what is wrong with it.

    Exit status 1 if something is found with which the data must not be used.
    """
    from mlip.cli.data_report import report_on
    from mlip.data import LabelKeys

    keys = LabelKeys(
        energy=energy_key,
        forces=forces_key,
        stress=stress_key,
        virial=virial_key,
        config_type=config_type_key,
    )
    if report_on(files, keys, as_json).has_errors:
        raise typer.Exit(1)


@data_app.command()
def split(
    files: _Files,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", help="Folder of train.extxyz, valid.extxyz, ...")
    ],
    fractions: Annotated[
        tuple[float, float, float], typer.Option(help="For training, validation and test set.")
    ] = (0.8, 0.1, 0.1),
    by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Divide each kind alike: config_type, or a key of info."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Keep each kind together, such as a trajectory."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
) -> None:
    """Divide structures into training, validation and test set.

    Copies of a structure stay together and isolated atoms go to the training set. Labels are
    written under ASE's names and read back as the same numbers; split.json records the division.
    """
    from mlip.cli.data_files import split_files
    from mlip.data import LabelKeys

    if by is not None and group is not None:
        raise ValueError("--by and --group exclude each other")
    method = "group" if group else "stratified" if by else "random"
    key = group or by or "config_type"
    division = {"method": method, "fractions": fractions, "key": key, "seed": seed}
    keys = LabelKeys(energy=energy_key, forces=forces_key, stress=stress_key, virial=virial_key)
    split_files(files, output_dir, division, keys, overwrite)


@data_app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Anything ASE reads, or n2p2's input.data.")],
    target: Annotated[
        Path, typer.Argument(help="Its suffix tells the format: .extxyz, .data (n2p2), .traj, ...")
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
) -> None:
    """Write labelled structures in another format; every label is the same when read back."""
    from mlip.cli.data_files import convert_file
    from mlip.data import LabelKeys

    keys = LabelKeys(energy=energy_key, forces=forces_key, stress=stress_key, virial=virial_key)
    convert_file(source, target, keys, overwrite)
