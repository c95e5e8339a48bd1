"""What `mlip data split` and `mlip data convert` write."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlip.cli import console
from mlip.cli.options import as_option
from mlip.cli.targets import require_absent, require_kept, require_writable
from mlip.data import Frame, FrameSet, LabelKeys, SplitConfig, read_frames, split_frames
from mlip.data.splits import PARTS, Split
from mlip.data.write import left_out, write_frames
from mlip.properties import LABELS
from mlip.settings import parse_settings


def split_files(
    files: Sequence[Path],
    folder: Path,
    division: Mapping[str, object],
    keys: LabelKeys,
    overwrite: bool,
) -> None:
    """Divide the structures of some files and write the parts, and the record of them."""
    config = parse_settings(SplitConfig, division, "mlip data split", as_option)
    require_kept([folder / f"{part}.extxyz" for part in PARTS], files)
    frames = read_frames(files, keys)
    divided = split_frames(frames, config)
    _write_parts(folder, frames, divided, overwrite)
    divided.save(folder / "split.json", frames, config)


def convert_file(source: Path, target: Path, keys: LabelKeys, overwrite: bool) -> None:
    """Write the structures of a file in another format."""
    require_writable(target, overwrite)
    frames = read_frames([source], keys)
    write_frames(target, frames)
    for name, count in left_out(target, frames).items():
        of = "labels" if name in LABELS else "values"
        console.warn(f"{target.name} cannot hold {name}: {count} {of} are left out")
    console.show(str(frames.labels_found))
    console.show(f"{len(frames)} structures written to {target}")


def _write_parts(folder: Path, frames: FrameSet, divided: Split, overwrite: bool) -> None:
    parts = {part: [frames[i] for i in getattr(divided, part)] for part in PARTS}
    paths = {part: folder / f"{part}.extxyz" for part in PARTS}
    require_absent([*paths.values(), folder / "split.json"], overwrite)
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
