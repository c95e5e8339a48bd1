"""From energies of atoms to everything else: totals, forces, virial, stress. One place, one
autograd call.

    E_s = sum of the energies of the atoms of structure s                      eV, float64
    F   = -dE / d positions                                                    eV/Å
    W   = -dE / d strain, all vectors v -> v @ (1 + strain), at strain zero    eV
    stress = -W / V = dE / d strain / |det cell|                               eV/Å^3

which is ASE's sign: positive under tension.

A model that knows the range of its features in the training data counts, for each atom, those that
are outside it: `extrapolations`.

A committee has a spread besides, over its M members m:

    energy_uncertainty = sqrt( sum_m (E_m - E)^2 / (M - 1) )                   eV
    forces_uncertainty = sqrt( sum_m |F_m - F|^2 / (M - 1) )                   eV/Å, for each atom

that is, the norm of the standard deviations of the three components: no frame of reference enters.
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.ops.scatter import sum_by_index

#: What a committee can be asked for besides.
UNCERTAINTIES = ("energy_uncertainty", "forces_uncertainty")

#: What `predict` can be asked for.
PREDICTABLE = ("energy", "energies", "forces", "virial", "stress", "extrapolations",
               *UNCERTAINTIES)  # fmt: skip


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
        directions (its volume is not defined), or an uncertainty of a model that is not a
        committee of two or more, or extrapolations of a model that does not know its range, or the
        model does not know an element.
    """
    _check_wanted(model, graph, want)
    strained = not {"virial", "stress"}.isdisjoint(want)
    differentiate = strained or not {"forces", "forces_uncertainty"}.isdisjoint(want)
    uncertain = not set(UNCERTAINTIES).isdisjoint(want)
    with torch.set_grad_enabled(differentiate or training):
        positions = graph.positions.detach().requires_grad_(differentiate)
        moved = graph.replace(positions=positions)
        strain = torch.zeros_like(graph.cell).requires_grad_(strained)
        moved = moved.strained(strain) if strained else moved
        moved = model.with_features(moved) if "extrapolations" in want else moved
        members = model.member_energies(moved) if uncertain else model(moved)[None]
        energies = members.mean(0)
        energy = sum_by_index(energies, graph.structure, graph.n_structures)
        result = {"energy": energy, "energies": energies}
        if uncertain:
            result |= _spread(members, graph, positions, "forces_uncertainty" in want, training)
        if differentiate:
            forces, virial = _derivatives(energy, positions, strain, training)
            result |= {"forces": forces, "virial": virial}
        if "stress" in want:
            result["stress"] = -result["virial"] / graph.volumes[:, None, None]
    if "extrapolations" in want:
        result["extrapolations"] = model.extrapolations(moved)
    return {name: value if training else value.detach() for name, value in result.items()
            if name in want}  # fmt: skip


def _check_wanted(model: Potential, graph: AtomicGraph, want: Collection[str]) -> None:
    unknown = set(want) - set(PREDICTABLE)
    if unknown:
        raise ValueError(f"cannot predict {sorted(unknown)}; choose from {PREDICTABLE}")
    if model.n_members < 2 and not set(UNCERTAINTIES).isdisjoint(want):
        raise ValueError(
            f"a single {type(model).__name__} has no spread and so no uncertainty; make a "
            "Committee of two or more models"
        )
    if "stress" in want:
        require_volumes(graph)


def require_volumes(graph: AtomicGraph) -> None:
    """Raise unless every structure has a volume, and with it a stress."""
    flat = torch.nonzero(torch.isnan(graph.volumes)).flatten().tolist()
    if flat:
        raise ValueError(
            f"stress needs three periodic directions, but structures {flat[:10]} have pbc "
            f"{graph.pbc[flat[:10]].tolist()}: a slab or a molecule has no volume. Ask for the "
            "virial instead, or set pbc to what you mean"
        )


def _derivatives(
    energy: Float[Tensor, " structures"], positions: Tensor, strain: Tensor, training: bool
) -> tuple[Tensor, Tensor]:
    """Forces and virial. Where the energy does not depend on an input they are zero."""
    if not strain.requires_grad:
        return -_gradients(energy, [positions], training)[0], torch.zeros_like(strain)
    by_positions, by_strain = _gradients(energy, [positions, strain], training)
    return -by_positions, -0.5 * (by_strain + by_strain.transpose(1, 2))


def _spread(
    members: Float[Tensor, "members atoms"],
    graph: AtomicGraph,
    positions: Tensor,
    of_forces: bool,
    training: bool,
) -> dict[str, Tensor]:
    """Standard deviations over members, of total energies and, if wanted, of forces."""
    totals = torch.stack(
        [sum_by_index(member, graph.structure, graph.n_structures) for member in members]
    )
    spread = {"energy_uncertainty": totals.std(0)}
    if of_forces:
        gradients = torch.stack(
            [_gradients(total, [positions], training, keep=True)[0] for total in totals]
        )
        spread["forces_uncertainty"] = gradients.var(0).sum(-1).sqrt()
    return spread


def _gradients(
    energy: Float[Tensor, " structures"],
    inputs: list[Tensor],
    training: bool,
    keep: bool = False,
) -> list[Tensor]:
    """dE / d input of all structures together; `keep` what another gradient will need."""
    if energy.grad_fn is None:  # no edges at all, and no parameters to train
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(
        energy.sum(), inputs, create_graph=training, retain_graph=training or keep,
        allow_unused=True,
    )  # fmt: skip
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]
