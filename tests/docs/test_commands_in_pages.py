"""Command lines that are shown exist, with their options."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, prose
from typer.testing import CliRunner

from mlip.cli.main import app

GROUPS = {"data", "convert", "active", "uncertainty"}


def shown() -> Iterator[tuple[str, list[str]]]:
    """Every command line, with where it is shown."""
    for block in blocks("console"):
        for line in block.text.splitlines():
            yield from ((block.name, words) for words in commands(line))
    for page in PAGES:
        for code in re.findall(r"`([^`\n]+)`", prose(page)):
            if re.match(r"mlip [a-z]|.* -m mlip [a-z]", code):
                yield from ((page.name, words) for words in commands(code))
    for path in [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").rglob("*.yaml")]:
        for code in re.findall(
            r"``(mlip [a-z][^`\n]*)``|^# (mlip [a-z].*)$", path.read_text(), re.M
        ):
            yield from ((path.name, words) for words in commands("".join(code)))


def commands(line: str) -> Iterator[list[str]]:
    """The words after `mlip`, if the line is a command of ours."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    if words[:1] == ["mlip"]:
        yield words[1:]
    elif words[-1:] != ["mlip"] and "mlip" in words and words[words.index("mlip") - 1] == "-m":
        yield words[words.index("mlip") + 1 :]


@cache
def help_of(*verb: str) -> str:
    result = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, f"there is no command mlip {' '.join(verb)}"
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


ALL = sorted({(" ".join(words), where): words for where, words in shown()}.items())


@pytest.mark.parametrize(
    "words", [words for _, words in ALL], ids=[f"{w}:{c}" for (c, w), _ in ALL]
)
def test_command_and_options_exist(words: list[str]) -> None:
    count = 2 if words[0] in GROUPS and len(words) > 1 else 1
    verb, rest = words[:count], words[count:]
    text = help_of(*verb)
    for option in (word for word in rest if re.match(r"--?[A-Za-z]", word)):
        name = option.split("=", 1)[0]
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text), f"{verb} has no {name}"


def test_commands_are_shown() -> None:
    verbs = {words[0] for words in dict(ALL).values()}
    assert verbs >= {"data", "train", "evaluate", "show", "schema", "md", "doctor"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_in_prose_exist(page: Path) -> None:
    every = " ".join(
        help_of(*words[: 2 if words[0] in GROUPS else 1]) for words in dict(ALL).values()
    )
    for name in re.findall(r"`(--[a-z][\w-]*)", prose(page)):
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", every), f"{page.name}: no verb has {name}"


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {t for page in PAGES for t in re.findall(r"\bmake ([a-z-]+)", code_of(page))}
    assert {"demo", "test", "docs"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), f"make {target}"


def code_of(page: Path) -> str:
    """What a page shows as code."""
    text = page.read_text(encoding="utf-8")
    return "\n".join("".join(found) for found in re.findall(r"`([^`\n]+)`|^\$ (.*)$", text, re.M))
