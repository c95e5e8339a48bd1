"""Shapes of the compiled operators' results, for torch.compile and torch.export."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def _like(tensor: Tensor) -> Tensor:
    return tensor.new_empty(tensor.shape)


def _neighbour_list(
    _positions: Tensor, _cell: Tensor, _pbc: Tensor, first_atom: Tensor, _cutoff: float
) -> tuple[Tensor, Tensor]:
    n_pairs = torch.library.get_ctx().new_dynamic_size()
    return first_atom.new_empty((2, n_pairs)), first_atom.new_empty((n_pairs, 3))


def _neighbour_list_with_vectors(
    positions: Tensor, cell: Tensor, pbc: Tensor, first_atom: Tensor, cutoff: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    edges, shifts = _neighbour_list(positions, cell, pbc, first_atom, cutoff)
    n_pairs = edges.shape[1]
    return edges, shifts, positions.new_empty(n_pairs), positions.new_empty((n_pairs, 3))


def _edge_vectors(
    positions: Tensor, _cell: Tensor, _structure: Tensor, _edges: Tensor, shifts: Tensor
) -> Tensor:
    return positions.new_empty((shifts.shape[0], 3))


def _edge_sums(
    by_vectors: Tensor, _rows: Tensor, structure: Tensor, _edges: Tensor, n_structures: int
) -> tuple[Tensor, Tensor]:
    by_positions = by_vectors.new_empty((structure.shape[0], 3))
    return by_positions, by_vectors.new_empty((n_structures, 3, 3))


def _symmetry_functions(
    vectors: Tensor, _centres: Tensor, _neighbours: Tensor, species: Tensor, *tables: Any
) -> Tensor:
    return vectors.new_empty((species.shape[0], tables[-1]))


def _by_vectors(_by_features: Tensor, vectors: Tensor, *_others: Any) -> Tensor:
    return _like(vectors)


def _soap(
    vectors: Tensor,
    _centres: Tensor,
    _neighbours: Tensor,
    species: Tensor,
    radial: Tensor,
    _own: Tensor,
    mixing: Tensor,
    n_species: int,
    n_max: int,
    _cutoff: float,
    with_total: bool,
) -> Tensor:
    rows = n_max * (mixing.shape[0] or n_species)
    per_degree = rows * n_max if with_total else rows * (rows + 1) // 2
    return vectors.new_empty((species.shape[0], radial.shape[1] * per_degree))


def _soap_gradients(by_features: Tensor, vectors: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
    mixing = others[5]
    return _like(vectors), vectors.new_empty((by_features.shape[0], *mixing.shape))


def _chebyshev(
    vectors: Tensor,
    _centres: Tensor,
    _neighbours: Tensor,
    species: Tensor,
    weights: Tensor,
    legendre: Tensor,
    radial_order: int,
    *_cutoffs: Any,
) -> Tensor:
    n_features = len(weights) * (radial_order + 1 + len(legendre))
    return vectors.new_empty((species.shape[0], n_features))


def _count_outside(_features: Tensor, species: Tensor, *_range: Any) -> Tensor:
    return _like(species)


def _node_product(a: Tensor, *others: Any) -> Tensor:
    return a.new_empty((others[-1], *a.shape[1:]))


def _node_product_gradients(
    _by_out: Tensor, a: Tensor, b: Tensor | None, weights: Tensor, *others: Any
) -> tuple[Tensor, Tensor, Tensor]:
    weights_wanted = others[-1]
    by_b = a.new_empty((0, *a.shape[1:])) if b is None else _like(b)
    return _like(a), by_b, _like(weights) if weights_wanted else a.new_empty((0, 0, a.shape[2]))


def _node_product_second(
    _along_a: Tensor,
    _along_b: Tensor | None,
    _along_weights: Tensor | None,
    by_out: Tensor,
    a: Tensor,
    b: Tensor | None,
    weights: Tensor,
    *_others: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _like(by_out), *_node_product_gradients(by_out, a, b, weights, True)


def _neighbour_sums(
    _weights: Tensor,
    harmonics: Tensor,
    sent: Tensor,
    _centres: Tensor,
    _neighbours: Tensor,
    n_centres: int,
) -> Tensor:
    tensors = sent.shape[0] if sent.shape[0] > 1 else 0
    return sent.new_empty((harmonics.shape[0] + tensors, n_centres, sent.shape[2]))


def _neighbour_sum_gradients(_by_sums: Tensor, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    weights, harmonics, sent = (_like(tensor) for tensor in inputs[:3])
    return weights, harmonics, sent


def _neighbour_sum_second(
    _along_weights: Tensor,
    _along_harmonics: Tensor,
    _along_sent: Tensor,
    by_sums: Tensor,
    *inputs: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _like(by_sums), *_neighbour_sum_gradients(by_sums, *inputs)


def _radial_sums(
    _vectors: Tensor,
    sent: Tensor,
    _table: Tensor,
    _centres: Tensor,
    _neighbours: Tensor,
    n_centres: int,
    l_max: int,
    _cutoff: float,
) -> Tensor:
    tensors = sent.shape[0] if sent.shape[0] > 1 else 0
    return sent.new_empty(((l_max + 1) ** 2 + tensors, n_centres, sent.shape[2]))


def _radial_sum_gradients(
    _by_sums: Tensor,
    vectors: Tensor,
    sent: Tensor,
    _table: Tensor,
    _centres: Tensor,
    _neighbours: Tensor,
    _n_centres: int,
    _l_max: int,
    _cutoff: float,
    sent_wanted: bool,
) -> tuple[Tensor, Tensor]:
    by_sent = sent.new_empty(sent.shape if sent_wanted else (0, 0, 0))
    return _like(vectors), by_sent


#: What each operator returns, by its name.
SHAPES: dict[str, Callable[..., Any]] = {
    "neighbour_list": _neighbour_list,
    "neighbour_list_with_vectors": _neighbour_list_with_vectors,
    "edge_vectors": _edge_vectors,
    "edge_sums": _edge_sums,
    "symmetry_functions": _symmetry_functions,
    "symmetry_functions_backward": _by_vectors,
    "soap": _soap,
    "soap_gradients": _soap_gradients,
    "chebyshev": _chebyshev,
    "chebyshev_gradients": _by_vectors,
    "count_outside": _count_outside,
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
