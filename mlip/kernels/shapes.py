"""Shapes of the compiled operators' results, for torch.compile and torch.export."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


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


def _soap(
    vectors: Tensor,
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    species: Tensor,
    radial: Tensor,
    own: Tensor,  # noqa: ARG001
    mixing: Tensor,
    n_species: int,
    n_max: int,
    cutoff: float,  # noqa: ARG001
    with_total: bool,
) -> Tensor:
    rows = n_max * (mixing.shape[0] or n_species)
    per_degree = rows * n_max if with_total else rows * (rows + 1) // 2
    return vectors.new_empty((species.shape[0], radial.shape[1] * per_degree))


def _soap_gradients(
    by_features: Tensor,
    vectors: Tensor,
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    species: Tensor,  # noqa: ARG001
    radial: Tensor,  # noqa: ARG001
    own: Tensor,  # noqa: ARG001
    mixing: Tensor,
    *numbers: int | float,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    of_mixing = (by_features.shape[0], *mixing.shape)
    return vectors.new_empty(vectors.shape), vectors.new_empty(of_mixing)


#: What each operator returns, by its name.
SHAPES: dict[str, Callable[..., Any]] = {
    "neighbour_list": _neighbour_list,
    "neighbour_list_with_vectors": _neighbour_list_with_vectors,
    "symmetry_functions": _symmetry_functions,
    "symmetry_functions_backward": _symmetry_functions_backward,
    "soap": _soap,
    "soap_gradients": _soap_gradients,
}


def register_shapes() -> None:
    """Tells torch what the operators return, without running them."""
    for name, shape in SHAPES.items():
        torch.library.register_fake(f"mlip::{name}", shape)
