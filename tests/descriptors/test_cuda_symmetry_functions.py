"""Symmetry functions on a GPU against those on the CPU.

Where there is no GPU, cpp_ext/tests/test_symmetry_functions_gpu.cpp runs the same code on the
processor.
"""

import copy
from typing import Any, get_args

import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.structures import crystal, molecule
from test_fused_symmetry_functions import (
    ROUNDING,
    SPECIES,
    STRUCTURES,
    assert_same,
    by_element,
    edges_of,
    grids,
    same_for_all,
    values_and_derivatives,
    weighted,
)
from torch import Tensor

from mlip import kernels
from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.graph import AtomicGraph
from mlip.ops.cutoffs import LEVEL_AT_THEIR_START, CutoffName

pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(),
    reason=f"symmetry functions (CUDA): {kernels.status()['symmetry functions (CUDA)']}",
)


def on_gpu(given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.cuda() if isinstance(x, Tensor) else x for x in given)


def operands(descriptor: BehlerDescriptor, atoms: Atoms) -> tuple[Any, ...]:
    """Arguments of the operator on the CPU, but for the number of features."""
    edges = edges_of(descriptor, connected(descriptor, atoms))
    return (*edges, *descriptor.fused.tables)


def assert_same_on_gpu(descriptor: BehlerDescriptor, atoms: Atoms) -> None:
    here = operands(descriptor, atoms)
    there, n_features = on_gpu(here), descriptor.n_features
    features = torch.ops.mlip.symmetry_functions(*here, n_features)
    found = torch.ops.mlip.symmetry_functions(*there, n_features)
    assert found.device.type == "cuda"
    generator = torch.Generator().manual_seed(1)
    mix = torch.randn(features.shape, generator=generator, dtype=torch.float64)
    scale = features.double().abs().mean(dim=0).nan_to_num().clamp(min=1e-3)
    mix = (mix / scale).to(features.dtype)
    first = torch.ops.mlip.symmetry_functions_backward(mix, *here)
    back = torch.ops.mlip.symmetry_functions_backward(mix.cuda(), *there)
    assert_same([found.cpu(), back.cpu()], [features, first], ROUNDING[descriptor.dtype])
    assert torch.equal(torch.ops.mlip.symmetry_functions(*there, n_features), found)
    assert torch.equal(torch.ops.mlip.symmetry_functions_backward(mix.cuda(), *there), back)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("make", [same_for_all, weighted, by_element, grids])
def test_equal_to_the_processor(make: Any, structure: Any, dtype: torch.dtype) -> None:
    assert_same_on_gpu(make().to(dtype), structure(SPECIES))


@pytest.mark.parametrize("name", get_args(CutoffName))
def test_cutoff_functions(name: str) -> None:
    assert_same_on_gpu(same_for_all(cutoff_function=name), crystal(SPECIES))
    if name in LEVEL_AT_THEIR_START:
        assert_same_on_gpu(same_for_all(cutoff_function=name, cutoff_start=0.4), crystal(SPECIES))


def test_derivatives_through_the_descriptor() -> None:
    """First and second ones, as training on forces asks."""
    here = same_for_all()
    there = copy.deepcopy(here).to("cuda")
    graph = connected(here, crystal(SPECIES))
    edges = edges_of(here, graph)
    vectors, *atoms = on_gpu(edges)
    assert there.in_the_core(vectors, tuple(atoms)) is not None
    expected = values_and_derivatives(here.evaluate, edges)

    def evaluate(vectors: Tensor, *atoms: Tensor) -> Tensor:
        return there.evaluate(vectors.cuda(), *on_gpu(atoms)).cpu()

    assert_same(values_and_derivatives(evaluate, edges), expected, 1e-12)


@pytest.mark.parametrize("dtype", ROUNDING)
def test_a_batch_is_its_structures(dtype: torch.dtype) -> None:
    descriptor = by_element().to(dtype).to("cuda")
    graphs = [connected(descriptor, structure(SPECIES)) for structure in STRUCTURES]
    alone = torch.cat([descriptor(graph.to("cuda")) for graph in graphs])
    together = descriptor(AtomicGraph.batch(graphs).to("cuda"))
    assert_same([together], [alone], ROUNDING[dtype])


def test_many_atoms_and_many_neighbours() -> None:
    assert_same_on_gpu(same_for_all(), crystal(SPECIES).repeat((7, 7, 7)))
    assert_same_on_gpu(same_for_all(cutoff=9.0), crystal(SPECIES))


@pytest.mark.parametrize(
    "atoms", [Atoms(), Atoms("OSi", positions=[[0, 0, 0], [9, 0, 0]])], ids=["empty", "apart"]
)
def test_nothing_to_see(atoms: Atoms) -> None:
    here = operands(same_for_all(), atoms)
    n = same_for_all().n_features
    found = torch.ops.mlip.symmetry_functions(*on_gpu(here), n)
    assert torch.equal(found.cpu(), torch.zeros(len(atoms), n, dtype=torch.float64))
    back = torch.ops.mlip.symmetry_functions_backward(found, *on_gpu(here))
    assert back.shape == (0, 3)


@pytest.mark.parametrize("place", range(8))
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    given = list(on_gpu(operands(same_for_all(), molecule(SPECIES))))
    given[place] = given[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        torch.ops.mlip.symmetry_functions(*given, same_for_all().n_features)


@pytest.mark.parametrize(
    ("place", "row", "value", "words"),
    [
        (0, 4, [float("nan"), 0.0, 1.0], "not at a finite distance"),
        (0, 4, [1e200, 0.0, 1.0], "not at a finite distance"),
        (0, 4, [0.0, 1e-4, 0.0], "less than 0.001"),
        (1, 0, 5, "never decreases"),
        (1, -1, 99, "centres must be atoms"),
        (2, 3, -1, "a neighbour is not an atom"),
        (3, 2, 3, "atom 2 is of an unknown species"),
        (4, 0, -3, "kind is not 2, 4 or 5"),
    ],
)
def test_errors_in_the_words_of_the_processor(place: int, row: int, value: Any, words: str) -> None:
    given = list(operands(same_for_all(), molecule(SPECIES)))
    given[place] = given[place].clone()
    given[place][row] = torch.as_tensor(value, dtype=given[place].dtype)
    n_features = same_for_all().n_features
    with pytest.raises(ValueError, match=words) as on_cpu:
        torch.ops.mlip.symmetry_functions(*given, n_features)
    with pytest.raises(ValueError, match=words) as there:
        torch.ops.mlip.symmetry_functions(*on_gpu(tuple(given)), n_features)
    assert str(there.value) == str(on_cpu.value)
