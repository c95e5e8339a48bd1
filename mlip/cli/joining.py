"""Model files joined to a committee."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import torch

from mlip.models import Committee, Potential, load_model


def joined_models(paths: Sequence[Path]) -> Committee:
    """The committee of the models in some files.

    Raises
    ------
    ValueError
        If there are fewer than two, two are the same, they learned from different levels of
        theory, or they do not go together.
    """
    if len(paths) < 2:
        raise ValueError(f"a committee has a spread from two models on, and there is {len(paths)}")
    members = [load_model(path) for path in paths]
    for (path, one), (other, another) in combinations(zip(paths, members), 2):
        if _same(one, another):
            raise ValueError(
                f"{path} and {other} are the same model, which agrees with itself everywhere: join "
                "models that were trained with other seeds (--set seed=1) or other data"
            )
    theories = {_level_of_theory(member): path for path, member in zip(paths, members)}
    theories.pop(None, None)
    if len(theories) > 1:
        listed = ", ".join(f"{path} from {theory}" for theory, path in theories.items())
        raise ValueError(f"the models learned from different levels of theory: {listed}")
    return Committee(members)


def _level_of_theory(model: Potential) -> str | None:
    card = model.card
    return None if card is None or card.dataset is None else card.dataset.level_of_theory


def _same(one: Potential, another: Potential) -> bool:
    """Whether two models have equal weights."""
    first, second = one.state_dict(), another.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
