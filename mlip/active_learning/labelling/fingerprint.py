"""What a label was made with. Labels of two kinds in one training set are an error: settings alone
change forces by more than a good potential is wrong by."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from mlip.active_learning.labelling.codes import code_of, file_digest
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.settings import Settings


class MixedLabelsError(ValueError):
    """Labels of different origin would go into one training set."""


class Fingerprint(Settings):
    """What decides about the numbers of a label."""

    code: str
    version: str
    dft: bool
    settings: dict[str, Any]
    """Factory and keywords of the calculator."""
    files: dict[str, str] = Field(default_factory=dict)
    """Digests of the files it reads, such as pseudopotentials."""

    @property
    def digest(self) -> str:
        """Short name: the same for equal fingerprints only."""
        return plain_digest(self.model_dump(mode="json"))

    def __str__(self) -> str:
        kind = "" if self.dft else ", not DFT"
        return f"{self.code} {self.version} ({self.digest}{kind})"


def plain_digest(content: Any) -> str:
    """The first 16 hexadecimal digits of the sha256 of plain data, whatever the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def take_fingerprint(calculator: Any, config: CalculatorConfig, folder: Path) -> Fingerprint:
    """The fingerprint of a calculation that was done in a folder.

    Raises
    ------
    ValueError
        If the version of the code cannot be found.
    """
    code = code_of(calculator)
    version = config.version or code.version(folder, calculator)
    if not version:
        raise ValueError(
            f"the version of {code.name} cannot be found; say it in the config, as "
            "calculator.version"
        )
    return Fingerprint(
        code=code.name,
        version=version,
        dft=code.dft,
        settings=config.settings(),
        files={name: file_digest(path) for name, path in code.files(folder, calculator).items()},
    )


def require_one(fingerprints: Sequence[Fingerprint]) -> Fingerprint:
    """The fingerprint that all labels share, with the files of all of them: a structure without
    oxygen says nothing of the pseudopotential of oxygen.

    Raises
    ------
    MixedLabelsError
        If they do not; says in what they differ.
    ValueError
        If there are no labels.
    """
    if not fingerprints:
        raise ValueError(
            "a part of the data has no labels: mend what failed and continue with --retry-failed, "
            "or begin in a new folder with more structures"
        )
    files: dict[str, str] = {}
    for fingerprint in fingerprints:
        files = fingerprint.files | files
    counts: dict[str, int] = {}
    others = {}
    for own in fingerprints:
        fingerprint = own.model_copy(update={"files": files | own.files})
        digest = fingerprint.digest
        counts[digest] = counts.get(digest, 0) + 1
        others[digest] = fingerprint
    if len(others) == 1:
        return next(iter(others.values()))
    lines = [f"  {counts[digest]} labels of {found}" for digest, found in others.items()]
    contents = [found.model_dump(mode="json") for found in others.values()]
    lines += [f"  they differ in {place}" for place in differing(contents)]
    raise MixedLabelsError(
        "labels of different origin cannot be in one training set:\n"
        + "\n".join(lines)
        + "\ncompute all of them with one code, version and settings"
    )


def differing(contents: Sequence[Mapping[str, Any]], place: str = "") -> list[str]:
    """The places at which pieces of plain data are not all equal."""
    found = []
    for key in sorted({key for content in contents for key in content}):
        values = [content.get(key) for content in contents]
        below = f"{place}.{key}" if place else key
        if all(value == values[0] for value in values):
            continue
        if inner := _with_keys(values):
            found += differing(inner, below)
        else:
            found.append(f"{below}: " + " / ".join(dict.fromkeys(map(repr, values))))
    return found


def _with_keys(values: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Mappings as they are, equally long lists of mappings by their places; nothing for others."""
    if all(isinstance(value, Mapping) for value in values):
        return list(values)
    lists = all(isinstance(value, list | tuple) for value in values)
    if not lists or len({len(value) for value in values}) > 1:
        return []
    if not all(isinstance(one, Mapping) for value in values for one in value):
        return []
    return [{str(i): one for i, one in enumerate(value)} for value in values]
