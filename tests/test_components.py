"""Tables of components, and what other packages add to them."""

import subprocess
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal

import pydantic
import pytest

from mlip import components
from mlip.settings import Settings


class Shape:
    pass


class Circle(Shape):
    class Config(Settings):
        name: Literal["circle"] = "circle"
        radius: float = 1.0


class Square(Shape):
    class Config(Settings):
        name: Literal["square"] = "square"


class Nameless(Shape):
    class Config(Settings):
        radius: float = 1.0


OWN: dict[str, type[Shape]] = {"circle": Circle}


def table(monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> dict[str, type[Shape]]:
    """The table when a package adds one entry point."""
    point = EntryPoint(name, f"{__name__}:{target}", "test.shapes")
    found = {"test.shapes": [point]}
    monkeypatch.setattr(components, "entry_points", lambda group: found[group])
    return components.with_added(OWN, Shape, "test.shapes")


def test_added(monkeypatch: pytest.MonkeyPatch) -> None:
    assert table(monkeypatch, "square", "Square") == {"circle": Circle, "square": Square}


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("square", "Missing", "has no attribute 'Missing'"),
        ("square", "OWN", "is not a Shape"),
        ("circle", "Circle", "the name is taken"),
        ("cube", "Square", "must be name: Literal\\['cube'\\]"),
        ("nameless", "Nameless", "must be name: Literal\\['nameless'\\]"),
    ],
)
def test_what_cannot_be_used_is_left_out(
    monkeypatch: pytest.MonkeyPatch, name: str, target: str, reason: str
) -> None:
    with pytest.warns(UserWarning, match=f"{name!r} of .*{target} cannot be used: .*{reason}"):
        assert table(monkeypatch, name, target) == OWN


def test_configs_are_told_apart_by_name() -> None:
    adapter = pydantic.TypeAdapter(components.any_config([Circle, Square]))
    assert adapter.validate_python({"name": "square"}) == Square.Config()
    assert adapter.validate_python({"name": "circle", "radius": 2}) == Circle.Config(radius=2)
    with pytest.raises(pydantic.ValidationError, match="'circle', 'square'"):
        adapter.validate_python({"name": "cube"})
    assert components.any_config([Circle]) is Circle.Config


@pytest.mark.parametrize("first", ["import added", "import mlip.models.registry"])
def test_a_package_may_be_imported_before_or_after_the_table(first: str, tmp_path: Path) -> None:
    """It imports the base class from the package whose table will import it."""
    (tmp_path / "added.py").write_text(
        textwrap.dedent("""
        from typing import Literal
        from mlip.models import Potential
        from mlip.settings import Settings

        class Nothing(Potential):
            class Config(Settings):
                name: Literal["nothing"] = "nothing"
            def __init__(self, config, species):
                super().__init__(species, 1.0)
                self.config = config
            def interaction(self, graph, species_index):
                return graph.positions.new_zeros(graph.n_atoms)
        """)
    )
    info = tmp_path / "added-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlip.models]\nnothing = added:Nothing\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
{first}
from mlip.models import MODELS, ModelConfig, build_model
import pydantic
config = pydantic.TypeAdapter(ModelConfig).validate_python(dict(name="nothing"))
assert type(build_model(config, [14])) is MODELS["nothing"]
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
