"""What every descriptor asks of edges. The compiled core asks the same in the same words."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def check_precision(vectors: Tensor) -> None:
    """Raise unless vectors have a precision that features can be computed in.

    Raises
    ------
    ValueError
        If they are neither float32 nor float64.
    """
    if vectors.dtype not in (torch.float32, torch.float64):
        given = str(vectors.dtype).removeprefix("torch.")
        raise ValueError(
            f"edge vectors are {given}, but descriptors work in float32 or float64: use "
            ".float() or .double()"
        )


def check_edges(
    vectors: Float[Tensor, "edges 3"],
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    undefined: str,
) -> None:
    """Raise unless edges are sorted by centre and have a direction and a length.

    Values are not looked at while torch compiles.

    Parameters
    ----------
    undefined : what there is not of other edges, such as "SOAP is not defined"

    Raises
    ------
    ValueError
        If centres decrease, two atoms are at the same place or not at a finite distance.
    """
    if torch.compiler.is_compiling():
        return
    if bool((centres[1:] < centres[:-1]).any()):
        raise ValueError("centres must be atoms in an order that never decreases")
    squares = vectors.detach().square().sum(dim=1)
    bad = torch.nonzero(~((squares > 0) & torch.isfinite(squares))).flatten()
    if len(bad):
        edge = int(bad[0])
        how = "at the same place" if squares[edge] == 0 else "not at a finite distance"
        raise ValueError(
            f"atoms {int(centres[edge])} and {int(neighbours[edge])} are {how} (edge {edge}); "
            f"{undefined} there"
        )
