"""Parameters of Behler's radial and angular functions: listed one by one, or generated.

Radial, at a neighbour at distance r:  exp(-eta (r - shift)^2) f(r).
Angular, at a pair of neighbours j and k of atom i:
2^(1 - zeta) (1 + sign cos theta_ijk)^zeta exp(-eta sum (r - shift)^2) prod f(r), where sum and
product run over r_ij, r_ik and r_jk (G4) or over r_ij and r_ik only (G5). n2p2 calls G2, G4 and G5
types 2, 3 and 9.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from mlip.ops.cutoffs import CutoffName
from mlip.settings import Settings


class RadialFunction(Settings):
    """One radial function, G2 of Behler, J. Chem. Phys. 134, 074106 (2011)."""

    eta: float = Field(ge=0)
    """Narrowness, Å^-2."""
    shift: float = 0.0
    """Centre r_s, Å."""


class AngularFunction(Settings):
    """One angular function, G4 or G5 of Behler, J. Chem. Phys. 134, 074106 (2011)."""

    type: Literal["G4", "G5"] = "G4"
    """G4 includes the distance between the two neighbours, G5 does not."""
    eta: float = Field(ge=0)
    """Narrowness, Å^-2."""
    zeta: float = Field(ge=1)
    """Sharpness in the angle; whole numbers are faster."""
    sign: Literal[-1, 1]
    """lambda of the papers: with 1 the function is largest at 0 degrees, with -1 at 180."""
    shift: float = 0.0
    """Centre r_s of the distances, Å."""


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


class BehlerSettings(Settings):
    """What descriptors made of Behler's functions have in common."""

    cutoff: float = Field(default=6.0, gt=0)
    """Neighbours farther than this (Å) are not seen."""
    cutoff_function: CutoffName = "polynomial"
    """How a neighbour's weight goes to zero at the cutoff; cosine is only once differentiable."""
    radial: RadialGrid | tuple[RadialFunction, ...] = RadialGrid()
    """Functions of the distance: a grid, or a list of {eta, shift}."""
    angular: AngularGrid | tuple[AngularFunction, ...] = AngularGrid()
    """Functions of the angle: a grid, or a list of {type, eta, zeta, sign, shift}."""

    @model_validator(mode="after")
    def _check_functions(self) -> "BehlerSettings":
        if not self.radial_functions() and not self.angular_functions():
            raise ValueError("there must be a radial or an angular function")
        return self

    def radial_functions(self) -> tuple[RadialFunction, ...]:
        """Those that are listed, or those of the grid."""
        chosen = self.radial
        return chosen.functions(self.cutoff) if isinstance(chosen, RadialGrid) else chosen

    def angular_functions(self) -> tuple[AngularFunction, ...]:
        """Those that are listed, or those of the grid."""
        chosen = self.angular
        return chosen.functions(self.cutoff) if isinstance(chosen, AngularGrid) else chosen


def radial_name(function: RadialFunction) -> str:
    """``G2 eta=1.2 shift=0.5``"""
    return f"G2 eta={function.eta:.4g} shift={function.shift:.4g}"


def angular_name(function: AngularFunction) -> str:
    """``G4 eta=0.01 shift=0 zeta=4 sign=-1``"""
    return (
        f"{function.type} eta={function.eta:.4g} shift={function.shift:.4g} "
        f"zeta={function.zeta:g} sign={function.sign:+d}"
    )
