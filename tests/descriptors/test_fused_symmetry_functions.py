"""Symmetry functions by the compiled core against the same in plain torch."""

import copy
from typing import Any, get_args

import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.structures import crystal, molecule, small_cell
from torch import Tensor

from mlip import kernels
from mlip.descriptors import (
    AngularFunction,
    Descriptor,
    RadialFunction,
    SymmetryFunctions,
    SymmetryFunctionsByElement,
    SymmetryFunctionsByElementConfig,
    SymmetryFunctionsConfig,
    WeightedSymmetryFunctions,
    WeightedSymmetryFunctionsConfig,
)
from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.graph import AtomicGraph
from mlip.ops.cutoffs import LEVEL_AT_THEIR_START, CutoffName

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

SPECIES = (8, 14, 1)
STRUCTURES = [molecule, crystal, small_cell]
RADIAL = (RadialFunction(eta=0.4), RadialFunction(eta=2.0, shift=1.7, cutoff=3.1))
ANGULAR = tuple(
    AngularFunction(type=kind, eta=eta, zeta=zeta, sign=sign, shift=shift, cutoff=cutoff)
    for kind, eta, zeta, sign, shift, cutoff in [
        ("G4", 0.03, 1, 1, 0.0, None),
        ("G4", 0.03, 1, -1, 0.0, None),
        ("G4", 0.1, 5, -1, 0.8, 3.3),
        ("G5", 0.1, 2.5, -1, 0.0, None),
        ("G5", 0.0, 16, 1, 0.5, 3.3),
        ("G4", 0.2, 2, 1, 0.0, None),
        ("G4", 0.2, 1000, 1, 0.0, None),
    ]
)
#: Rounding of sums in another order, relative to the largest feature or derivative.
ROUNDING = {torch.float64: 1e-13, torch.float32: 2e-5}


def same_for_all(**settings: Any) -> BehlerDescriptor:
    config = {"cutoff": 4.0, "radial": RADIAL, "angular": ANGULAR} | settings
    return SymmetryFunctions(SymmetryFunctionsConfig(**config), SPECIES)


def weighted() -> BehlerDescriptor:
    config = WeightedSymmetryFunctionsConfig(cutoff=4.0, radial=RADIAL, angular=ANGULAR)
    return WeightedSymmetryFunctions(config, SPECIES)


def by_element() -> BehlerDescriptor:
    angular = [f.model_dump() | {"neighbours": ("Si", "O")} for f in ANGULAR]
    radial = [f.model_dump() | {"type": "G2", "neighbour": "H"} for f in RADIAL]
    of_all = [ANGULAR[0].model_dump(), RADIAL[1].model_dump() | {"type": "G2"}]
    elements = {"H": radial, "O": of_all, "Si": angular[3:] + radial[:1] + angular[:3] + of_all}
    config = SymmetryFunctionsByElementConfig(cutoff=4.5, elements=elements)
    return SymmetryFunctionsByElement(config, SPECIES)


def grids() -> BehlerDescriptor:
    """More angular functions for each pair of species than the core groups together."""
    angular = {"widths": 5, "zetas": [1, 2, 3, 4, 8, 16, 64]}
    return SymmetryFunctions(SymmetryFunctionsConfig(cutoff=5.0, angular=angular), SPECIES)


def edges_of(descriptor: Descriptor, graph: AtomicGraph) -> tuple[Tensor, ...]:
    vectors = graph.edge_vectors().to(descriptor.dtype)
    return vectors, graph.centres, graph.neighbours, descriptor.index_of(graph.numbers)


def values_and_derivatives(evaluate: Any, edges: tuple[Tensor, ...]) -> list[Tensor]:
    """Features, their first derivatives in a random direction, alone and to be differentiated
    again, and second ones of both kinds."""
    generator = torch.Generator().manual_seed(1)
    vectors = edges[0].detach().clone().requires_grad_()
    features = evaluate(vectors, *edges[1:])
    mix = torch.randn(features.shape, generator=generator, dtype=torch.float64)
    scale = features.detach().double().abs().mean(dim=0).nan_to_num().clamp(min=1e-3)
    mix = (mix / scale).to(features.dtype)
    (alone,) = torch.autograd.grad(features, vectors, mix, retain_graph=True)
    mix.requires_grad_()
    (first,) = torch.autograd.grad(features, vectors, mix, create_graph=True)
    again = torch.randn(first.shape, generator=generator, dtype=torch.float64).to(first.dtype)
    second = torch.autograd.grad(first, (mix, vectors), again, materialize_grads=True)
    return [features.detach(), alone, first.detach(), *second]


def assert_same(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max()) if other.numel() else 1.0
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * scale)


def assert_fused_is_torch(descriptor: Any, atoms: Atoms) -> None:
    edges = edges_of(descriptor, connected(descriptor, atoms))
    found = values_and_derivatives(descriptor.evaluate, edges)
    expected = values_and_derivatives(descriptor.evaluate_in_torch, edges)
    assert_same(found, expected, ROUNDING[descriptor.dtype])


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("make", [same_for_all, weighted, by_element, grids])
def test_values_and_derivatives(make: Any, structure: Any, dtype: torch.dtype) -> None:
    assert_fused_is_torch(make().to(dtype), structure(SPECIES))


@pytest.mark.parametrize("name", get_args(CutoffName))
def test_cutoff_functions(name: str) -> None:
    assert_fused_is_torch(same_for_all(cutoff_function=name), crystal(SPECIES))
    if name in LEVEL_AT_THEIR_START:
        squeezed = same_for_all(cutoff_function=name, cutoff_start=0.4)
        assert_fused_is_torch(squeezed, crystal(SPECIES))


def test_each_feature_to_its_own_precision() -> None:
    """Small features next to large ones, which networks see on one scale."""
    descriptor = same_for_all()
    edges = edges_of(descriptor, connected(descriptor, crystal(SPECIES)))
    expected = descriptor.evaluate_in_torch(*edges)
    visible = expected.abs() > 1e-12
    error = (descriptor.evaluate(*edges) / expected - 1)[visible].abs().max()
    # the largest power, 1000, multiplies the rounding of the cosine
    assert float(error) < 1e-12


@pytest.mark.parametrize(
    "atoms",
    [
        Atoms(),
        Atoms("OSi", positions=[[0, 0, 0], [9, 0, 0]]),
        Atoms("OH", positions=[[0, 0, 0], [0, 0, 1]]),
    ],
)
def test_few_neighbours(atoms: Atoms) -> None:
    assert_fused_is_torch(same_for_all(), atoms)
    assert_fused_is_torch(by_element(), atoms)


def test_third_derivatives() -> None:
    descriptor = same_for_all()
    vectors, *atoms = edges_of(descriptor, connected(descriptor, molecule(SPECIES)))

    def third(evaluate: Any) -> Tensor:
        x = vectors.detach().clone().requires_grad_()
        value = evaluate(x, *atoms).square().sum()
        for _ in range(3):
            (slope,) = torch.autograd.grad(value, x, create_graph=True)
            value = slope.square().sum()
        return slope.detach()

    assert_same([third(descriptor.evaluate)], [third(descriptor.evaluate_in_torch)], 1e-10)


def test_the_core_is_used_and_can_be_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor, atoms = same_for_all(), molecule(SPECIES)
    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "vector_norm", None)  # what plain torch begins with
        fused = descriptor.create(atoms)
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "available", lambda: False)
        in_torch = descriptor.create(atoms)
    assert_same([torch.from_numpy(fused)], [torch.from_numpy(in_torch)], 1e-13)


def test_two_threads_change_nothing() -> None:
    descriptor = same_for_all(cutoff=6.0)
    atoms = crystal(SPECIES).repeat(3)
    edges = edges_of(descriptor, connected(descriptor, atoms))
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            vectors = edges[0].clone().requires_grad_()
            features = descriptor.evaluate(vectors, *edges[1:])
            found.append((features, *torch.autograd.grad(features.square().sum(), vectors)))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(found[0], found[1]):
        assert torch.equal(one, other)
    for one, other in zip(found[0], found[2]):
        assert torch.equal(one, other)


def test_atoms_that_are_there_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = same_for_all()
    atoms = molecule(SPECIES)
    atoms.extend(atoms[2:3])
    atoms.positions[-1] += 1e-4
    words = r"atoms 2 and \d+ are less than 0.001 Å apart"
    with pytest.raises(ValueError, match=words):
        descriptor.create(atoms)
    monkeypatch.setattr(kernels, "available", lambda: False)
    with pytest.raises(ValueError, match=words):
        descriptor.create(atoms)


def test_keeps_the_rules_of_torch_operators() -> None:
    descriptor = copy.deepcopy(by_element())
    edges = edges_of(descriptor, connected(descriptor, molecule(SPECIES)))
    gradient = torch.ones(len(edges[3]), descriptor.n_features, dtype=torch.float64)
    for operator, arguments in (
        ("symmetry_functions", (*edges, *descriptor.fused.tables, descriptor.n_features)),
        ("symmetry_functions_backward", (gradient, *edges, *descriptor.fused.tables)),
    ):
        results = torch.library.opcheck(
            getattr(torch.ops.mlip, operator).default,
            arguments,
            test_utils=("test_schema", "test_faketensor"),
        )
        assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, torch.zeros(6, 3, dtype=torch.int64), "float32 or float64"),
        (0, torch.full((6, 3), torch.nan, dtype=torch.float64), "not at a finite distance"),
        (1, torch.tensor([0, 0, 1, 1, 2, 3]), "centres must be atoms"),
        (1, torch.tensor([0, 0, 1, 1, 2, 1]), "centres must be atoms"),
        (2, torch.tensor([1, 2, 0, 2, 0, 3]), "a neighbour is not an atom"),
        (3, torch.tensor([0, 1, 3]), "atom 2 is of an unknown species"),
        (4, torch.zeros(1, 5, dtype=torch.int64), "integers has the wrong"),
        (5, torch.zeros(1, 4), "reals has the wrong"),
        (6, torch.tensor([0, 0, 3]), "the list of a species must be 0 to 2"),
        (6, torch.tensor([0, 0, 2**31 - 1]), "the list of a species must be 0 to 2"),
        (8, 9, "unknown cutoff function"),
        (9, 1.0, "cutoff_start"),
        (10, 2, "a column is not among the features"),
    ],
)
def test_arguments_that_do_not_fit_are_errors(place: int, value: Any, words: str) -> None:
    atoms = Atoms("HOSi", positions=[[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    descriptor = same_for_all()
    edges = edges_of(descriptor, connected(descriptor, atoms))
    arguments = [*edges, *descriptor.fused.tables, descriptor.n_features]
    arguments[place] = value
    with pytest.raises(ValueError, match=words):
        torch.ops.mlip.symmetry_functions(*arguments)


@pytest.mark.parametrize("number", [2**31, 2**32, -(2**32)])
@pytest.mark.parametrize("place", [1, 2, 3, 5, None])
def test_numbers_that_the_core_cannot_count_to_are_errors(number: int, place: int | None) -> None:
    """In a column of the functions' integers or, without one, among the lists of species."""
    atoms = Atoms("HOSi", positions=[[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    descriptor = same_for_all()
    integers, reals, lists, *rest = [
        x.clone() if isinstance(x, torch.Tensor) else x for x in descriptor.fused.tables
    ]
    if place is None:
        lists[0] = number
    else:
        integers[0, place] = number
    edges = edges_of(descriptor, connected(descriptor, atoms))
    with pytest.raises(ValueError, match="out of range"):
        torch.ops.mlip.symmetry_functions(*edges, integers, reals, lists, *rest, 2**33)
