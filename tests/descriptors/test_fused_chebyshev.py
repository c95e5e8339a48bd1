"""Chebyshev descriptors by the compiled core against the same in plain torch."""

import copy
from typing import Any, get_args

import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.structures import crystal, molecule, small_cell, triclinic
from test_fused_soap import poles
from test_fused_symmetry_functions import assert_same, edges_of
from torch import Tensor

from mlip import kernels
from mlip.descriptors import Chebyshev, ChebyshevConfig
from mlip.ops.cutoffs import CutoffName

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

SPECIES = (1, 8, 14)
CONFIGS: dict[str, dict[str, Any]] = {
    "default": {},
    "shorter angles": {"cutoff": 5.0, "angular_cutoff": 3.1},
    "smallest": {"radial_order": 0, "angular_order": 0},
    "largest": {"radial_order": 40, "angular_order": 12},
    "more angles than distances": {"radial_order": 2, "angular_order": 11},
}
STRUCTURES = {
    "crystal": crystal(SPECIES),
    "molecule": molecule(SPECIES),
    "small cell": small_cell(SPECIES),
    "slab": triclinic(SPECIES, (True, True, False)),
    "poles": poles(SPECIES),
    "pair": Atoms("OH", positions=[[0, 0, 0], [0, 0, 1]]),
}


def described(species: tuple[int, ...] = SPECIES, **settings: Any) -> Chebyshev:
    return Chebyshev(ChebyshevConfig(**({"cutoff": 4.0} | settings)), species)


def by_both(descriptor: Chebyshev, edges: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
    """Features, their gradient in some direction, and the derivative of its square."""
    found = []
    for evaluate in (descriptor.evaluate, descriptor.evaluate_in_torch):
        vectors = edges[0].clone().requires_grad_()
        features = evaluate(vectors, *edges[1:])
        weights = torch.linspace(-1.0, 1.0, features.numel(), dtype=features.dtype)
        arguments = (features, vectors, weights.view_as(features))
        (gradient,) = torch.autograd.grad(*arguments, retain_graph=True)
        (again,) = torch.autograd.grad(*arguments, create_graph=True)
        square = again.square().sum()
        (second,) = torch.autograd.grad(square, vectors, materialize_grads=True)
        found.append((features.detach(), gradient, second))
    return found


def assert_compiled_is_torch(descriptor: Chebyshev, atoms: Atoms) -> None:
    """To the rounding of sums in another order, relative to the largest of each."""
    compiled, in_torch = by_both(descriptor, edges_of(descriptor, connected(descriptor, atoms)))
    assert_same(compiled, in_torch, 1e-12)


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES.keys())
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_values_and_derivatives(config: dict[str, Any], structure: Atoms) -> None:
    assert_compiled_is_torch(described(**config), structure)


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_single_precision(structure: Atoms) -> None:
    """Derivatives of polynomials of degree 12 multiply the rounding of distances."""
    descriptor = described()
    vectors, *atoms = edges_of(descriptor, connected(descriptor, structure))
    _, expected = by_both(descriptor, (vectors, *atoms))
    found, _ = by_both(descriptor, (vectors.float(), *atoms))
    assert all(t.dtype == torch.float32 for t in found)
    assert_same([t.double() for t in found[:2]], expected[:2], 2e-5)


@pytest.mark.parametrize("atoms", [Atoms(), Atoms("OSi", positions=[[0, 0, 0], [9, 0, 0]])])
def test_without_neighbours(atoms: Atoms) -> None:
    descriptor = described()
    vectors, *others = edges_of(descriptor, connected(descriptor, atoms))
    vectors.requires_grad_()
    features = descriptor.evaluate(vectors, *others)
    assert features.shape == (len(atoms), descriptor.n_features)
    assert not features.any()
    for again in (False, True):
        found = torch.autograd.grad(features.sum(), vectors, retain_graph=True, create_graph=again)
        assert found[0].shape == (0, 3)


@pytest.mark.parametrize("name", get_args(CutoffName))
def test_cutoff_functions(name: str) -> None:
    settings = {"cutoff_function": name, "angular_cutoff": 3.3}
    assert_compiled_is_torch(described(**settings), crystal(SPECIES))


@pytest.mark.parametrize("species", [(14,), (8, 14), (1, 6, 8, 14), tuple(range(1, 80))])
def test_species(species: tuple[int, ...]) -> None:
    assert_compiled_is_torch(described(species), crystal(species))


def test_derivatives_by_differences() -> None:
    descriptor = described(radial_order=3, angular_order=2, angular_cutoff=3.0)
    vectors, *atoms = edges_of(descriptor, connected(descriptor, molecule(SPECIES)))
    mix = torch.linspace(-1.0, 1.0, 3 * descriptor.n_features, dtype=torch.float64)
    mix = mix.reshape(descriptor.n_features, 3)

    def mixed(vectors: Tensor) -> Tensor:
        return descriptor.evaluate(vectors, *atoms) @ mix

    free = vectors.detach().requires_grad_()
    assert torch.autograd.gradcheck(mixed, (free,))
    assert torch.autograd.gradgradcheck(mixed, (free,), fast_mode=True, atol=1e-4)


def test_the_core_is_used_and_can_be_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor, atoms = described(), molecule(SPECIES)
    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "vector_norm", None)  # what plain torch begins with
        compiled = descriptor.create(atoms)
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "available", lambda: False)
        in_torch = descriptor.create(atoms)
    assert_same([torch.from_numpy(compiled)], [torch.from_numpy(in_torch)], 1e-12)


def test_threads_change_nothing() -> None:
    descriptor = described(cutoff=5.0)
    edges = edges_of(descriptor, connected(descriptor, crystal(SPECIES).repeat((5, 4, 4))))
    assert len(edges[0]) > 15000  # enough for three threads to be worth it
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            vectors = edges[0].clone().requires_grad_()
            features = descriptor.evaluate(vectors, *edges[1:])
            found.append((features, *torch.autograd.grad(features.square().sum(), vectors)))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other))


# -------------------------------------------------------------------------- as an operator of torch


def arguments(**settings: Any) -> list[Any]:
    descriptor = described(**settings)
    atoms = Atoms("HOSi", positions=[[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    edges = edges_of(descriptor, connected(descriptor, atoms))
    tables = (descriptor.set_weights, descriptor.legendre_to_chebyshev)
    return [*edges, *tables, descriptor.config.radial_order, 6, 4.0, 3.5]


def test_keeps_the_rules_of_torch_operators() -> None:
    given = arguments()
    gradient = torch.ops.mlip.chebyshev(*given)
    for operator, all_arguments in (
        ("chebyshev", given),
        ("chebyshev_gradients", (gradient, *given)),
    ):
        results = torch.library.opcheck(
            getattr(torch.ops.mlip, operator).default,
            tuple(all_arguments),
            test_utils=("test_schema", "test_faketensor"),
        )
        assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, torch.zeros(6, 3, dtype=torch.int64), "float32 or float64"),
        (0, torch.zeros(6, 2, dtype=torch.float64), "vectors has the wrong"),
        (0, torch.full((6, 3), torch.nan, dtype=torch.float64), "not at a finite distance"),
        (0, torch.zeros(6, 3, dtype=torch.float64), "0 and 1 are at the same place .edge 0."),
        (1, torch.tensor([0, 0, 1, 1, 2, 3]), "centres must be atoms"),
        (1, torch.tensor([0, 0, 1, 1, 2, 1]), "centres must be atoms"),
        (1, torch.tensor([-1, 0, 1, 1, 2, 2]), "centres must be atoms"),
        (2, torch.tensor([1, 2, 0, 2, 0, 3]), "a neighbour is not an atom"),
        (3, torch.tensor([0, 1, 3]), "atom 2 is of an unknown species"),
        (4, torch.zeros(2, 3), "weights has the wrong"),
        (5, torch.zeros(3, 4, dtype=torch.float64), "legendre has the wrong"),
        (5, torch.zeros(14, 14, dtype=torch.float64), "angular_order must be 0 to 12"),
        (5, torch.zeros(0, 0, dtype=torch.float64), "angular_order must be 0 to 12"),
        (6, -1, "radial_order is out of range"),
        (6, 2**40, "radial_order is out of range"),
        (7, 9, "unknown cutoff function"),
        (8, torch.inf, "cutoffs must be positive"),
        (8, 3.0, "cutoffs must be positive"),
        (9, 0.0, "cutoffs must be positive"),
        (9, torch.nan, "cutoffs must be positive"),
    ],
)
def test_arguments_that_do_not_fit_are_errors(place: int, value: Any, words: str) -> None:
    given = arguments()
    given[place] = value
    with pytest.raises(ValueError, match=words):
        torch.ops.mlip.chebyshev(*given)


def test_a_gradient_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="by_features has the wrong"):
        torch.ops.mlip.chebyshev_gradients(torch.zeros(3, 43, dtype=torch.float64), *arguments())


def test_exports() -> None:
    class Energy(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.descriptor = described()

        def forward(self, vectors: Tensor, *edges: Tensor) -> Tensor:
            return self.descriptor.evaluate(vectors, *edges).square().sum()

    model, given = Energy(), tuple(arguments()[:4])
    assert torch.equal(torch.export.export(model, given).module()(*given), model(*given))


def test_copies_and_casts_are_independent() -> None:
    descriptor = described()
    features = descriptor.create(crystal(SPECIES))
    assert copy.deepcopy(descriptor).float().create(crystal(SPECIES)).dtype == "float32"
    assert (descriptor.create(crystal(SPECIES)) == features).all()
