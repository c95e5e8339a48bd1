"""The derivative of the features of atoms by the vectors of their edges, for any descriptor."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

#: Features differentiated in one sweep; bounds the memory of a sweep.
_COPIES = 32


def features_and_jacobian_by_sweeps(
    evaluate: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor],
    vectors: Float[Tensor, "edges 3"],
    centres: Int[Tensor, " edges"],
    neighbours: Int[Tensor, " edges"],
    species_index: Int[Tensor, " atoms"],
) -> tuple[Float[Tensor, "atoms features"], Float[Tensor, "edges 3 features"]]:
    """Features, and the derivative of the features of each edge's centre by the edge vector.

    Each edge belongs to one centre, so the sum of a feature over all atoms has as its gradient
    every atom's own derivative. A sweep treats copies of the structure side by side, each with one
    feature of its own to be differentiated; it takes about as long as F evaluations of forces.
    """
    features = evaluate(vectors, centres, neighbours, species_index).detach()
    n_atoms, n_features = features.shape
    jacobian = features.new_zeros(*vectors.shape, n_features)
    for columns in torch.split(torch.arange(n_features, device=vectors.device), _COPIES):
        copies = torch.arange(len(columns), device=vectors.device)
        atoms_before = (copies * n_atoms).repeat_interleave(len(centres))
        free = vectors.repeat(len(columns), 1).requires_grad_(True)
        with torch.enable_grad():
            of_copies = evaluate(
                free,
                centres.repeat(len(columns)) + atoms_before,
                neighbours.repeat(len(columns)) + atoms_before,
                species_index.repeat(len(columns)),
            )
            own = of_copies.unflatten(0, (len(columns), -1))[copies, :, columns].sum()
        if own.requires_grad and len(centres):
            (gradient,) = torch.autograd.grad(own, free)
            jacobian[:, :, columns] = gradient.unflatten(0, (len(columns), -1)).permute(1, 2, 0)
    return features, jacobian
