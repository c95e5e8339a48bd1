"""Which candidates are worth a calculation: uncertain, not absurd, unlike each other."""

from collections.abc import Collection
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from mlip.active_learning.store import Verdict
from mlip.settings import Settings

#: Of the largest features: what is left of a point beyond rounding.
_NOTHING = 1e-8


Method = Literal["farthest", "cur", "random"]


class SelectionConfig(Settings):
    """Which candidates are labelled."""

    method: Method = "farthest"
    """farthest: of the uncertain ones, those farthest from all that is labelled and from each other
    in feature space, extremes first; cur: of the uncertain ones, those whose features most others
    can be combined from; random: any that are not absurd, as the control."""
    uncertain_above: float = Field(default=0.1, gt=0.0)
    """eV/Å. A candidate is worth a label if the force on some atom is more uncertain."""
    absurd_above: float = Field(default=5.0, gt=0.0)
    """eV/Å. Beyond it a candidate is too far from what is known to be worth anything."""
    per_iteration: int = Field(default=10, ge=1)
    """Labels asked for in an iteration, at most."""
    random_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of these, drawn at random from all candidates that are not absurd, certain ones too: what is
    usual is else learned from few labels. None are where the method finds nothing."""

    @model_validator(mode="after")
    def _shares_with_a_method(self) -> "SelectionConfig":
        if self.method == "random" and self.random_share > 0.0:
            raise ValueError("method: random draws all at random; leave random_share out")
        return self

    @model_validator(mode="after")
    def _leaves_something(self) -> "SelectionConfig":
        if self.method != "random" and self.uncertain_above >= self.absurd_above:
            raise ValueError(
                f"uncertain_above ({self.uncertain_above:g}) must be below absurd_above "
                f"({self.absurd_above:g}): no candidate could be chosen"
            )
        return self

    @property
    def n_random(self) -> int:
        """Labels that are drawn at random beside those of the method, of which there is one."""
        return min(round(self.random_share * self.per_iteration), self.per_iteration - 1)


def select(
    config: SelectionConfig,
    uncertainty: Float[np.ndarray, " candidates"],
    features: Float[np.ndarray, "candidates features"],
    known: Float[np.ndarray, "labelled features"],
    seed: int,
) -> dict[int, Method]:
    """Indices of the chosen candidates, each with how it was; those of the method come first, the
    best of them at the head.

    Parameters
    ----------
    uncertainty : calibrated, of the most uncertain force of each candidate, eV/Å
    features, known : of the candidates and of what is labelled
    seed : for what is drawn at random
    """
    sane = uncertainty <= config.absurd_above
    order = np.random.default_rng(seed).permutation(np.flatnonzero(sane)).tolist()
    if config.method == "random":
        return dict.fromkeys(order[: config.per_iteration], "random")
    pool = np.flatnonzero(sane & (uncertainty > config.uncertain_above))
    diverse = cur if config.method == "cur" else farthest
    best = diverse(features[pool], known, config.per_iteration - config.n_random)
    chosen: dict[int, Method] = dict.fromkeys(pool[best].tolist(), config.method)
    others = [i for i in order if i not in chosen][: config.n_random if chosen else 0]
    return chosen | dict.fromkeys(others, "random")


def verdicts(
    config: SelectionConfig,
    uncertainty: Float[np.ndarray, " candidates"],
    chosen: Collection[int],
) -> list[Verdict]:
    """What became of each candidate, given the ones that `select` chose."""
    left: Verdict = "spare" if len(chosen) == config.per_iteration else "known"
    found: list[Verdict] = []
    for number, value in enumerate(uncertainty):
        if number in chosen:
            found.append("chosen")
        elif not value <= config.absurd_above:
            found.append("absurd")
        elif config.method != "random" and value <= config.uncertain_above:
            found.append("certain")
        else:
            found.append(left)
    return found


def farthest(
    points: Float[np.ndarray, "points features"],
    known: Float[np.ndarray, "known features"],
    count: int,
) -> list[int]:
    """Farthest point sampling (Gonzalez, Theor. Comput. Sci. 38, 293, 1985): again and again the
    point whose distance to all known and chosen ones is largest. Copies of these are never chosen.
    """
    nearest = np.full(len(points), np.inf)
    for one in known:
        nearest = np.minimum(nearest, np.linalg.norm(points - one, axis=1))
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        best = int(nearest.argmax())
        if nearest[best] <= 0.0:
            break
        chosen.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(points - points[best], axis=1))
    return chosen


def cur(
    points: Float[np.ndarray, "points features"],
    known: Float[np.ndarray, "known features"],
    count: int,
) -> list[int]:
    """CUR sampling (G. Imbalzano et al., J. Chem. Phys. 148, 241730 (2018)): again and again the
    point that counts most in the leading singular vector of all points, which then lose their parts
    along it. Points are taken relative to the mean of the known ones. What the chosen ones can be
    combined to is never chosen.
    """
    if len(points) == 0:
        return []
    left = points - known.mean(axis=0) if len(known) else points.copy()
    smallest = _NOTHING * np.linalg.norm(left, axis=1).max()
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        leading = np.linalg.eigh(left @ left.T)[1][:, -1]
        best = int((leading**2).argmax())
        size = np.linalg.norm(left[best])
        if size <= smallest:
            break
        chosen.append(best)
        direction = left[best] / size
        left = left - np.outer(left @ direction, direction)
    return chosen
