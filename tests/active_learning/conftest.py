"""One small campaign, as a person runs it, for all tests that look at a finished one."""

from pathlib import Path

import pytest
from click.testing import Result
from small_campaign import write_campaign
from typer.testing import CliRunner

from mlip.cli.main import app


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder, and what `mlip active run` printed."""
    folder = tmp_path_factory.mktemp("campaigns") / "one"
    write_campaign(folder)
    result = CliRunner().invoke(app, ["active", "run", str(folder)])
    assert result.exit_code == 0, result.exception
    return folder, result


@pytest.fixture(scope="session")
def finished(first_run: tuple[Path, Result]) -> Path:
    """A folder that must not be changed."""
    return first_run[0]
