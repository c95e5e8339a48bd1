"""Lines of input.nn: a keyword and its words, with comments after ``#`` or ``!`` left out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ase.data import atomic_numbers


class N2P2Error(ValueError):
    """A potential of n2p2 or RuNNer cannot be read or written; the message says where and why."""


@dataclass(frozen=True)
class Line:
    """One line that says something.

    Attributes
    ----------
    keyword : its first word, in its current spelling
    words : the others
    place : file and number of the line
    """

    keyword: str
    words: tuple[str, ...]
    place: str

    def error(self, problem: str) -> N2P2Error:
        return N2P2Error(f"{self.place}: {self.keyword}: {problem}")

    def need(self, *counts: int) -> None:
        """Raise unless there are so many words."""
        if len(self.words) not in counts:
            expected = " or ".join(map(str, counts))
            raise self.error(f"expected {expected} values, found {len(self.words)}")

    def number(self, i: int) -> float:
        """A finite number; Fortran's exponents are understood."""
        try:
            value = float(self.words[i].lower().replace("d", "e"))
        except ValueError:
            raise self.error(f"{self.words[i]!r} is not a number") from None
        if not math.isfinite(value):
            raise self.error(f"{self.words[i]!r} is not finite")
        return value

    def integer(self, i: int) -> int:
        value = self.number(i)
        if value != int(value):
            raise self.error(f"{self.words[i]!r} is not a whole number")
        return int(value)

    def element(self, i: int, known: tuple[int, ...] = ()) -> int:
        """Atomic number of a symbol; one of the known elements, if there are any yet."""
        z = atomic_numbers.get(self.words[i], 0)
        if z < 1:
            raise self.error(f"{self.words[i]!r} is not an element")
        if known and z not in known:
            raise self.error(f"{self.words[i]} is not listed under 'elements'")
        return z


def lines_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that is neither empty nor a comment.

    Raises
    ------
    N2P2Error
        If there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise N2P2Error(
            f"{path} is not there: a potential of n2p2 or RuNNer is a folder with input.nn, "
            "scaling.data and one weights.ZZZ.data for each element (ZZZ: atomic number)"
        ) from None
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].partition("!")[0].split()
        if words:
            yield number, words


class Keywords:
    """All lines of input.nn by keyword."""

    def __init__(self, path: Path, other_spellings: Mapping[str, str]) -> None:
        self.path = path
        self.lines: dict[str, list[Line]] = {}
        for number, (first, *words) in lines_of(path):
            line = Line(other_spellings.get(first, first), tuple(words), f"{path}, line {number}")
            self.lines.setdefault(line.keyword, []).append(line)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.lines

    def every(self, keyword: str) -> list[Line]:
        return self.lines.get(keyword, [])

    def one(self, keyword: str) -> Line | None:
        """The only line with this keyword, if there is one."""
        found = self.every(keyword)
        if len(found) > 1:
            raise found[1].error(f"it was given before, in {found[0].place}")
        return found[0] if found else None

    def number(self, keyword: str, default: float) -> float:
        """The value of a keyword with one number."""
        line = self.one(keyword)
        if line is None:
            return default
        line.need(1)
        return line.number(0)

    def required(self, keyword: str) -> Line:
        line = self.one(keyword)
        if line is None:
            raise N2P2Error(f"{self.path}: the keyword {keyword!r} is missing")
        return line
