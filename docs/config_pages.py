"""The pages of every config field, and the example, made from the settings classes themselves."""

import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mlip.settings import Settings

INTRODUCTION = """\
# Every config field

This page is made from the code. `mlip schema` prints the same as a JSON schema, with which editors
complete and check a config while it is typed; `mlip schema --example` prints a config to start
from. {doc}`../training` explains what the fields do together.

A field without default is required. `null` is YAML's word for nothing. On the command line every
field is named by its full place: `mlip train config.yaml --set loss.energy.weight=10`.
"""

CAMPAIGN_INTRODUCTION = """\
# Every field of a campaign

This page is made from the code. `mlip schema --campaign` prints the same as a JSON schema, with
which editors complete and check `campaign.yaml` while it is typed; `mlip active init` writes one to
start from. {doc}`../active_learning` explains what the fields do together.

A field without default is required. `null` is YAML's word for nothing. What `learning` takes from a
training run is described with {doc}`every config field <config>`, as are models and descriptors.
"""

_BASIC = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_BOUNDS = (
    (annotated_types.Gt, "gt", "> {}"),
    (annotated_types.Ge, "ge", "≥ {}"),
    (annotated_types.Lt, "lt", "< {}"),
    (annotated_types.Le, "le", "≤ {}"),
)


@dataclass(frozen=True)
class Place:
    """Where in a config a kind of settings is found."""

    path: str
    kind: type[Settings]

    @property
    def component(self) -> str | None:
        """The name by which a config chooses it, if it is one of several."""
        field = self.kind.model_fields.get("name")
        is_tag = field is not None and get_origin(field.annotation) is Literal
        return field.default if is_tag and len(get_args(field.annotation)) == 1 else None

    @property
    def words(self) -> str:
        """What it is called where a field refers to it: "label keys" for LabelKeys."""
        name = self.kind.__name__ if self.kind.__name__ != "Config" else self.path
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Config")).lower()
        return self.component or spaced

    @property
    def title(self) -> str:
        if not self.path:
            return "The whole file"
        last = self.path.rsplit(".", 1)[-1]
        return f"`{self.path}`" if self.words == last else f"`{self.path}`: {self.words}"

    @property
    def anchor(self) -> str:
        return f"config-{self.kind.__module__}-{self.kind.__qualname__}".replace(".", "-").lower()


def write_config_pages(folder: Path) -> None:
    """For each kind of settings that a config can hold a section: on one page those of a training
    run, on another those that a campaign has besides."""
    from mlip.active_learning.config import CampaignConfig
    from mlip.descriptors import DESCRIPTORS
    from mlip.models import MODELS
    from mlip.training.config import EXAMPLE, TrainingConfig

    places = list(_places(TrainingConfig, ""))
    for model in MODELS.values():
        places += _places(model.Config, "model")
    for descriptor in DESCRIPTORS.values():
        places += _places(descriptor.Config, "model.descriptor")
    training = _by_kind(places)
    campaign = _by_kind(_places(CampaignConfig, ""))
    own = {kind: found for kind, found in campaign.items() if kind not in training}
    folder.mkdir(exist_ok=True)
    _write(folder / "config.md", INTRODUCTION, training)
    _write(folder / "campaign_config.md", CAMPAIGN_INTRODUCTION, own)
    (folder / "example.yaml").write_text(EXAMPLE, encoding="utf-8")


# ---------------------------------------------------------------------------------------- walking


def _by_kind(places: Iterable[Place]) -> dict[type[Settings], list[Place]]:
    found: dict[type[Settings], list[Place]] = {}
    for place in places:
        found.setdefault(place.kind, []).append(place)
    return found


def _places(kind: type[Settings], path: str) -> Iterator[Place]:
    """This kind and all that its fields can hold, outermost first."""
    yield Place(path, kind)
    for name, field in _fields(kind):
        for inner in _settings_in(field.annotation):
            yield from _places(inner, f"{path}.{name}" if path else name)


def _settings_in(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from _settings_in(argument)


# ---------------------------------------------------------------------------------------- writing


def _write(path: Path, introduction: str, kinds: dict[type[Settings], list[Place]]) -> None:
    sections = [_section(found) for found in kinds.values()]
    path.write_text("\n".join([introduction, *sections]), encoding="utf-8")


def _section(places: list[Place]) -> str:
    first, *others = dict.fromkeys(places)
    depth = "##" if first.path.count(".") == 0 else "###"
    lines = [f"({first.anchor})=", f"{depth} {first.title}", "", _summary(first.kind), ""]
    if others:
        lines += ["The same at " + ", ".join(f"`{place.path}`" for place in others) + ".", ""]
    for name, field in _fields(first.kind):
        lines += [_field_head(name, field), f": {_meaning(field)}", ""]
    return "\n".join(lines)


def _fields(kind: type[Settings]) -> list[tuple[str, FieldInfo]]:
    """Fields in their order, but the name that chooses a kind first."""
    return sorted(kind.model_fields.items(), key=lambda item: item[0] != "name")


def _field_head(name: str, field: FieldInfo) -> str:
    return f"**{name}** — {_type_in_words(field.annotation, field.metadata)}; {_default(field)}"


def _meaning(field: FieldInfo) -> str:
    words = " ".join((field.description or "Chooses this kind.").split())
    return words.replace("$", r"\$")


def _summary(kind: type[Settings]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Settings):
        given = value.model_dump(mode="json", exclude_defaults=True)
        chosen = Place("", type(value)).component
        if not given:
            return f"default {chosen}" if chosen else "default: all defaults of it"
        value = given
    elif hasattr(value, "__iter__") and not isinstance(value, str | dict):
        value = [_plain(item) for item in value]
    return f"default `{yaml.safe_dump(value, default_flow_style=True).split(chr(10))[0]}`"


def _plain(item: Any) -> Any:
    """An item of a list as a config has it."""
    if not isinstance(item, Settings):
        return item
    chosen = Place("", type(item)).component
    named = {"name": chosen} if chosen else {}
    return named | item.model_dump(mode="json", exclude_defaults=True)


def _type_in_words(annotation: Any, metadata: list[Any]) -> str:
    words = _words(annotation)
    bounds = " and ".join(_bounds(metadata))
    optional = words.removesuffix(" or `null`")
    return words.replace(optional, f"{optional} {bounds}") if bounds else words


def _bounds(metadata: list[Any]) -> Iterator[str]:
    for item in metadata:
        for kind, attribute, form in _BOUNDS:
            if isinstance(item, kind):
                yield form.format(getattr(item, attribute))
        if isinstance(item, FieldInfo):
            yield from _bounds(item.metadata)


def _words(annotation: Any) -> str:
    """A type as a person would say it."""
    if annotation in _BASIC:
        return _BASIC[annotation]
    if annotation is type(None):
        return "`null`"
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        place = Place("", annotation)
        return f"[{place.words}](#{place.anchor})"
    if hasattr(annotation, "__metadata__"):
        return _type_in_words(annotation.__origin__, list(annotation.__metadata__))
    return _generic_words(get_origin(annotation), get_args(annotation))


def _generic_words(origin: Any, arguments: tuple[Any, ...]) -> str:
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(argument) for argument in arguments))
    if origin is Literal:
        *firsts, last = (f"`{value}`" for value in arguments)
        return f"{', '.join(firsts)} or {last}" if firsts else last
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_words(arguments[0])}"
    if origin is tuple:
        return f"list of {len(arguments)}: {', '.join(_words(a) for a in arguments)}"
    if origin is dict:
        return "`{" + ": ".join(_words(argument) for argument in arguments) + "}`"
    return "value"
