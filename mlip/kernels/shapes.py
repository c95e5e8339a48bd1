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


def _chebyshev(
    vectors: Tensor,
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    species: Tensor,
    weights: Tensor,
    legendre: Tensor,
    radial_order: int,
    *cutoffs: int | float,  # noqa: ARG001
) -> Tensor:
    n_features = len(weights) * (radial_order + 1 + len(legendre))
    return vectors.new_empty((species.shape[0], n_features))


def _node_product(
    a: Tensor,
    b: Tensor | None,  # noqa: ARG001
    weights: Tensor,  # noqa: ARG001
    elements: Tensor,  # noqa: ARG001
    terms: Tensor,  # noqa: ARG001
    factors: Tensor,  # noqa: ARG001
    n_out: int,
) -> Tensor:
    return a.new_empty((n_out, *a.shape[1:]))


def _node_product_gradients(
    by_out: Tensor,  # noqa: ARG001
    a: Tensor,
    b: Tensor | None,
    weights: Tensor,
    *others: Tensor | int,  # noqa: ARG001
) -> tuple[Tensor, Tensor, Tensor]:
    by_b = a.new_empty((0, *a.shape[1:])) if b is None else b.new_empty(b.shape)
    return a.new_empty(a.shape), by_b, weights.new_empty(weights.shape)


def _node_product_second(
    along_a: Tensor,  # noqa: ARG001
    along_b: Tensor | None,  # noqa: ARG001
    along_weights: Tensor | None,  # noqa: ARG001
    by_out: Tensor,
    *others: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return by_out.new_empty(by_out.shape), *_node_product_gradients(by_out, *others)


def _neighbour_sums(
    weights: Tensor,  # noqa: ARG001
    harmonics: Tensor,
    sent: Tensor,
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    n_centres: int,
) -> Tensor:
    tensors = sent.shape[0] if sent.shape[0] > 1 else 0
    return sent.new_empty((harmonics.shape[0] + tensors, n_centres, sent.shape[2]))


def _neighbour_sum_gradients(
    by_sums: Tensor,  # noqa: ARG001
    *inputs: Any,
) -> tuple[Tensor, Tensor, Tensor]:
    weights, harmonics, sent = (tensor.new_empty(tensor.shape) for tensor in inputs[:3])
    return weights, harmonics, sent


def _neighbour_sum_second(
    along_weights: Tensor,  # noqa: ARG001
    along_harmonics: Tensor,  # noqa: ARG001
    along_sent: Tensor,  # noqa: ARG001
    by_sums: Tensor,
    *inputs: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return by_sums.new_empty(by_sums.shape), *_neighbour_sum_gradients(by_sums, *inputs)


def _radial_sums(
    vectors: Tensor,  # noqa: ARG001
    sent: Tensor,
    table: Tensor,  # noqa: ARG001
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    n_centres: int,
    l_max: int,
    cutoff: float,  # noqa: ARG001
) -> Tensor:
    tensors = sent.shape[0] if sent.shape[0] > 1 else 0
    return sent.new_empty(((l_max + 1) ** 2 + tensors, n_centres, sent.shape[2]))


def _radial_sum_gradients(
    by_sums: Tensor,  # noqa: ARG001
    vectors: Tensor,
    sent: Tensor,
    table: Tensor,  # noqa: ARG001
    centres: Tensor,  # noqa: ARG001
    neighbours: Tensor,  # noqa: ARG001
    n_centres: int,  # noqa: ARG001
    l_max: int,  # noqa: ARG001
    cutoff: float,  # noqa: ARG001
    sent_wanted: bool,
) -> tuple[Tensor, Tensor]:
    by_sent = sent.new_empty(sent.shape if sent_wanted else (0, 0, 0))
    return vectors.new_empty(vectors.shape), by_sent


#: What each operator returns, by its name.
SHAPES: dict[str, Callable[..., Any]] = {
    "neighbour_list": _neighbour_list,
    "neighbour_list_with_vectors": _neighbour_list_with_vectors,
    "symmetry_functions": _symmetry_functions,
    "symmetry_functions_backward": _symmetry_functions_backward,
    "soap": _soap,
    "soap_gradients": _soap_gradients,
    "chebyshev": _chebyshev,
    "chebyshev_gradients": _symmetry_functions_backward,
    "node_product": _node_product,
    "node_product_gradients": _node_product_gradients,
    "node_product_second": _node_product_second,
    "neighbour_sums": _neighbour_sums,
    "neighbour_sum_gradients": _neighbour_sum_gradients,
    "neighbour_sum_second": _neighbour_sum_second,
    "radial_sums": _radial_sums,
    "radial_sum_gradients": _radial_sum_gradients,
}


def register_shapes() -> None:
    """Tells torch what the operators return, without running them."""
    for name, shape in SHAPES.items():
        torch.library.register_fake(f"mlip::{name}", shape)
