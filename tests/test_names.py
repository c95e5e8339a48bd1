"""The names of `from mlip import ...`, and what importing costs."""

import subprocess
import sys

import pytest

import mlip


@pytest.mark.parametrize("name", mlip.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(mlip, name).__name__ == name if name[0].islower() else getattr(mlip, name)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'run_monte_carlo'"):
        mlip.run_monte_carlo  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    check = "import sys, mlip; sys.exit(any(m in sys.modules for m in ('torch', 'ase', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
