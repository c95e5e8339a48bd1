"""The page of every command with its options, made from the command line itself."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

INTRODUCTION = """\
# Every command

This page is made from the code: it is what `--help` prints. Results go to standard output, progress
and remarks to standard error, so output can be piped. The exit status is 0 if all went well, 1 if
not (an error that says what to do, a failed check, a run that was stopped), 2 if the command was
mistyped.
"""


def write_command_page(folder: Path) -> None:
    """One page with a section for each verb."""
    folder.mkdir(exist_ok=True)
    sections = [f"## mlip {' '.join(verb)}\n\n```text\n{_help(verb)}\n```\n" for verb in _verbs()]
    (folder / "commands.md").write_text("\n".join([INTRODUCTION, *sections]), encoding="utf-8")


def _verbs() -> Iterator[tuple[str, ...]]:
    """The words of each command, in alphabetical order."""
    from mlip.cli.main import app

    names = [_name(command) for command in app.registered_commands]
    found = {(name,) for name in names}
    for group in app.registered_groups:
        inner = group.typer_instance
        if inner is not None:
            found |= {(str(inner.info.name), _name(c)) for c in inner.registered_commands}
    yield from sorted(found)


def _name(command: object) -> str:
    return command.name or command.callback.__name__.replace("_", "-")  # type: ignore[attr-defined]


def _help(verb: tuple[str, ...]) -> str:
    """What ``--help`` prints, without boxes."""
    import typer.core
    from typer.testing import CliRunner

    from mlip.cli.main import app

    with patch.object(typer.core, "HAS_RICH", False):
        result = CliRunner().invoke(app, [*verb, "--help"], prog_name="mlip")
    if result.exit_code != 0:
        raise RuntimeError(f"mlip {' '.join(verb)} --help failed: {result.output}")
    return result.output.strip()
