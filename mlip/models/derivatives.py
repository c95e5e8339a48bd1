"""From energies of atoms to everything else: totals, forces, virial, stress. One place, one
autograd call.

    E_s = sum of the energies of the atoms of structure s                      eV, float64
    F   = -dE / d positions                                                    eV/Å
    W   = -dE / d strain, all vectors v -> v @ (1 + strain), at strain zero    eV
    stress = -W / V = dE / d strain / |det cell|                               eV/Å^3

which is ASE's sign: positive under tension.
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.ops.scatter import sum_by_index

#: What `predict` can be asked for.
PREDICTABLE = ("energy", "energies", "forces", "virial", "stress")


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
    float64 tensors by name: energy [S], energies [A], forces [A, 3], virial [S, 3, 3] and
    stress [S, 3, 3], in the units of `mlip.properties`

    Raises
    ------
    ValueError
        If something else is wanted, or stress of a structure that is not periodic in all three
        directions (its volume is not defined), or the model does not know an element.
    """
    unknown = set(want) - set(PREDICTABLE)
    if unknown:
        raise ValueError(f"cannot predict {sorted(unknown)}; choose from {PREDICTABLE}")
    if "stress" in want:
        require_volumes(graph)
    strained = not {"virial", "stress"}.isdisjoint(want)
    differentiate = strained or "forces" in want
    with torch.set_grad_enabled(differentiate or training):
        positions = graph.positions.detach().requires_grad_(differentiate)
        moved = graph.replace(positions=positions)
        strain = torch.zeros_like(graph.cell).requires_grad_(strained)
        energies = model(moved.strained(strain) if strained else moved)
        energy = sum_by_index(energies, graph.structure, graph.n_structures)
        result = {"energy": energy, "energies": energies}
        if differentiate:
            forces, virial = _derivatives(energy, positions, strain, training)
            result |= {"forces": forces, "virial": virial}
        if "stress" in want:
            result["stress"] = -result["virial"] / graph.volumes[:, None, None]
    return {name: value if training else value.detach() for name, value in result.items()
            if name in want}  # fmt: skip


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
    inputs = [x for x in (positions, strain) if x.requires_grad]
    if energy.grad_fn is None:  # no edges at all, and no parameters to train
        return torch.zeros_like(positions), torch.zeros_like(strain)
    found = torch.autograd.grad(energy.sum(), inputs, create_graph=training, allow_unused=True)
    gradients = [
        torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)
    ]
    forces = -gradients[0]
    if not strain.requires_grad:
        return forces, torch.zeros_like(strain)
    virial = -0.5 * (gradients[1] + gradients[1].transpose(1, 2))
    return forces, virial
