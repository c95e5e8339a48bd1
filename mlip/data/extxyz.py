"""Extended XYZ, read frame by frame so that damage is found and named, written to the last digit.

ASE's own reader stops without a word at an empty line, and its writer keeps eight decimals. Here a
file is cut into frames first (each is then parsed by ASE), and numbers are written so that they
read back as the same bits.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict, read_xyz
from ase.io.formats import open_with_compression

_MATRIX_ENTRY = re.compile(r"""(?<![\w-])(stress|virial)=["'{\[]([^"'}\]]*)["'}\]]""")
_VOIGT_TO_NINE = (0, 5, 4, 5, 1, 3, 4, 3, 2)


def parse_comment(line: str) -> dict[str, Any]:
    """What the second line of a frame says, as ASE reads it; but `stress` and `virial` may also
    have six values, in Voigt order, and a stress of which ASE would drop one half is an error."""
    info = key_val_str_to_dict(_MATRIX_ENTRY.sub(_nine_values, line))
    stress = info.get("stress")
    if stress is not None and not np.allclose(stress, np.transpose(stress), rtol=1e-3, atol=1e-6):
        raise ValueError(f"the stress is not symmetric: {np.asarray(stress).tolist()}")
    return info


def read_extxyz(
    path: str | Path, parse: Callable[[str], dict[str, Any]] = parse_comment
) -> list[Atoms]:
    """All frames of a file, which may be compressed (gz, bz2, xz).

    Parameters
    ----------
    parse : makes the `info` of a frame from its second line

    Raises
    ------
    ValueError
        If the file is torn or is not extended XYZ; says in which frame, on which line, and how
        many whole frames come before.
    """
    lines = _lines(path)
    frames = []
    for start, stop in _cut(lines, path):
        text = io.StringIO("".join(lines[start:stop]))
        try:
            frames.extend(read_xyz(text, 0, parse))
        except Exception as error:  # ASE's parser raises whatever its parts raise
            raise ValueError(
                f"{path}, frame {len(frames)} (line {start + 1}) cannot be read as extended XYZ: "
                f"{error}{_suspicion(lines, start + 2, stop)}"
            ) from error
    return frames


def write_extxyz(
    path: str | Path, structures: Iterable[tuple[Atoms, Mapping[str, np.ndarray]]]
) -> None:
    """Write structures with their labels, by the names of `mlip.properties`; every number reads
    back exactly. What `info` and `arrays` hold is written too, arrays as one row of columns."""
    with Path(path).open("w", encoding="utf-8") as file:
        for atoms, labels in structures:
            file.write(frame_text(atoms, labels))


def _lines(path: str | Path) -> list[str]:
    """Text of a file, with or without the mark that some editors begin UTF-8 with."""
    with open_with_compression(str(path), "rb") as file:
        content: bytes = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = (
            content.count(b"\n", 0, error.start) + 1,
            content[error.start : error.start + 1],
        )
        raise ValueError(
            f"{path}, line {line}: the byte {byte!r} is not UTF-8 text: save the file as UTF-8, or "
            "take the character out"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)


def _suspicion(lines: list[str], first: int, stop: int) -> str:
    """Which row of a frame that cannot be read is unlike the first one, if any is."""
    rows = [line.split() for line in lines[first:stop]]
    for number, row in enumerate(rows, first + 1):
        if "*" in "".join(row):
            return f". In line {number}, *** stands for a number too large for its column"
        if len(row) != len(rows[0]):
            return (
                f". Line {number} has {len(row)} columns, the first atom's {len(rows[0])}: is the "
                "number of atoms right?"
            )
    return ""


def _cut(lines: list[str], path: str | Path) -> Iterator[tuple[int, int]]:
    """First and last line of each frame, as slice; empty lines between frames are allowed."""
    start, count = 0, 0
    while start < len(lines):
        header = lines[start].strip()
        if not header:
            start += 1
            continue
        if not header.isdecimal():
            raise ValueError(
                f"{path}, line {start + 1}: expected the number of atoms of frame {count}, found "
                f"{header[:60]!r}"
            )
        first, stop = start + 2, start + 2 + int(header)
        rows = lines[first:stop]
        if first > len(lines) or len(rows) < int(header) or any(not row.strip() for row in rows):
            whole = sum(1 for row in rows if row.strip())
            raise ValueError(
                f"{path}: frame {count} (line {start + 1}) is torn, {whole} of its {header} atoms "
                f"are there. The {count} frames before it are whole: copy the file again, or keep "
                f"only its first {start} lines"
            )
        while stop < len(lines) and lines[stop].lstrip().startswith("VEC"):  # cell vectors
            stop += 1
        yield start, stop
        start, count = stop, count + 1


def _nine_values(entry: re.Match[str]) -> str:
    values = entry[2].replace(",", " ").split()
    if len(values) == 6:
        values = [values[i] for i in _VOIGT_TO_NINE]
    return f'{entry[1]}="{" ".join(values)}"'


def frame_text(atoms: Atoms, labels: Mapping[str, np.ndarray]) -> str:
    """One frame, as `write_extxyz` writes it."""
    columns = {"species": np.array(atoms.get_chemical_symbols()), "pos": atoms.positions}
    columns |= {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}
    if "forces" in labels:
        columns["forces"] = labels["forces"]
    table = {name: np.reshape(v, (len(atoms), -1)) for name, v in columns.items()}
    comment: dict[str, Any] = {}
    if atoms.cell.any():
        comment["Lattice"] = np.asarray(atoms.cell).T
    comment["Properties"] = ":".join(_column_kind(name, v) for name, v in table.items())
    comment |= {k: _one_line(value) for k, value in atoms.info.items()}
    comment |= {k: np.asarray(labels[k], float) for k in ("energy", "stress") if k in labels}
    comment["pbc"] = np.array(atoms.pbc)
    cells = [_texts(column) for values in table.values() for column in values.T]
    rows = [" ".join(row) for row in zip(*cells)]
    return "\n".join([str(len(atoms)), key_val_dict_to_str(comment), *rows, ""])


def _one_line(value: Any) -> Any:
    return " ".join(value.splitlines()) if isinstance(value, str) else value


_KINDS = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S", "O": "S"}


def _column_kind(name: str, values: np.ndarray) -> str:
    if values.dtype.kind not in _KINDS:
        raise ValueError(f"the array {name!r} of type {values.dtype} cannot be written as text")
    return f"{name}:{_KINDS[values.dtype.kind]}:{values.shape[1]}"


def _texts(column: np.ndarray) -> list[str]:
    """Each value as text that reads back as the same value."""
    if column.dtype.kind == "f":
        return [repr(value) for value in column.astype(np.float64).tolist()]
    if column.dtype.kind == "b":
        return ["T" if value else "F" for value in column.tolist()]
    return [str(value).replace(" ", "_") or "_" for value in column.tolist()]
