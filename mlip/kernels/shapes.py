"""Shapes of the compiled operators' results, for torch.compile and torch.export."""

import torch
from torch import Tensor


def register_shapes() -> None:
    """Tells torch what the operators return, without running them."""
    torch.library.register_fake("mlip::neighbour_list", _neighbour_list)
    torch.library.register_fake("mlip::neighbour_list_with_vectors", _neighbour_list_with_vectors)
    torch.library.register_fake("mlip::symmetry_functions", _symmetry_functions)
    torch.library.register_fake("mlip::symmetry_functions_backward", _symmetry_functions_backward)


def _neighbour_list(
    positions: Tensor,  # noqa: ARG001
    cell: Tensor,  # noqa: ARG001
    pbc: Tensor,  # noqa: ARG001
    first_atom: Tensor,
    cutoff: float,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    n_pairs = torch.library.get_ctx().new_dynamic_size()
    return first_atom.new_empty((2, n_pairs)), first_atom.new_empty((n_pairs, 3))


def _neighbour_list_with_vectors(
    positions: Tensor, cell: Tensor, pbc: Tensor, first_atom: Tensor, cutoff: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    edges, shifts = _neighbour_list(positions, cell, pbc, first_atom, cutoff)
    n_pairs = edges.shape[1]
    return edges, shifts, positions.new_empty(n_pairs), positions.new_empty((n_pairs, 3))


def _symmetry_functions(
    vectors: Tensor,
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    species: Tensor,
    integers: Tensor,  # noqa: ARG001
    reals: Tensor,  # noqa: ARG001
    lists: Tensor,  # noqa: ARG001
    weights: Tensor,  # noqa: ARG001
    cutoff_kind: int,  # noqa: ARG001
    cutoff_start: float,  # noqa: ARG001
    n_features: int,
) -> Tensor:
    return vectors.new_empty((species.shape[0], n_features))


def _symmetry_functions_backward(
    gradient: Tensor,  # noqa: ARG001
    vectors: Tensor,
    *others: Tensor | int | float,  # noqa: ARG001
) -> Tensor:
    return vectors.new_empty(vectors.shape)
