"""`mlip data`: check labelled structures, split them, convert them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mlip.cli import console
from mlip.cli.data_report import show_report
from mlip.cli.options import (
    ConfigTypeKey,
    EnergyKey,
    ForcesKey,
    StressKey,
    VirialKey,
    as_option,
)
from mlip.data import (
    Frame,
    FrameSet,
    LabelKeys,
    SplitConfig,
    check_frames,
    read_frames,
    split_frames,
)
from mlip.data.splits import PARTS, Split
from mlip.data.write import labels_held_by, write_frames
from mlip.properties import LABELS
from mlip.settings import parse_settings

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
    keys = LabelKeys(
        energy=energy_key,
        forces=forces_key,
        stress=stress_key,
        virial=virial_key,
        config_type=config_type_key,
    )
    frames = read_frames(files, keys)
    with console.progress_bar("looking at neighbours", len(frames)) as bar:
        report = check_frames(frames, progress=lambda _done, _total: bar.step())
    if as_json:
        content = {"labels_found": frames.labels_found.to_dict(), **report.to_dict()}
        console.show(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        console.show(str(frames.labels_found))
        show_report(report)
    if report.has_errors:
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
    if by is not None and group is not None:
        raise ValueError("--by and --group exclude each other")
    method = "group" if group else "stratified" if by else "random"
    key = group or by or "config_type"
    content = {"method": method, "fractions": fractions, "key": key, "seed": seed}
    config = parse_settings(SplitConfig, content, "mlip data split", as_option)
    keys = LabelKeys(energy=energy_key, forces=forces_key, stress=stress_key, virial=virial_key)
    frames = read_frames(files, keys)
    divided = split_frames(frames, config)
    _write_parts(output_dir, frames, divided, overwrite)
    divided.save(output_dir / "split.json", frames, config)


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
    _require_absent([target], overwrite)
    keys = LabelKeys(energy=energy_key, forces=forces_key, stress=stress_key, virial=virial_key)
    frames = read_frames([source], keys)
    write_frames(target, frames)
    for name in LABELS:
        lost = frames.labels_found.count(name)
        if lost and name not in labels_held_by(target):
            console.warn(f"{target.name} cannot hold {name}: {lost} labels are left out")
    console.show(str(frames.labels_found))
    console.show(f"{len(frames)} structures written to {target}")


def _write_parts(folder: Path, frames: FrameSet, divided: Split, overwrite: bool) -> None:
    parts = {part: [frames[i] for i in getattr(divided, part)] for part in PARTS}
    paths = {part: folder / f"{part}.extxyz" for part in PARTS}
    _require_absent([*paths.values(), folder / "split.json"], overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    for part, members in parts.items():
        if members:
            write_frames(paths[part], members)
        else:
            paths[part].unlink(missing_ok=True)
    console.show(str(frames.labels_found))
    console.table(
        f"written to {folder}",
        ("set", "structures", "atoms", "energies", "forces", "stresses"),
        [(part, len(members), *_counts(members)) for part, members in parts.items()],
    )


def _counts(frames: Sequence[Frame]) -> tuple[int, ...]:
    atoms = sum(len(frame) for frame in frames)
    return atoms, *(sum(name in frame.labels for frame in frames) for name in LABELS)


def _require_absent(paths: Sequence[Path], overwrite: bool) -> None:
    existing = [str(path) for path in paths if path.exists()]
    if existing and not overwrite:
        raise ValueError(f"{', '.join(existing)} exists already; --overwrite replaces it")
