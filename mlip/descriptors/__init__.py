"""Descriptors: fixed, invariant features of atomic environments.

What needs the table of all descriptors is imported when it is first used: a package that adds a
descriptor can then import `Descriptor` from here before the table, which imports that package, is
made.
"""

import importlib
from typing import TYPE_CHECKING, Any

from mlip.descriptors.base import Descriptor
from mlip.descriptors.soap import SOAP, SOAPConfig

if TYPE_CHECKING:
    from mlip.descriptors.registry import DESCRIPTORS, DescriptorConfig, build_descriptor

__all__ = [
    "DESCRIPTORS",
    "SOAP",
    "Descriptor",
    "DescriptorConfig",
    "SOAPConfig",
    "build_descriptor",
]

_LATER = ("DESCRIPTORS", "DescriptorConfig", "build_descriptor")


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'mlip.descriptors' has no attribute {name!r}")
    return getattr(importlib.import_module("mlip.descriptors.registry"), name)
