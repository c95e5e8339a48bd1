"""A training config, or what the file is instead."""

from collections.abc import Sequence
from pathlib import Path

from mlip.data.read import format_of
from mlip.settings import SettingsError, load_settings
from mlip.training import TrainingConfig


def read_config(path: Path, changes: Sequence[str]) -> TrainingConfig:
    """The config in a file, with changes; paths in it are relative to the file.

    Raises
    ------
    SettingsError
        If it cannot be used; a file of structures, or a model, is told as such.
    """
    try:
        return load_settings(TrainingConfig, path, changes)
    except SettingsError as problem:
        raise SettingsError(f"{problem}{_what_it_is(path)}") from problem


def _what_it_is(path: Path) -> str:
    if path.suffix in (".yaml", ".yml", ".json") or not path.is_file():
        return ""
    if path.suffix == ".safetensors":
        return f"\n{path} is a model; to train one, give a config (mlip schema --example)"
    try:
        kind = format_of(path)
    except (ValueError, OSError):
        return ""
    return (
        f"\n{path} looks like structures ({kind}), not like a config: write one by\n"
        f"  mlip schema --example > config.yaml\n"
        f"name the structures in it, as data: {{train: [{path}]}}, and then\n"
        f"  mlip train config.yaml"
    )
