"""Parameters of Behler's radial and angular functions: listed one by one, or generated.

Radial, at a neighbour at distance r:  exp(-eta (r - shift)^2) f(r).
Angular, at a pair of neighbours j and k of atom i:
2^(1 - zeta) (1 + sign cos theta_ijk)^zeta exp(-eta sum (r - shift)^2) prod f(r), where sum and
product run over r_ij, r_ik and r_jk (G4) or over r_ij and r_ik only (G5). n2p2 calls G2, G4 and G5
types 2, 3 and 9.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, FiniteFloat, model_validator

from mlip.ops.cutoffs import LEVEL_AT_THEIR_START, CutoffName
from mlip.settings import Settings


class BehlerFunction(Settings):
    """What radial and angular functions have in common."""

    eta: float = Field(ge=0, allow_inf_nan=False)
    """Narrowness, Å^-2."""
    shift: FiniteFloat = 0.0
    """Centre r_s of the distances, Å."""
    cutoff: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Where f reaches zero, Å; the cutoff of the descriptor if not given."""


class RadialFunction(BehlerFunction):
    """One radial function, G2 of Behler, J. Chem. Phys. 134, 074106 (2011)."""


class AngularFunction(BehlerFunction):
    """One angular function, G4 or G5 of Behler, J. Chem. Phys. 134, 074106 (2011)."""

    type: Literal["G4", "G5"] = "G4"
    """G4 includes the distance between the two neighbours, G5 does not."""
    zeta: float = Field(ge=1, allow_inf_nan=False)
    """Sharpness in the angle; whole numbers are faster."""
    sign: Literal[-1, 1]
    """lambda of the papers: with 1 the function is largest at 0 degrees, with -1 at 180."""


class RadialGrid(Settings):
    """Radial functions generated for a cutoff: one width, shifts on an even grid; Gastegger et al.,
    J. Chem. Phys. 148, 241709 (2018)."""

    count: int = Field(default=12, ge=1)
    """Number of functions."""
    start: float = Field(default=0.5, ge=0)
    """Smallest shift, Å."""

    def functions(self, cutoff: float) -> tuple[RadialFunction, ...]:
        """Shifts from `start` on, one step short of the cutoff, where nothing would be seen.

        Raises
        ------
        ValueError
            If the grid starts beyond the cutoff.
        """
        if self.start >= cutoff:
            raise ValueError(
                f"the radial grid starts at {self.start} Å, beyond the cutoff {cutoff}"
            )
        step = (cutoff - self.start) / self.count
        eta = 0.5 / step**2
        shifts = self.start + step * np.arange(self.count)
        return tuple(RadialFunction(eta=eta, shift=float(shift)) for shift in shifts)


class AngularGrid(Settings):
    """Angular functions generated for a cutoff: each width with each zeta and both signs; Imbalzano
    et al., J. Chem. Phys. 148, 241730 (2018)."""

    type: Literal["G4", "G5"] = "G4"
    """With (G4) or without (G5) the distance between the two neighbours."""
    widths: int = Field(default=3, ge=1)
    """Number of widths, from that of the cutoff down, in a geometric series."""
    zetas: tuple[Annotated[float, Field(ge=1)], ...] = (1.0, 2.0, 4.0, 16.0)
    """Sharpness in the angle."""

    def functions(self, cutoff: float) -> tuple[AngularFunction, ...]:
        """All combinations; eta = (n^(m / n) / cutoff)^2 for m = 0..n - 1 of n widths."""
        n = self.widths
        etas = [(n ** (m / n) / cutoff) ** 2 for m in range(n)]
        return tuple(
            AngularFunction(type=self.type, eta=eta, zeta=zeta, sign=sign)
            for eta in etas
            for zeta in self.zetas
            for sign in (1, -1)
        )


class CutoffSettings(Settings):
    """How far descriptors made of Behler's functions see."""

    cutoff: float = Field(default=6.0, gt=0, allow_inf_nan=False)
    """Neighbours farther than this (Å) are not seen."""
    cutoff_function: CutoffName = "polynomial"
    """How a neighbour's weight goes to zero at the cutoff; cosine is only once differentiable."""
    cutoff_start: float = Field(default=0.0, ge=0, lt=1)
    """Part of the cutoff up to which the weight is one; not for tanh3, tanh3_from_one and hard."""

    @model_validator(mode="after")
    def _check_start(self) -> "CutoffSettings":
        if self.cutoff_start > 0 and self.cutoff_function not in LEVEL_AT_THEIR_START:
            raise ValueError(f"cutoff_start must be 0 for {self.cutoff_function}")
        return self

    def check_cutoffs(self, functions: Iterable[BehlerFunction]) -> None:
        """Raises ValueError if a function sees farther than the descriptor."""
        widest = max((f.cutoff or 0.0 for f in functions), default=0.0)
        if widest > self.cutoff:
            raise ValueError(
                f"a function has the cutoff {widest} Å, beyond that of the descriptor, "
                f"{self.cutoff} Å"
            )


class BehlerSettings(CutoffSettings):
    """What descriptors with the same of Behler's functions for all elements have in common."""

    radial: RadialGrid | tuple[RadialFunction, ...] = RadialGrid()
    """Functions of the distance: a grid, or a list of {eta, shift, cutoff}."""
    angular: AngularGrid | tuple[AngularFunction, ...] = AngularGrid()
    """Functions of the angle: a grid, or a list of {type, eta, zeta, sign, shift, cutoff}."""

    @model_validator(mode="after")
    def _check_functions(self) -> "BehlerSettings":
        functions = self.functions()
        if not functions:
            raise ValueError("there must be a radial or an angular function")
        self.check_cutoffs(functions)
        return self

    def functions(self) -> tuple[BehlerFunction, ...]:
        """Radial, then angular functions."""
        return (*self.radial_functions(), *self.angular_functions())

    def radial_functions(self) -> tuple[RadialFunction, ...]:
        """Those that are listed, or those of the grid."""
        chosen = self.radial
        return chosen.functions(self.cutoff) if isinstance(chosen, RadialGrid) else chosen

    def angular_functions(self) -> tuple[AngularFunction, ...]:
        """Those that are listed, or those of the grid."""
        chosen = self.angular
        return chosen.functions(self.cutoff) if isinstance(chosen, AngularGrid) else chosen


def function_name(function: BehlerFunction) -> str:
    """``G2 eta=1.2 shift=0.5`` or ``G4 eta=0.01 shift=0 zeta=4 sign=-1``, and the cutoff where it
    is the function's own."""
    words = [f"eta={function.eta:.4g}", f"shift={function.shift:.4g}"]
    if isinstance(function, AngularFunction):
        words = [function.type, *words, f"zeta={function.zeta:g}", f"sign={function.sign:+d}"]
    else:
        words = ["G2", *words]
    if function.cutoff is not None:
        words.append(f"cutoff={function.cutoff:.4g}")
    return " ".join(words)
