"""Strict settings: every config in the package is a `Settings`, read from YAML by `load_settings`.

A key that does not exist, a value of the wrong type or an impossible combination is an error that
names the place and the nearest valid key, before any data is read.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from mlip.settings_problems import explain


class SettingsError(ValueError):
    """The user's configuration cannot be used; the message says where and what to do."""


class Settings(pydantic.BaseModel):
    """Base of all configs: frozen, no unknown keys, every field described for the schema."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(
    kind: type[AnySettings], path: str | Path, overrides: Iterable[str] = ()
) -> AnySettings:
    """Read a YAML file as settings of one `kind`.

    Parameters
    ----------
    overrides : changes on top of the file, each ``dotted.key=value`` with a YAML value

    Raises
    ------
    SettingsError
        If the file cannot be read, or does not describe valid settings.
    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_YamlLoader)
    except OSError as error:
        raise SettingsError(f"cannot read the config {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not a text file in UTF-8") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected 'key: value' lines, not a {type(content).__name__}")
    for override in overrides:
        apply_override(content, override)
    return parse_settings(kind, content, str(path))


def parse_settings(
    kind: type[AnySettings],
    content: Mapping[str, Any],
    source: str = "settings",
    spelled: Callable[[str], str] = str,
) -> AnySettings:
    """Settings of one `kind` from plain data; errors name `source`, the field and the remedy.

    Parameters
    ----------
    spelled : how a key is called where the user wrote it, if not by its name
    """
    try:
        return kind.model_validate(content)
    except pydantic.ValidationError as error:
        lines = explain(kind, content, error.errors(), spelled)  # type: ignore[arg-type]
        raise SettingsError("\n".join(f"{source}: {line}" for line in lines)) from None


def apply_override(content: dict[str, Any], override: str) -> None:
    """Set one value in nested plain data from ``dotted.key=value``; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"--set takes key=value, got {override!r}")
    *parents, last = key.strip().split(".")
    place = content
    for parent in parents:
        below = place.setdefault(parent, {})
        if not isinstance(below, dict):
            raise SettingsError(f"--set {override}: {parent!r} holds {below!r}, not further keys")
        place = below
    try:
        place[last] = yaml.load(text, Loader=_YamlLoader)
    except yaml.YAMLError as error:
        raise SettingsError(f"--set {override}: the value is not valid YAML: {error}") from error


def dump_settings(settings: Settings) -> str:
    """The settings with every default written out, as YAML."""
    return yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


class _YamlLoader(yaml.SafeLoader):
    """YAML 1.1 with three traps removed: repeated keys are errors, 1e-3 is a number, and 12:00:00
    is none."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _construct_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """YAML 1.1 reads 1e-3 as text, for want of a dot; nobody means that."""
    text = loader.construct_scalar(node)
    try:
        return float(text)
    except ValueError:
        return text


def _construct_integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """YAML 1.1 reads 12:00:00 as 43200, a number to the base of sixty."""
    text = loader.construct_scalar(node)
    return text if ":" in str(text) else loader.construct_yaml_int(node)


_YamlLoader.add_implicit_resolver(
    "!number",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
_YamlLoader.add_constructor("!number", _construct_number)
_YamlLoader.add_constructor("tag:yaml.org,2002:int", _construct_integer)
