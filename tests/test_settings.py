"""Strict settings: what is wrong is said with its place and a remedy; what is right comes back."""

from typing import Annotated, Literal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlip.settings import (
    Settings,
    SettingsError,
    apply_override,
    dump_settings,
    load_settings,
    parse_settings,
)


class Circle(Settings):
    name: Literal["circle"] = "circle"
    radius: float = 1.0


class Square(Settings):
    name: Literal["square"] = "square"
    edge_length: float = 1.0
    """Å"""


class Pen(Settings):
    width: float = 1.0
    fancy: bool = False


class Drawing(Settings):
    title: str
    shape: Annotated[Circle | Square, pydantic.Field(discriminator="name")] = Circle()
    layers: list[Square] = []
    count: pydantic.PositiveInt = 1
    tolerance: float | None = None
    files: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = ("x",)
    share: Annotated[float, pydantic.Field(lt=1)] | tuple[str, ...] = 0.5
    pen: Pen = Pen()
    weights: Literal["even"] | dict[str, float] = "even"

    @pydantic.model_validator(mode="after")
    def _check(self) -> "Drawing":
        if self.title == "impossible":
            raise ValueError("this title is impossible")
        return self


def write(tmp_path, text):
    path = tmp_path / "drawing.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_with_overrides(tmp_path):
    path = write(tmp_path, "title: a\nshape: {name: square, edge_length: 2}\ncount: 3\n")
    read = load_settings(Drawing, path, ["shape.edge_length=5e-1", "layers=[{edge_length: 4}]"])
    assert read.shape == Square(edge_length=0.5)
    assert read.layers == [Square(edge_length=4.0)]
    assert read.count == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "settings: title: this key is required"),
        (
            {"title": "a", "cuont": 2},
            "settings: cuont: there is no such key; did you mean 'count'?",
        ),
        (
            {"title": "a", "radius": 2},
            "settings: radius: there is no such key; did you mean 'shape.radius'?",
        ),
        (
            {"title": "a", "shape": {"name": "circle", "count": 2}},
            "settings: shape.count: there is no such key; did you mean 'count'?",
        ),
        (
            {"title": "a", "radius": 2, "shape": {"name": "square"}},
            "settings: radius: there is no such key; valid keys are count, files",
        ),
        ({"title": "a", "zzz": 2}, "valid keys are count, files, layers, pen, shape, "),
        (
            {"title": "a", "shape": {"name": "square", "edge_lenght": 2}},
            "shape.edge_lenght: there is no such key; did you mean 'edge_length'?",
        ),
        (
            {"title": "a", "layers": [{}, {"edge": 2}]},
            "layers.1.edge: there is no such key; did you mean 'edge_length'?",
        ),
        (
            {"title": "a", "shape": {"name": "circle", "edges": 2}},
            "shape.edges: there is no such key; valid keys are name, radius",
        ),
        ({"title": "a", "count": 0}, r"count: must be greater than 0 \(got 0\)"),
        ({"title": "a", "count": "many"}, r"count: must be a whole number \(got 'many'\)"),
        ({"title": "a", "count": 1.5}, r"count: must be a whole number \(got 1.5\)"),
        ({"title": 3}, r"title: must be text, as '3' \(got 3\)"),
        (
            {"title": "a", "shape": {"name": "squere"}},
            r"shape.name: must be 'circle', 'square' \(got 'squere'\); did you mean 'square'\?",
        ),
        ({"title": "a", "shape": {}}, "shape.name: this key is required: 'circle', 'square'"),
        (
            {"title": "a", "shape": "square"},
            r"shape: must be keys with values, as {name: square} \(got 'square'\)",
        ),
        ({"title": "a", "files": "b"}, r"files: must be a list, as \[b\] \(got 'b'\)"),
        ({"title": "a", "files": []}, "files: must be a list of 1 or more"),
        (
            {"title": "a", "share": "b"},
            r"share: must be a number or a list, as \[b\] \(got 'b'\)",
        ),
        (
            {"title": "a", "share": 2},
            r"share: must be less than 1 or a list, as \[2\] \(got 2\)",
        ),
        ({"title": "a", "pen": 2}, r"pen: must be keys with values, as {width: 2} \(got 2\)"),
        ({"title": "a", "pen": [2]}, "pen: must be keys with values, with the keys fancy, width$"),
        ({"title": "a", "pen": {"fancy": 3}}, "pen.fancy: must be true or false"),
        (
            {"title": "a", "weights": "evne"},
            r"weights: must be 'even' or keys with values, .* \(got 'evne'\); did you mean 'even'",
        ),
        ({"title": "a", "weights": {"Si": "x"}}, r"^settings: weights.Si: must be a number[^\n]*$"),
        ({"title": "impossible"}, "^settings: this title is impossible$"),
    ],
)
def test_mistakes_are_told_with_a_remedy(content, message):
    with pytest.raises(SettingsError, match=message):
        parse_settings(Drawing, content)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(SettingsError) as caught:
        parse_settings(Drawing, {"count": -1, "layer": []}, "a.yaml")
    assert len(str(caught.value).splitlines()) == 3
    assert all(line.startswith("a.yaml: ") for line in str(caught.value).splitlines())


def test_settings_cannot_be_changed_afterwards():
    drawing = Drawing(title="a")
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        drawing.count = 2


@given(
    title=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    tolerance=st.none() | st.floats(allow_nan=False),
    count=st.integers(1, 10**9),
    edge=st.floats(allow_nan=False, allow_infinity=False),
)
def test_what_is_written_reads_back(tmp_path_factory, title, tolerance, count, edge):
    if title == "impossible":
        return
    drawing = Drawing(title=title, tolerance=tolerance, count=count, shape=Square(edge_length=edge))
    path = tmp_path_factory.mktemp("x") / "drawing.yaml"
    path.write_text(dump_settings(drawing), encoding="utf-8")
    assert load_settings(Drawing, path) == drawing


# -------------------------------------------------------------------------------------------- YAML


def test_a_time_of_day_is_text_and_no_number_to_the_base_of_sixty(tmp_path):
    assert load_settings(Drawing, write(tmp_path, "title: 12:00:00\n")).title == "12:00:00"


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1e-3", "1.0e-3", "0.001", "1.e-3"])
def test_numbers_are_numbers(tmp_path, text):
    path = write(tmp_path, f"title: a\ntolerance: {text}\n")
    assert load_settings(Drawing, path).tolerance == 1e-3


def test_text_that_looks_like_a_number_needs_quotes(tmp_path):
    assert load_settings(Drawing, write(tmp_path, "title: '1e-3'\n")).title == "1e-3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: a\ntitle: b\n", "the key 'title' appears twice"),
        ("title: a\nshape:\n  radius: 1\n  radius: 2\n", "the key 'radius' appears twice"),
        ("title: [a\n", "is not valid YAML"),
        ("- a\n- b\n", "expected 'key: value' lines, not a list"),
        ("just text\n", "expected 'key: value' lines, not a str"),
        ("title: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
        ("", "title: this key is required"),
    ],
)
def test_files_that_are_no_settings(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(Drawing, path)
    assert "drawing.yaml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot read the config .*nothing.yaml"):
        load_settings(Drawing, tmp_path / "nothing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not a text file in UTF-8"):
        load_settings(Drawing, tmp_path / "binary.yaml")


# --------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a=1", {"a": 1, "b": {"c": 2}}),
        ("b.c=[1, 2]", {"b": {"c": [1, 2]}}),
        ("b.d.e=true", {"b": {"c": 2, "d": {"e": True}}}),
        ("b=null", {"b": None}),
        ("a=x=y", {"a": "x=y", "b": {"c": 2}}),
        ("a=1e-4", {"a": 1e-4, "b": {"c": 2}}),
        ("a=", {"a": None, "b": {"c": 2}}),
    ],
)
def test_overrides(override, expected):
    content = {"b": {"c": 2}}
    apply_override(content, override)
    assert content == expected


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("a", "takes key=value, got 'a'"),
        ("=1", "takes key=value"),
        ("b.c.d=1", "'c' holds 2, not further keys"),
        ("a=[1", "the value is not valid YAML"),
    ],
)
def test_overrides_that_make_no_sense(override, message):
    with pytest.raises(SettingsError, match=message):
        apply_override({"b": {"c": 2}}, override)


def test_keys_are_spelled_as_the_user_wrote_them():
    with pytest.raises(SettingsError, match=r"^mlip draw: --count: must be a whole number"):
        parse_settings(Drawing, {"title": "a", "count": "x"}, "mlip draw", lambda key: f"--{key}")


class _Function(Settings):
    eta: float


class _Grid(Settings):
    etas: int = 3


class _ListOrGrid(Settings):
    functions: tuple[_Function, ...] | _Grid = _Grid()


def test_a_key_of_the_elements_of_a_list_is_none_of_what_stands_in_its_place() -> None:
    with pytest.raises(SettingsError, match="did you mean 'etas'"):
        parse_settings(_ListOrGrid, {"functions": {"eta": [0.1]}})
