"""What is wrong with settings, in the words of a helpful colleague: the place, what must stand
there, what stands there now, and the nearest thing that would be right."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import pydantic

_Problem = Mapping[str, Any]  # one of pydantic's error details
_Place = tuple[str | int, ...]

#: What must stand where pydantic found something else, by the type of its error.
_NEEDED: dict[str, str] = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "literal_error": "{expected}",
    "union_tag_invalid": "{expected_tags}",
    "dict_type": "keys with values, as {{key: value}}",
}
#: Keys within keys, so many at most, that are searched for one that is elsewhere.
_DEEPEST = 4
_LIST_WANTED = ("tuple_type", "list_type")
_KEYS_WANTED = ("model_type", "model_attributes_type", "dataclass_type")


def explain(
    kind: type[pydantic.BaseModel],
    content: Mapping[str, Any],
    problems: Sequence[_Problem],
    spelled: Callable[[str], str] = str,
) -> list[str]:
    """One line for each place in `content` at which something is wrong.

    Parameters
    ----------
    kind : what the content was to be
    spelled : how a key is called where the user wrote it
    """
    by_place: dict[_Place, list[_Problem]] = {}
    for problem in problems:
        by_place.setdefault(_place(problem, content), []).append(problem)
    lines = []
    for place, found in by_place.items():
        if any(len(other) > len(place) > 0 and other[: len(place)] == place for other in by_place):
            continue  # another way to read the same value: that which is wrong lies deeper
        where = spelled(".".join(str(part) for part in place))
        what = _in_words(kind, content, found)
        lines.append(f"{where}: {what}" if place else what)
    return lines


def _place(problem: _Problem, content: Any) -> _Place:
    """The keys as they are written in the content; pydantic adds the names of the kinds of value
    that it tried."""
    place: list[str | int] = []
    *parents, last = problem["loc"] or (None,)
    for part in parents:
        if _holds(content, part):
            content = content[part]
            place.append(part)
    if last is not None and (problem["type"] == "missing" or _holds(content, last)):
        place.append(last)
    if problem["type"].startswith("union_tag"):
        place.append("name")
    return tuple(place)


def _holds(content: Any, part: str | int) -> bool:
    if isinstance(content, Mapping):
        return part in content
    is_list = isinstance(content, Sequence) and not isinstance(content, str)
    return is_list and isinstance(part, int) and part < len(content)


def _in_words(
    kind: type[pydantic.BaseModel], content: Mapping[str, Any], problems: Sequence[_Problem]
) -> str:
    """What is wrong at one place. Several problems are several ways to be right."""
    first = problems[0]
    path = list(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"there is no such key; {_elsewhere(kind, content, path) or _near_key(kind, path)}"
    if first["type"] == "missing":
        return "this key is required"
    if first["type"] == "union_tag_not_found":
        return f"this key is required: {_any_of(_names(kind, path))}"
    needed = [_needed(kind, problem) for problem in problems]
    if None in needed:
        message = first["msg"].removeprefix("Value error, ")
        return f"{message}{_got(first['input'])}"
    ways = " or ".join(dict.fromkeys(way for way in needed if way is not None))
    return f"must be {ways}{_got(_given(first))}{_near_value(problems)}"


def _needed(kind: type[pydantic.BaseModel], problem: _Problem) -> str | None:
    """What must stand there, with an example if the kind of value is wrong; None if pydantic's own
    message has to do."""
    value = problem["input"]
    if problem["type"] in _LIST_WANTED:
        return f"a list{f', as [{value}]' if _is_plain(value) else ''}"
    if problem["type"] in _KEYS_WANTED:
        return f"keys with values, {_example(kind, list(problem['loc']), value)}"
    if problem["type"] == "string_type":
        return f"text{f', as {str(value)!r}' if _is_plain(value) else ''}"
    words = _NEEDED.get(problem["type"])
    return None if words is None else words.format(**problem.get("ctx", {}))


def _example(kind: type[pydantic.BaseModel], path: list[str | int], value: Any) -> str:
    """What the value could mean as keys with values: a name, or the first field it would fit."""
    names = _names(kind, path)
    if names:
        near = difflib.get_close_matches(str(value), names, n=1, cutoff=0.5)
        return f"as {{name: {(near or names)[0]}}}"
    for model in _models_at(kind, path):
        for name, field in model.model_fields.items():
            if _is_plain(value) and _fits(value, field.annotation):
                return f"as {{{name}: {value}}}"
    return f"with the keys {', '.join(sorted(set(_field_names(kind, path))))}"


def _fits(value: Any, annotation: Any) -> bool:
    try:
        pydantic.TypeAdapter(annotation).validate_python(value)
    except pydantic.ValidationError:
        return False
    return True


def _near_key(kind: type[pydantic.BaseModel], path: list[str | int]) -> str:
    valid = sorted(set(_field_names(kind, path[:-1])))
    near = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"valid keys are {', '.join(valid)}"


def _elsewhere(
    kind: type[pydantic.BaseModel], content: Mapping[str, Any], path: list[str | int]
) -> str | None:
    """Where the key would be right, if that is one place or two."""
    places = list(dict.fromkeys(_places_of(kind, content, str(path[-1]), ())))
    if not 1 <= len(places) <= 2:
        return None
    return f"did you mean {' or '.join(repr(place) for place in places)}?"


def _near_value(problems: Sequence[_Problem]) -> str:
    """The nearest of the words that may stand there, if one is near."""
    allowed: list[str] = []
    for problem in problems:
        context = problem.get("ctx", {})
        listed = f"{context.get('expected', '')} {context.get('expected_tags', '')}"
        allowed += re.findall(r"'([^']*)'", listed)
    near = difflib.get_close_matches(str(_given(problems[0])), allowed, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _given(problem: _Problem) -> Any:
    if problem["type"] == "union_tag_invalid":
        return problem["ctx"]["tag"]
    return problem["input"]


def _got(value: Any) -> str:
    return f" (got {value!r})" if value is None or isinstance(value, str | int | float) else ""


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _any_of(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


# ------------------------------------------------------------------------ what may stand at a place


def _names(kind: type[pydantic.BaseModel], path: list[str | int]) -> list[str]:
    """Names of the components among which one is chosen at a place."""
    fields = (model.model_fields.get("name") for model in _models_at(kind, path))
    return [name for field in fields if field for name in get_args(field.annotation)]


def _field_names(kind: type[pydantic.BaseModel], path: list[str | int]) -> Iterator[str]:
    """Names of the fields that are valid at a nested place, over all members of a union."""
    for model in _models_at(kind, path):
        for name, field in model.model_fields.items():
            yield field.alias or name


def _places_of(kind: Any, content: Any, key: str, above: tuple[str, ...]) -> Iterator[str]:
    """Full names of all fields called `key`, of the components that the content names."""
    for model in _models_in(kind, lists=False):
        name = model.model_fields.get("name")
        chosen = content.get("name") if isinstance(content, Mapping) else None
        if name is not None and chosen is not None and chosen not in get_args(name.annotation):
            continue
        for field, info in model.model_fields.items():
            place = (*above, field)
            if field == key:
                yield ".".join(place)
            below = content.get(field) if isinstance(content, Mapping) else None
            if len(place) < _DEEPEST:
                yield from _places_of(info.annotation, below, key, place)


def _models_at(kind: Any, path: list[str | int]) -> Iterator[type[pydantic.BaseModel]]:
    models = list(_models_in(kind))
    if not path:
        yield from models
        return
    head, rest = path[0], path[1:]
    named = [m for m in models if head in (m.__name__, _name_of(m))]
    for model in named or models:
        if head in model.model_fields:
            yield from _models_at(model.model_fields[str(head)].annotation, rest)
        else:  # an index into a list, or the name of the component in a union
            yield from _models_at(model, rest)


def _name_of(model: type[pydantic.BaseModel]) -> Any:
    """By which a component is chosen; None of other models."""
    return model.model_fields["name"].default if "name" in model.model_fields else None


def _models_in(annotation: Any, lists: bool = True) -> Iterator[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
        return
    if not lists and get_origin(annotation) in (list, tuple, dict):
        return
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument, lists)
