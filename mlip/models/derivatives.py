"""From energies of atoms to everything else: totals, forces, virial, stress. One place, one
autograd call.

    E_s = sum of the energies of the atoms of structure s                      eV, float64
    F   = -dE / d positions                                                    eV/Å
    W   = -dE / d strain, all vectors v -> v @ (1 + strain), at strain zero    eV
    stress = -W / V = dE / d strain / |det cell|                               eV/Å^3

which is ASE's sign: positive under tension.

A model that knows the range of its features in the training data counts, for each atom, those that
are outside it: `extrapolations`.

A model that knows its uncertainty votes. For a committee of M members m

    energy_uncertainty = a sqrt( sum_m (E_m - E)^2 / (M - 1) )                 eV
    forces_uncertainty = b sqrt( sum_m |F_m - F|^2 / (M - 1) )                 eV/Å, for each atom

that is, the norm of the standard deviations of the three components: no frame of reference enters.
The factors a and b are those of the model's calibration, one if it has none. For a Laplace
approximation see `mlip.models.laplace`.
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.variables import Variables
from mlip.ops.scatter import sum_by_index

#: What a model that knows its uncertainty can be asked for besides.
UNCERTAINTIES = ("energy_uncertainty", "forces_uncertainty")

#: What derivatives are taken for.
_DERIVATIVES = frozenset({"forces", "virial", "stress", "forces_uncertainty"})

#: What `predict` can be asked for.
PREDICTABLE = ("energy", "energies", "forces", "virial", "stress", "extrapolations",
               *UNCERTAINTIES)  # fmt: skip
_PREDICTABLE = frozenset(PREDICTABLE)


def predict(
    model: Potential,
    graph: AtomicGraph,
    want: Collection[str] = ("energy", "forces"),
    *,
    training: bool = False,
) -> dict[str, Tensor]:
    """Properties of every structure of a graph with neighbours.

    Parameters
    ----------
    want : names out of `PREDICTABLE`
    training : keep the graph of operations, so that losses on forces and stress can be
        differentiated by the parameters of the model

    Returns
    -------
    Tensors by name, float64 but for the last: energy [S], energies [A], forces [A, 3], virial
    [S, 3, 3], stress [S, 3, 3], energy_uncertainty [S], forces_uncertainty [A], extrapolations [A]
    int64, in the units of `mlip.properties`

    Raises
    ------
    ValueError
        If something else is wanted, or stress of a structure that is not periodic in all three
        directions (its volume is not defined), or derivatives in torch's inference mode, or an
        uncertainty of a model that does not know it, or extrapolations of a model that does not
        know its range, or the model does not know an element.
    """
    _check_wanted(graph, want)
    differentiate = not _DERIVATIVES.isdisjoint(want)
    if differentiate and torch.is_inference_mode_enabled():
        raise ValueError(
            "forces and stress are derivatives, which torch.inference_mode switches off: use "
            "torch.no_grad instead, or nothing"
        )
    uncertain = not set(UNCERTAINTIES).isdisjoint(want)
    with torch.set_grad_enabled(differentiate or training):
        variables = Variables.of(model, graph, training=training) if differentiate else None
        moved = variables.graph if variables else graph
        if "extrapolations" in want and not (variables or training):
            moved = model.with_features(moved)
        energies, votes = model.votes(moved) if uncertain else (model(moved), None)
        energy = _totals(energies, graph)
        result = {"energy": energy, "energies": energies}
        if votes is not None:
            totals = [_totals(vote, graph) for vote in votes]
            of_forces = variables if "forces_uncertainty" in want else None
            result |= _uncertainties(model, torch.stack(totals), of_forces)
        if variables:
            by_positions, by_strain = variables.gradients(energies)
            symmetric = torch.lerp(by_strain, by_strain.mT, 0.5)
            result["forces"] = -by_positions
            if "virial" in want:
                result["virial"] = -symmetric
            if "stress" in want:
                result["stress"] = symmetric / graph.volumes.view(-1, 1, 1)
    if "extrapolations" in want:
        result["extrapolations"] = model.extrapolations(moved)
    return {name: value if training else value.detach() for name, value in result.items()
            if name in want}  # fmt: skip


def _totals(energies: Float[Tensor, " atoms"], graph: AtomicGraph) -> Float[Tensor, " structures"]:
    """The sum over the atoms of each structure."""
    if graph.n_structures == 1:
        return energies.sum(0, keepdim=True)
    return sum_by_index(energies, graph.structure, graph.n_structures)


def _check_wanted(graph: AtomicGraph, want: Collection[str]) -> None:
    if not _PREDICTABLE.issuperset(want):
        unknown = sorted(set(want) - _PREDICTABLE)
        raise ValueError(f"cannot predict {unknown}; choose from {PREDICTABLE}")
    if "stress" in want:
        require_volumes(graph)


def require_volumes(graph: AtomicGraph) -> None:
    """Raise unless every structure has a volume, and with it a stress."""
    flat = [s for s, periodic in enumerate(graph.pbc.tolist()) if not all(periodic)]
    if not flat:
        return
    raise ValueError(
        f"stress needs three periodic directions, but structures {flat[:10]} have pbc "
        f"{graph.pbc[flat[:10]].tolist()}: a slab or a molecule has no volume. Ask for the "
        "virial instead, or set pbc to what you mean"
    )


def _uncertainties(
    model: Potential,
    totals: Float[Tensor, "votes structures"],
    of_forces: Variables | None,
) -> dict[str, Tensor]:
    """Standard deviations over votes, of total energies and, if wanted, of forces."""
    factors = {name: card.factor for name, card in model.calibration.items()}
    deviation = model.variance(totals).sqrt()
    found = {"energy_uncertainty": factors.get("energy", 1.0) * deviation}
    if of_forces:
        condensed = model.condensed(totals)
        gradients = [of_forces.gradients(total, keep=True)[0] for total in condensed]
        deviation = model.variance(torch.stack(gradients)).sum(-1).sqrt()
        found["forces_uncertainty"] = factors.get("forces", 1.0) * deviation
    return found
