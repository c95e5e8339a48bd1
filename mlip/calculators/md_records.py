"""What a run leaves behind: settings, trajectory and log, each whole up to the last frame whenever
the run is killed.

    md.yaml      the settings of the run
    md.traj      frames with energy, forces, velocities (float64; the integrator's memory in info),
                 or md.extxyz
    md.csv       one row for each frame
    stopped.traj after an unphysical stop: the last good state and the bad one
"""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.extxyz import write_extxyz
from ase.io.trajectory import Trajectory

from mlip.calculators.md_settings import MDSettings
from mlip.durable import write_whole
from mlip.settings import dump_settings, load_settings

SETTINGS, LOG, STOPPED = "md.yaml", "md.csv", "stopped.traj"

#: Before the keys of a frame's `info` that hold step and integrator's memory.
_MARK = "md_"


@dataclasses.dataclass(frozen=True)
class MDSample:
    """One row of the log. What is not defined is NaN, and an empty cell in the file.

    Attributes
    ----------
    step : number of the time step; 0 is the start
    time : ps
    potential, kinetic, total : eV
    conserved : eV, the total energy without the heat of the thermostat; NaN where that heat is
        not known
    temperature : K
    pressure : GPa, with the kinetic part; NaN without three periodic directions
    volume : Å^3; NaN likewise
    max_force : eV/Å, largest on an atom
    """

    step: int
    time: float
    potential: float
    kinetic: float
    total: float
    conserved: float
    temperature: float
    pressure: float
    volume: float
    max_force: float


_UNITS = ("", "ps", "eV", "eV", "eV", "eV", "K", "GPa", "A3", "eV/A")
_NAMES = tuple(field.name for field in dataclasses.fields(MDSample))
_HEADER = [name + (f"_{unit}" if unit else "") for name, unit in zip(_NAMES, _UNITS, strict=True)]


class Records:
    """The files of one run, open for writing; the log holds `samples` and nothing beyond them."""

    def __init__(self, folder: Path, settings: MDSettings, samples: Sequence[MDSample]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        rows = [_HEADER, *(_cells(sample) for sample in samples)]
        write_whole(folder / SETTINGS, dump_settings(settings).encode())
        write_whole(folder / LOG, "".join(",".join(row) + "\n" for row in rows).encode())
        (folder / STOPPED).unlink(missing_ok=True)
        self._log = (folder / LOG).open("a", encoding="utf-8")
        self._frames = _open_trajectory(folder / trajectory_name(settings))

    @staticmethod
    def refuse_to_overwrite(folder: Path, settings: MDSettings) -> None:
        """Raise FileExistsError if the folder holds a run already."""
        names = (SETTINGS, LOG, trajectory_name(settings), STOPPED)
        present = [name for name in names if (folder / name).exists()]
        if present:
            raise FileExistsError(
                f"{folder} already holds a run ({', '.join(present)}): go on with it by --resume "
                "(resume=True), or choose another folder by --output-dir"
            )

    def write(self, sample: MDSample, frame: Atoms | None) -> None:
        """A frame, unless it is in the file already, then its row: no row is without its frame."""
        if frame is not None:
            self._frames.write(frame)
        self._log.write(",".join(_cells(sample)) + "\n")
        self._log.flush()

    def close(self) -> None:
        """Close the files."""
        self._frames.close()
        self._log.close()


def trajectory_name(settings: MDSettings) -> str:
    """Name of the trajectory's file in the folder of the run."""
    return f"md.{settings.trajectory_format}"


def frame_of(
    atoms: Atoms, results: Mapping[str, Any], step: int, memory: Mapping[str, float]
) -> Atoms:
    """A copy of the atoms that carries its results itself, and what is needed to go on from it."""
    frame = atoms.copy()
    frame.calc = SinglePointCalculator(frame, **results)
    frame.info |= {_MARK + name: value for name, value in {"step": step, **memory}.items()}
    return frame


def take_memory(frame: Atoms) -> tuple[int, dict[str, float]]:
    """Step and integrator's memory of a frame, taken out of its `info`."""
    names = [key for key in frame.info if key.startswith(_MARK)]
    memory = {name.removeprefix(_MARK): frame.info.pop(name) for name in names}
    return int(memory.pop("step")), memory


def read_log(path: str | Path) -> list[MDSample]:
    """The rows of a log, exactly as they were computed. A torn last row is left out.

    Raises
    ------
    ValueError
        If the file is not the log of a run.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    rows = list(csv.reader(line for line in lines if line.endswith("\n")))
    if not rows or rows[0] != _HEADER:
        raise ValueError(f"{path} is not the log of a molecular dynamics run")
    numbers = ([float(cell) if cell else np.nan for cell in row] for row in rows[1:])
    return [MDSample(int(step), *rest) for step, *rest in numbers]


def read_settings(folder: Path) -> MDSettings:
    """The settings a run was begun with.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    """
    if not (folder / SETTINGS).exists():
        raise FileNotFoundError(
            f"{folder} holds no run to go on with (no {SETTINGS}): leave out --resume "
            "(resume=True) to begin one there, or name the folder by --output-dir"
        )
    return load_settings(MDSettings, folder / SETTINGS)


def last_frame(folder: Path, settings: MDSettings) -> Atoms | None:
    """The last whole frame of a run; None if it was killed before the first.

    Raises
    ------
    ValueError
        If the trajectory's format has not all the digits.
    """
    if settings.trajectory_format != "traj":
        raise ValueError(
            "a run can be resumed from a .traj trajectory only: extxyz rounds to eight decimals"
        )
    path = folder / trajectory_name(settings)
    if not path.exists() or path.stat().st_size == 0:
        return None
    with Trajectory(path) as frames:
        return frames[-1] if len(frames) else None


def write_stopped(folder: Path, frames: Sequence[Atoms]) -> Path:
    """The last good state and the bad one, as a trajectory."""
    path = folder / STOPPED
    with Trajectory(path, "w") as writer:
        for frame in frames:
            writer.write(frame)
    return path


@runtime_checkable
class _Frames(Protocol):
    def write(self, frame: Atoms) -> None: ...

    def close(self) -> None: ...


class _TextFrames:
    """Frames as extxyz, each handed to the system in one piece."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, frame: Atoms) -> None:
        text = io.StringIO()
        write_extxyz(text, frame)
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        self._file.close()


def _open_trajectory(path: Path) -> _Frames:
    if path.suffix == ".extxyz":
        return _TextFrames(path)
    return Trajectory(path, "a")  # its index is written after the frame it points to


def _cells(sample: MDSample) -> list[str]:
    step, *values = dataclasses.astuple(sample)
    return [str(step), *("" if np.isnan(value) else repr(float(value)) for value in values)]
