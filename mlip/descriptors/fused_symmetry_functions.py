"""Symmetry functions by the compiled core, with their first derivatives.

The core goes through the pairs of neighbours once for the values, and once more, backwards, from
the derivative by the features to that by the edge vectors; it stores nothing in between. Second
derivatives, which training needs, are those of the plain torch version.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from mlip.descriptors.behler_functions import AngularFunction, CutoffSettings
from mlip.descriptors.term_sums import Term
from mlip.ops.compiled_function import CompiledFunction
from mlip.ops.cutoffs import IN_THE_CORE

#: Features from vectors, centres, neighbours and species of atoms.
Evaluate = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class FusedSymmetryFunctions(nn.Module):
    """The terms of a descriptor as tables that the core reads.

    Parameters
    ----------
    lists : terms for each species, or one list for all
    numbers : atomic numbers of the species
    """

    integers: Tensor
    reals: Tensor
    list_of_species: Tensor
    numbers: Tensor

    def __init__(
        self,
        lists: Sequence[Sequence[Term]],
        numbers: Sequence[int],
        config: CutoffSettings,
    ) -> None:
        super().__init__()
        self.cutoff_kind = IN_THE_CORE.index(config.cutoff_function)
        self.cutoff_start = config.cutoff_start
        self.n_features = max(len(terms) for terms in lists)
        rows = [_row(*place, term) for place, term in _placed(lists)]
        of_species = range(len(numbers)) if len(lists) > 1 else [0] * len(numbers)
        tables = {
            "integers": torch.tensor([row[0] for row in rows], dtype=torch.int64).reshape(-1, 6),
            "reals": torch.tensor([row[1] for row in rows], dtype=torch.float64).reshape(-1, 4),
            "list_of_species": torch.tensor(list(of_species), dtype=torch.int64),
            "numbers": torch.tensor(numbers, dtype=torch.float64),
        }
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)

    def function(
        self,
        centres: Int[Tensor, " edges"],
        neighbours: Int[Tensor, " edges"],
        species_index: Int[Tensor, " atoms"],
        in_torch: Evaluate,
    ) -> CompiledFunction:
        """Features as a function of edge vectors; second and higher derivatives are those of the
        same features `in_torch`. A ValueError if two atoms are less than 0.001 Å apart."""
        atoms = (centres, neighbours, species_index)
        core, tables = torch.ops.mlip, self.tables
        return CompiledFunction(
            lambda v: core.symmetry_functions(v, *atoms, *tables, self.n_features),
            lambda by, v: (core.symmetry_functions_backward(by, v, *atoms, *tables),),
            lambda v: in_torch(v, *atoms),
        )

    @property
    def tables(self) -> tuple[Any, ...]:
        """What the operators ask for besides the atoms."""
        tables = (self.integers, self.reals, self.list_of_species, self.numbers)
        return (*tables, self.cutoff_kind, self.cutoff_start)


def _placed(lists: Sequence[Sequence[Term]]) -> list[tuple[tuple[int, int], Term]]:
    return [((l, c), term) for l, terms in enumerate(lists) for c, term in enumerate(terms)]


def _row(list_: int, column: int, term: Term) -> tuple[list[int], list[float]]:
    """Integers and reals of a term, as cpp_ext/src/torch/symmetry_functions.cpp reads them."""
    function = term.function
    first, *more = (-1, -1) if term.sees is None else term.sees
    second = more[0] if more else -1
    if isinstance(function, AngularFunction):
        kind, sign, zeta = int(function.type[1]), function.sign, function.zeta
    else:
        kind, sign, zeta = 2, 1, 1.0
    integers = [kind, list_, column, first, second, sign]
    return integers, [function.eta, function.shift, term.cutoff, zeta]
