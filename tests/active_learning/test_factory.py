"""Objects by import path, from files beside a config."""

import sys
from pathlib import Path

import pytest

from mlip.active_learning.labelling.factory import FactoryError, importable, load_object


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name / "my_package").mkdir(parents=True)
        (tmp_path / name / "my_code.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
        (tmp_path / name / "my_package/__init__.py").touch()
        (tmp_path / name / "my_package/part.py").write_text(f"NAME = {name!r}\n", encoding="utf-8")
    for name in ("one", "other", "one"):
        with importable(tmp_path / name):
            assert load_object("my_code:NAME") == name
            assert load_object("my_package.part:NAME") == name


def test_nothing_else_is_forgotten(tmp_path: Path) -> None:
    """Least of all what is installed in an environment inside of the folder."""
    (tmp_path / "my_code.py").write_text("import colorsys\n", encoding="utf-8")
    installed = Path(pytest.__file__).parents[1]
    before = set(sys.modules)
    with importable(tmp_path), importable(installed.parent):
        import my_code  # type: ignore[import-not-found]
    assert before <= set(sys.modules)
    assert my_code.__name__ not in sys.modules
    assert str(tmp_path) not in sys.path


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with importable(tmp_path), pytest.raises(FactoryError, match="beside the config"):
        load_object("my_code_that_is_nowhere:NAME")
    with pytest.raises(FactoryError, match="has no 'walk_away'"):
        load_object("os:walk_away")
