"""The suite for potentials notices what is wrong: one broken relative of the toy for each law."""

from collections.abc import Callable

import pytest
import torch
from conformance.potential import PotentialConformance
from conformance.structures import crystal, molecule
from jaxtyping import Float
from torch import Tensor
from toy import Toy, toy

from mlip.graph import AtomicGraph

Suite = PotentialConformance
Edges = Float[Tensor, "edges 3"]


class Flattened(Toy):
    """Sees less of x than of y and z."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        return super().energies(graph, vectors * vectors.new_tensor([0.9, 1.0, 1.0]))


class Placed(Toy):
    """Knows where the origin is."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        field = 0.01 * torch.sin(graph.positions.sum(1))
        return super().energies(graph, vectors) + field


class Handed(Toy):
    """Tells a structure from its mirror image."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        triple = torch.linalg.cross(vectors, vectors.roll(1, 0)) * vectors.roll(2, 0)
        energies = super().energies(graph, vectors)
        return energies + 1e-3 * triple.sum() / max(1, graph.n_atoms)


class Shaken(Toy):
    """Forces that belong to another energy."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        energies = super().energies(graph, vectors)
        return energies + 0.1 * (energies.detach() - energies)


class Stiff(Toy):
    """The cell does not take part in the strain."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        still = graph.replace(cell=graph.cell.detach())
        return super().energies(still, still.edge_vectors())


class Cosine(Toy):
    """The customary cutoff, whose second derivative jumps."""

    def cut(self, distance: Tensor) -> Tensor:
        return 0.5 * (torch.cos(torch.pi * (distance / self.cutoff).clamp(max=1.0)) + 1.0)


class Sociable(Toy):
    """Energies depend on what else is in the batch."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        energies = super().energies(graph, vectors)
        return energies + 1e-3 * graph.n_structures * energies


class Coarse(Toy):
    """Computes in float32 whatever was asked."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        return super().energies(graph, vectors.float()).to(self.dtype)


class Cheap(Coarse):
    """And says so."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        return super().energies(graph, vectors).float()


class Moody(Toy):
    """Does something else while it is trained."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        return super().energies(graph, vectors) * (1.01 if self.training else 1.0)


class Noisy(Toy):
    """Draws random numbers."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        return super().energies(graph, vectors) + 0.0 * torch.randn(())


class Unteachable(Toy):
    """Forces that do not know the parameters."""

    def energies(self, graph: AtomicGraph, vectors: Edges) -> Tensor:
        depth = self.depth
        try:
            self.depth = torch.nn.Parameter(depth.detach().clone())
            return super().energies(graph, vectors) + 0.0 * depth
        finally:
            self.depth = depth


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Flattened, lambda suite, model: suite.test_turned(model, molecule, False)),
        (Handed, lambda suite, model: suite.test_turned(model, molecule, True)),
        (Placed, lambda suite, model: suite.test_translated_by_a_thousand_angstrom(
            model, molecule)),
        (Placed, lambda suite, model: suite.test_wrapped_or_not(model, crystal)),
        (Handed, lambda suite, model: suite.test_permuted(model, crystal)),
        (Shaken, lambda suite, model: suite.test_forces_are_derivatives(model, (False,) * 3)),
        (Stiff, lambda suite, model: suite.test_virial_is_a_derivative(model, (True, False, True))),
        (Cosine, lambda suite, model: suite.test_smooth_across_the_cutoff(model)),
        (Sociable, lambda suite, model: suite.test_batch_is_each_alone(model)),
        (Placed, lambda suite, model: suite.test_forces_add_up_to_zero(model)),
        (Coarse, lambda suite, model: suite.test_forces_are_derivatives(model, (True,) * 3)),
        (Cheap, lambda suite, model: suite.test_precision_asked_is_precision_used(
            model, torch.float64)),
        (Moody, lambda suite, model: suite.test_training_mode_changes_nothing(model)),
        (Noisy, lambda suite, model: suite.test_inputs_and_global_state_are_left_alone(model)),
        (Unteachable, lambda suite, model: suite.test_parameters_can_be_trained_on_forces(model)),
    ],
)  # fmt: skip
def test_what_is_broken_fails(kind: type[Toy], check: Callable[[Suite, Toy], None]) -> None:
    check(Suite(), toy(Suite.species))  # the healthy toy passes
    with pytest.raises(AssertionError):
        check(Suite(), toy(Suite.species, kind))
