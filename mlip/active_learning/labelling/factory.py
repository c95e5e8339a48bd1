"""From plain data to an ASE calculator."""

import contextlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any, cast

from ase.calculators.genericfileio import GenericFileIOCalculator
from ase.config import Config

from mlip.active_learning.labelling.config import CalculatorConfig, laid_over


class FactoryError(ValueError):
    """A calculator cannot be built; the message says why and what to do."""


def build_calculator(config: CalculatorConfig, changes: Mapping[str, Any]) -> Any:
    """The calculator of a config, with some keywords changed.

    Raises
    ------
    FactoryError
        If the factory cannot be imported, or does not take the keywords.
    """
    whole = config.resolved()
    assert whole.factory is not None
    factory = load_object(whole.factory)
    kwargs = laid_over(whole.kwargs, dict(changes))
    if isinstance(factory, type) and issubclass(factory, GenericFileIOCalculator):
        kwargs["profile"] = _profile(factory, kwargs.pop("profile", {}), whole.command)
    elif whole.command is not None:
        kwargs["command"] = whole.command
    try:
        return factory(**kwargs)
    except TypeError as error:
        raise FactoryError(
            f"{whole.factory} does not take the keywords {sorted(kwargs)}: {error}"
        ) from error


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Files in a folder can be imported for as long as the block runs, and are forgotten then: a
    file of the same name in another folder is another module."""
    path = str(folder.resolve())
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(path)
        for name in [name for name in sys.modules if _is_found_in(path, name)]:
            del sys.modules[name]


def _is_found_in(folder: str, module_name: str) -> bool:
    """Whether a module, or the package it belongs to, is a file of this folder itself."""
    name = module_name.partition(".")[0]
    found = getattr(sys.modules.get(name), "__file__", None)
    return found in (f"{folder}/{name}.py", f"{folder}/{name}/__init__.py")


def load_object(path: str) -> Any:
    """The object that `package.module:Name` names."""
    module_name, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module_name), name)
    except ImportError as error:
        raise FactoryError(
            f"cannot import {module_name!r} ({error}). Install it where the labels are computed, "
            "or put the file beside the config"
        ) from error
    except AttributeError as error:
        raise FactoryError(f"the module {module_name!r} has no {name!r}") from error


def _profile(factory: type, entries: Mapping[str, Any], command: str | None) -> Any:
    """The profile of a class of ASE that runs a program: of its template, from an ASE config made
    of these entries alone."""
    template = _template(factory)
    ase_config = Config()
    ase_config.parser = ConfigParser(interpolation=None)
    section = {name: str(value) for name, value in entries.items()}
    if command is not None:
        section["command"] = command
    if "command" not in section:
        raise FactoryError(f"{factory.__name__} needs a command, as `command: mpirun -np 4 ...`")
    ase_config.parser[template.name] = section
    return template.load_profile(ase_config)


def _template(factory: type) -> Any:
    """ASE keeps the template of a class inside its module, as the only subclass there."""
    from ase.calculators.genericfileio import CalculatorTemplate

    module = importlib.import_module(factory.__module__)
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, CalculatorTemplate)
        and kind is not CalculatorTemplate
    ]
    if len(kinds) != 1:
        raise FactoryError(
            f"{factory.__name__} has no template of its own in {factory.__module__}; write a "
            "function that returns the calculator, and name it as the factory"
        )
    return cast(Any, kinds[0])()
