"""Features, and the way back from derivatives by them to derivatives by edge vectors."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

#: From dE/d(features) [atoms, features] to dE/d(edge vectors) [edges, 3], as often as one likes.
PullBack = Callable[[Tensor], Tensor]


def features_and_pull_back_by_autograd(
    evaluate: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    vectors: Float[Tensor, "edges 3"],
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    species_index: Int[Tensor, " atoms"],
) -> tuple[Float[Tensor, "atoms features"], PullBack]:
    """Features without graph of operations, and the way back through one that is kept."""
    free = vectors.detach().requires_grad_()
    with torch.enable_grad():
        features = evaluate(free, centres, neighbours, species_index)

    def pull_back(by_features: Tensor) -> Tensor:
        if not features.requires_grad:  # of atoms without edges they may depend on nothing
            return torch.zeros_like(vectors)
        (by_vectors,) = torch.autograd.grad(
            features, free, by_features, retain_graph=True, materialize_grads=True
        )
        return by_vectors

    return features.detach(), pull_back
