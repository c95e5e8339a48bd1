"""What a campaign begins from: given structures, or frames with labels, and rattled copies."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.exploration import Candidate
from mlip.active_learning.explorers import is_physical, rattled
from mlip.active_learning.frames import queued_structure
from mlip.active_learning.labelled import first_of_each_composition, read_labelled
from mlip.active_learning.labelling.fingerprint import plain_digest
from mlip.data import Frame, fingerprint, read_structures
from mlip.data.statistics import is_isolated_atom
from mlip.settings import SettingsError, parse_settings

#: How often a copy is rattled anew whose atoms came too near to each other.
_TRIES = 10

#: Fields of the config that may change, or count by what is in their files.
_FREE = ("executor", "failures", "stop", "calculator", "structures", "labelled")


def labelled_beginning(config: CampaignConfig) -> list[Frame]:
    """The labelled frames, if there are any.

    Raises
    ------
    ValueError
        If they cannot be used.
    """
    return read_labelled(config.labelled) if config.labelled else []


def start_structures(config: CampaignConfig) -> list[Atoms]:
    """The given structures; where there are none, the first labelled frame of each composition.

    Raises
    ------
    ValueError
        If files hold no structures, or some that cannot be.
    """
    if not config.structures:
        return [frame.atoms for frame in first_of_each_composition(labelled_beginning(config))]
    return read_structures(config.structures)


def initial_structures(config: CampaignConfig, seed: int, n_labelled: int) -> list[Candidate]:
    """The given structures, then copies of them in turn, more and more rattled: as many as are
    wanted besides the labelled frames. There are no copies of isolated atoms.

    Raises
    ------
    ValueError
        If files hold no structures, or isolated atoms only.
    """
    initial = config.initial
    random = np.random.default_rng(seed)
    starts = start_structures(config)
    bound = [n for n, atoms in enumerate(starts) if not is_isolated_atom(Frame(atoms))]
    if not bound:
        raise ValueError("there are only isolated atoms to begin from: give bound structures too")
    chosen = [
        Candidate(atoms, {"explorer": "given", "from": n})
        for n, atoms in enumerate(starts if config.structures else [])
    ]
    for number, share in enumerate(
        np.linspace(0.1, 1.0, max(initial.count - len(chosen) - n_labelled, 0))
    ):
        origin = bound[number % len(bound)]
        size = float(share)
        for _ in range(_TRIES):
            copy = rattled(starts[origin], size * initial.amplitude, size * initial.strain, random)
            if is_physical(copy):
                chosen.append(Candidate(copy, {"explorer": "rattle", "from": origin}))
                break
    return chosen


def decisive(config: CampaignConfig) -> dict[str, Any]:
    """What must not change when a campaign is continued: all that decides a label or a step. When
    it stops, where it lies and calculations run, and how patient it is may. Of files, what is in
    them counts. As it comes back from a store, where tuples have become lists."""
    keys = [queued_structure(atoms, {}).key for atoms in start_structures(config)]
    own: dict[str, Any] = {
        "structures": plain_digest(keys),
        "calculator": config.calculator.settings(),
    }
    if config.labelled is not None:
        own["labelled"] = fingerprint(labelled_beginning(config))
    return json.loads(json.dumps(_settings(config) | own))


def begun_with(stored: Mapping[str, Any], now: CampaignConfig) -> dict[str, Any]:
    """What was decisive when a campaign began, as `decisive` tells it today: settings that have
    come since have their defaults, which leave everything as it was."""
    known = {name: value for name, value in stored.items() if name not in _FREE}
    content = now.model_dump(mode="json", exclude_unset=True) | known
    try:
        whole = parse_settings(CampaignConfig, content)
    except SettingsError:  # settings that are no more
        return dict(stored)
    return dict(stored) | _settings(whole)


def _settings(config: CampaignConfig) -> dict[str, Any]:
    plain = config.model_dump(mode="json", exclude=set(_FREE))
    del plain["learning"]["device"]
    return plain
