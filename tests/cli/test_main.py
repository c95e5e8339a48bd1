"""`mlip` itself: quick to help, plain in failure, and what it says of the installation."""

import json
import subprocess
import sys
import warnings

import pytest
import torch
from typer.testing import CliRunner, Result

import mlip
from mlip.cli.main import app, main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_help_needs_nothing_heavy() -> None:
    check = (
        "import sys, mlip.cli.main; "
        "sys.exit(' '.join(m for m in ('torch', 'ase', 'numpy', 'scipy') if m in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"importing the command line imports {done.stderr}"


@pytest.mark.parametrize("verb", [(), ("train",), ("data", "split")])
def test_help_has_a_short_name(verb: tuple[str, ...]) -> None:
    assert run(*verb, "-h").stdout == run(*verb, "--help").stdout != ""


def test_the_version() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert mlip.__version__ in result.stdout


def test_info_tells_versions_and_kernels() -> None:
    shown = run("info")
    assert shown.exit_code == 0, shown.output
    for fact in (mlip.__version__, torch.__version__, "processors", "neighbour list (CPU)"):
        assert fact in shown.stdout
    found = json.loads(run("info", "--json").stdout)
    assert found["versions"]["torch"] == torch.__version__
    assert found["kernels"].keys() >= {"neighbour list (CPU)"}
    assert found["threads"] >= 1


@pytest.mark.filterwarnings("always::UserWarning")
def test_warnings_are_told_without_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlip.cli.main.app", lambda: warnings.warn("mind the gap", stacklevel=1))
    before = warnings.showwarning
    main()
    assert capsys.readouterr().err == "warning: mind the gap\n"
    assert warnings.showwarning is before


def test_ctrl_c_at_the_very_end_is_no_traceback() -> None:
    script = (
        "import atexit, os, signal, sys; from mlip.cli.main import main; "
        "atexit.register(os.kill, os.getpid(), signal.SIGINT); "  # the last to be called
        "sys.argv = ['mlip', '--version']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (
            OSError(28, "No space left on device", "here"),
            "here: no space left on device; free some",
        ),
        (OSError(28, "No space left on device"), "error: no space left on device; free some first"),
        (PermissionError(13, "Permission denied", "here"), "here: permission denied\n"),
        (OSError("nothing more is known"), "nothing more is known"),
    ],
)
def test_what_the_system_says(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    problem: OSError,
    words: str,
) -> None:
    def fail() -> None:
        raise problem

    monkeypatch.setattr("mlip.cli.main.app", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert words in shown
    assert "Errno" not in shown


def test_the_operating_system_is_quoted_without_its_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    (tmp_path / "a.xyz").write_text("1\n\nH 0 0 0\n")
    arguments = ["data", "split", str(tmp_path / "a.xyz"), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["mlip", *arguments, "--fractions", "1", "0", "0"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "Errno" not in shown
    assert shown.endswith("out is a file; a folder is needed there")
