"""A model in one file: weights in the safetensors format, and a card in its header. No pickle.

The header holds ``format``, ``card`` (JSON, see `mlip.models.card`) and ``sha256`` of card and
weights. Each thing that can be wrong with a file is an error of its own.
"""

import datetime
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from ase.data import atomic_numbers, chemical_symbols
from torch import Tensor

from mlip.durable import write_whole
from mlip.models.base import Potential
from mlip.models.card import ModelCard, joint_card
from mlip.models.committee import Committee
from mlip.models.laplace import Laplace
from mlip.models.placement import as_device, as_dtype, dtype_name
from mlip.models.registry import MODELS
from mlip.models.upgrades import UPGRADES
from mlip.properties import PROPERTIES
from mlip.settings import SettingsError, parse_settings

FORMAT = "mlip model"
FORMAT_VERSION = 3

_KINDS: dict[str, type[Potential]] = {**MODELS, "committee": Committee, "laplace": Laplace}
_PACKAGES = ("nearsight", "torch", "numpy", "ase")
_UNITS = ("energy", "forces", "stress")


class ModelFileError(ValueError):
    """A file that should hold a model cannot be used; the message says why and what to do."""


# ------------------------------------------------------------------------------------------ saving


def save_model(path: str | Path, model: Potential, card: ModelCard | None = None) -> None:
    """Write a model and its card as one file, whole or not at all.

    Parameters
    ----------
    card : what only the maker knows (data, errors, seed, licence, ...); what the model itself
        knows (config, species, cutoff, precision, reference energies) is filled in from it. Left
        out, it is the model's own, or what the cards of a committee's members tell together

    Raises
    ------
    ValueError
        If a weight is not finite, or the model is of a kind that could not be read back.
    """
    weights = {name: w.detach().cpu().clone() for name, w in model.state_dict().items()}
    _check_finite(weights, "the model")
    card_text = describe(model, card or card_of(model)).model_dump_json()
    tensors, payload = _split(safetensors.torch.save(weights))
    own = {"format": FORMAT, "card": card_text, "sha256": _digest(card_text, payload)}
    write_whole(Path(path), _join({"__metadata__": own, **tensors}, payload))


def describe(model: Potential, card: ModelCard) -> ModelCard:
    """The card with everything filled in that the model itself knows."""
    config = model.resolved_config()
    if config["name"] not in _KINDS:
        raise ModelFileError(
            f"a model of kind {config['name']!r} could not be read back: it is in no table of "
            "models; add it through the entry points 'mlip.models'"
        )
    members = model.potentials
    references = torch.stack([m.composition.reference_energies.cpu() for m in members]).mean(0)
    scale = torch.stack([m.composition.scale.cpu() for m in members]).mean()
    symbols = tuple(chemical_symbols[z] for z in model.species)
    return card.model_copy(
        update={
            "format_version": FORMAT_VERSION,
            "model": config["name"],
            "config": config,
            "species": symbols,
            "cutoff": model.cutoff,
            "dtype": dtype_name(model.dtype),
            "units": {"length": "Å"} | {name: PROPERTIES[name].unit for name in _UNITS},
            "reference_energies": dict(zip(symbols, references.tolist())),
            "scale": float(scale),
            "versions": card.versions or _versions(),
            "created": card.created or datetime.datetime.now(datetime.UTC).date().isoformat(),
        }
    )


def card_of(model: Potential) -> ModelCard:
    """What is known of a model: its card or, if it was not read from a file, what the cards of its
    members tell together."""
    if model.card is not None:
        return model.card
    return joint_card([member.card for member in model.potentials if member.card is not None])


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            continue
    return found


# ----------------------------------------------------------------------------------------- loading


def load_model(
    path: str | Path,
    device: str | torch.device = "cpu",
    dtype: str | torch.dtype | None = None,
) -> Potential:
    """The model of a file, its card as ``model.card``.

    Parameters
    ----------
    device : where it is to compute
    dtype : precision to convert the weights to; None keeps the stored one

    Raises
    ------
    ModelFileError
        If the file is no model, damaged, of a newer version, of a model that is not known here, or
        card and weights do not fit together.
    """
    place, path = as_device(device), Path(path)
    card, version, content = _read(path)
    model = _build(card, path)
    try:
        weights = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    fresh = model.state_dict()
    for older in range(version, FORMAT_VERSION):
        weights = UPGRADES[older].weights(weights, fresh)
    _check_fit(weights, fresh, path)
    _check_finite(weights, str(path))
    model.load_state_dict(weights)
    model.card = card
    return model.to(place) if dtype is None else model.to(place, as_dtype(dtype))


def read_card(path: str | Path) -> ModelCard:
    """What is known of the model in a file; errors as for `load_model`."""
    return _read(Path(path))[0]


def _build(card: ModelCard, path: Path) -> Potential:
    """The model a card describes, weights not yet in it."""
    if card.model not in _KINDS:
        raise ModelFileError(
            f"{path} holds a model of kind {card.model!r}, but known here are "
            f"{', '.join(_KINDS)}; is the package that brings it installed?"
        )
    numbers = [atomic_numbers.get(symbol, 0) for symbol in card.species]  # 0 is no element
    if 0 in numbers or not numbers:
        raise ModelFileError(f"{path}: the card's species {card.species} are not elements")
    if len(set(numbers)) < len(numbers):
        raise ModelFileError(f"{path}: the card's species {card.species} name an element twice")
    kind = _KINDS[card.model]
    try:
        config = parse_settings(kind.Config, card.config, f"the config in {path}")
        dtype = as_dtype(card.dtype or "unknown")
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from error
    with torch.random.fork_rng(devices=[]):  # weights are drawn only to be replaced
        model = kind.build(config, numbers)
    if card.cutoff != model.cutoff:
        raise ModelFileError(
            f"{path}: the card's cutoff {card.cutoff} Å is not the {model.cutoff} Å of its config"
        )
    return model.to(dtype)


def _read(path: Path) -> tuple[ModelCard, int, bytes]:
    """Card, format version and whole content of a file that was found to be sound."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the model {path}: {error.strerror}") from error
    try:
        header, payload = _split(content)
    except ValueError as error:
        raise ModelFileError(f"{path} is no model of this package: {error}") from error
    own = header.get("__metadata__")
    if not isinstance(own, dict) or own.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} is a safetensors file, but not a model of this package: "
            f"its header does not say format = {FORMAT!r}"
        )
    if len(payload) != (size := _payload_size(header)):
        raise ModelFileError(
            f"{path} is cut short or was added to: it has {len(payload)} bytes of weights, its "
            f"header says {size}. Copy it again"
        )
    stored = _plain_card(own, path)
    card = _upgraded(stored, path)
    if own.get("sha256") != _digest(own["card"], payload):
        raise ModelFileError(f"{path} is damaged: card and weights do not match their checksum")
    try:
        parsed = parse_settings(ModelCard, card, f"the card in {path}")
    except SettingsError as error:
        raise ModelFileError(str(error)) from error
    return parsed, stored["format_version"], content


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a safetensors file: 8 bytes of length, JSON, the numbers."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise ValueError("it does not begin as a safetensors file does, or is cut short")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        raise ValueError("its header is not JSON, as that of a safetensors file is") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not that of a safetensors file")
    return header, content[8 + length :]


def _join(header: dict[str, Any], payload: bytes) -> bytes:
    """The inverse of `_split`; unlike the library, with the header always in the same order."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + payload


def _payload_size(header: dict[str, Any]) -> int | None:
    """Bytes of weights that a header announces; None if it makes no sense."""
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    try:
        return max((entry["data_offsets"][1] for entry in tensors), default=0)
    except (KeyError, IndexError, TypeError):
        return None


def _plain_card(own: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        card = json.loads(own["card"])
        if type(card["format_version"]) is int:  # true is a bool, and one too
            return card
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise ModelFileError(f"{path} is damaged: its card cannot be read")


def _upgraded(card: dict[str, Any], path: Path) -> dict[str, Any]:
    """The card in the format of today."""
    version = card["format_version"]
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format version {version}, newer than the {FORMAT_VERSION} known here; "
            "update this package"
        )
    while version < FORMAT_VERSION:
        if version not in UPGRADES:
            raise ModelFileError(f"{path} has format version {version}, which never existed")
        version, card = version + 1, UPGRADES[version].card(card)
    return card | {"format_version": version}


# ----------------------------------------------------------------------------------------- checks


def _digest(card_text: str, payload: bytes) -> str:
    return hashlib.sha256(card_text.encode() + payload).hexdigest()


def _check_fit(found: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Names, shapes and precisions of the weights are those of the model on the card."""
    wrong = [f"{name} is missing" for name in expected.keys() - found.keys()]
    wrong += [f"{name} is not part of it" for name in found.keys() - expected.keys()]
    for name in expected.keys() & found.keys():
        kinds = [(tuple(w.shape), dtype_name(w.dtype)) for w in (found[name], expected[name])]
        if kinds[0] != kinds[1]:
            wrong.append(f"{name} is {kinds[0]} instead of {kinds[1]}")
    if wrong:
        raise ModelFileError(
            f"{path}: the weights do not fit the model, species and precision on the card: "
            + "; ".join(sorted(wrong)[:5])
        )


def _check_finite(weights: dict[str, Tensor], owner: str) -> None:
    bad = [name for name, w in weights.items() if not bool(torch.isfinite(w).all())]
    if bad:
        raise ModelFileError(f"{owner} has weights that are not finite: {', '.join(bad[:5])}")
