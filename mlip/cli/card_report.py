"""The card of a model, for a person to read."""

import json
from collections.abc import Sequence
from typing import Any

from mlip.cli import console
from mlip.models import ModelCard
from mlip.training.calibration import calibrated_in_words


def show_card(card: ModelCard) -> None:
    """Print all that is known of a model."""
    console.details(f"{'-'.join(card.species)} potential", _identity(card))
    console.details("Config", _config(card))
    rows = [[symbol, f"{energy:.6f}"] for symbol, energy in card.reference_energies.items()]
    source = f" ({card.reference_energies_source})" if card.reference_energies_source else ""
    console.table(f"Reference energies{source}", ["element", "energy [eV]"], rows)
    console.show()
    if card.errors:
        _show_errors(card)
    if card.calibration:
        _show_calibration(card)
    if card.versions:
        console.details("Made with", list(card.versions.items()))


def _identity(card: ModelCard) -> list[tuple[str, object]]:
    """The facts that are known, in the order people ask for them."""
    data = card.dataset
    facts: list[tuple[str, object]] = [
        ("model", card.model),
        ("elements", ", ".join(card.species)),
        ("cutoff", f"{card.cutoff:g} Å" if card.cutoff is not None else None),
        ("precision", card.dtype),
        ("energy scale", f"{card.scale:.6g} eV" if card.scale is not None else None),
        ("trained on", f"{data.n_structures} structures, {data.n_atoms} atoms" if data else None),
        ("level of theory", data.level_of_theory if data else None),
        ("data fingerprint", _shortened(data.fingerprint) if data else None),
        ("uncertainty", _uncertainty(card)),
        ("seed", card.seed),
        ("created", card.created),
        ("licence", card.licence),
        ("citation", card.citation),
        ("units", ", ".join(f"{name} {unit}" for name, unit in card.units.items()) or None),
        ("file format", card.format_version),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _uncertainty(card: ModelCard) -> str | None:
    """Where it comes from, if the model knows it, and whether it is calibrated."""
    if card.model == "laplace":
        return f"Laplace approximation of the last layer, {calibrated_in_words(card.calibration)}"
    members = card.config.get("members", [])
    if len(members) < 2:
        return None
    return f"spread of {len(members)} members, {calibrated_in_words(card.calibration)}"


def _shortened(fingerprints: str) -> str:
    """Enough of each to tell it from others; all of it is in the card as JSON."""
    return ", ".join(one[:16] for one in fingerprints.split(", "))


def _show_errors(card: ModelCard) -> None:
    rows = [
        [split, name, f"{error.mae:.2f}", f"{error.rmse:.2f}", error.unit]
        for split, errors in card.errors.items()
        for name, error in errors.items()
    ]
    console.table("Errors", ["data", "property", "MAE", "RMSE", "unit"], rows)
    console.show()


def _show_calibration(card: ModelCard) -> None:
    rows = [
        [
            name,
            f"{one.factor:.3g}",
            "" if one.correlation is None else f"{one.correlation:.2f}",
            str(one.n_structures),
            one.source,
        ]
        for name, one in card.calibration.items()
    ]
    columns = ["property", "factor", "correlation", "structures", "found on"]
    console.table("Calibration of uncertainties", columns, rows)
    console.show()


def _config(card: ModelCard) -> list[tuple[str, object]]:
    """The config; of a committee what all members have in common once, the rest for each."""
    config = _in_use(card.config, card.species)
    members = config.get("members")
    if not members:
        return _flat(config)
    each = [dict(_flat(member)) for member in members]
    shared = {k: v for k, v in each[0].items() if all(k in m and m[k] == v for m in each)}
    own = [
        (f"{key} of member {number}", value)
        for number, member in enumerate(each)
        for key, value in member.items()
        if key not in shared
    ]
    return [("members", len(members)), *shared.items(), *own]


def _in_use(config: dict[str, Any], species: Sequence[str]) -> dict[str, Any]:
    """Without what the model does not look at: the shape of all networks where each element has its
    own, the number of mixed densities where none are mixed."""
    idle: set[str] = set()
    if species and set(species) <= set(config.get("networks", ())):
        idle |= {"hidden", "activation"}
    if config.get("compression", "alchemical") != "alchemical":
        idle.add("channels")
    return {key: _part_in_use(value, species) for key, value in config.items() if key not in idle}


def _part_in_use(part: object, species: Sequence[str]) -> object:
    if isinstance(part, dict):
        return _in_use(part, species)
    return [_part_in_use(entry, species) for entry in part] if isinstance(part, list) else part


def _flat(config: object, place: str = "") -> list[tuple[str, object]]:
    """Nested config as dotted keys and values, as `--set` takes them; functions one a line."""
    if not isinstance(config, dict):
        if isinstance(config, list) and any(isinstance(entry, dict) for entry in config):
            return [(place, "\n".join(_function(entry) for entry in config))]
        return [(place, config if isinstance(config, str) else json.dumps(config))]
    return [
        entry
        for key, value in config.items()
        for entry in _flat(value, f"{place}.{key}" if place else str(key))
    ]


def _function(settings: dict[str, Any]) -> str:
    """As in a config, its kind first, to six digits; without what is not set."""
    ordered = {"type": settings.get("type")} | settings
    return f"{{{', '.join(f'{k}: {_short(v)}' for k, v in ordered.items() if v is not None)}}}"


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
