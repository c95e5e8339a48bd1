"""Chebyshev descriptors on a GPU against those on the CPU.

Where there is no GPU, cpp_ext/tests/test_chebyshev_gpu.cpp runs the same code on the processor.
"""

import copy
from typing import Any, get_args

import pytest
import torch
from ase import Atoms
from conformance.descriptor import connected
from conformance.streams import on_a_busy_stream
from conformance.structures import crystal
from test_cuda_symmetry_functions import on_gpu
from test_fused_chebyshev import CONFIGS, SPECIES, STRUCTURES, arguments, described
from test_fused_symmetry_functions import assert_same, edges_of, values_and_derivatives
from torch import Tensor

from mlip import kernels
from mlip.descriptors import Chebyshev
from mlip.graph import AtomicGraph
from mlip.ops.cutoffs import IN_THE_CORE, CutoffName

_STATUS = "Chebyshev descriptors (CUDA)"
pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"{_STATUS}: {kernels.status()[_STATUS]}"
)

#: Sums in another order; derivatives of polynomials multiply the rounding of distances.
ROUNDING = {torch.float64: 1e-12, torch.float32: 5e-5}


def operands(descriptor: Chebyshev, atoms: Atoms, dtype: torch.dtype) -> tuple[Any, ...]:
    """Arguments of the operator on the CPU."""
    vectors, *edges = edges_of(descriptor, connected(descriptor, atoms))
    config = descriptor.config
    tables = (descriptor.set_weights, descriptor.legendre_to_chebyshev, config.radial_order)
    kind = IN_THE_CORE.index(config.cutoff_function)
    return (vectors.to(dtype), *edges, *tables, kind, descriptor.cutoff, config.angular_end)


def assert_same_on_gpu(
    descriptor: Chebyshev, atoms: Atoms, dtype: torch.dtype = torch.float64
) -> None:
    here = operands(descriptor, atoms, dtype)
    there, core = on_gpu(here), torch.ops.mlip
    features, found = core.chebyshev(*here), core.chebyshev(*there)
    assert found.device.type == "cuda"
    weights = torch.linspace(-1.0, 1.0, features.numel(), dtype=dtype).view_as(features)
    gradient = core.chebyshev_gradients(weights, *here)
    back = core.chebyshev_gradients(weights.cuda(), *there)
    assert_same([found.cpu(), back.cpu()], [features, gradient], ROUNDING[dtype])
    assert torch.equal(core.chebyshev(*there), found)
    assert torch.equal(core.chebyshev_gradients(weights.cuda(), *there), back)


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES.keys())
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_equal_to_the_processor(
    config: dict[str, Any], structure: Atoms, dtype: torch.dtype
) -> None:
    if dtype == torch.float32 and config.get("radial_order", 12) > 12:
        pytest.skip("derivatives of polynomials of degree 40 are lost in the rounding of distances")
    assert_same_on_gpu(described(**config), structure, dtype)


@pytest.mark.parametrize("name", get_args(CutoffName))
def test_cutoff_functions(name: str) -> None:
    assert_same_on_gpu(described(cutoff_function=name, angular_cutoff=3.3), crystal(SPECIES))


@pytest.mark.parametrize("species", [(14,), (8, 14), tuple(range(1, 80))])
def test_species(species: tuple[int, ...]) -> None:
    assert_same_on_gpu(described(species), crystal(species))


def test_many_atoms_and_many_neighbours() -> None:
    """More than there are rooms to work in, and than are treated at once."""
    assert_same_on_gpu(described(), crystal(SPECIES).repeat((7, 7, 7)))
    assert_same_on_gpu(described(cutoff=9.0), crystal(SPECIES))


def test_derivatives_through_the_descriptor() -> None:
    """First and second ones, as training on forces asks."""
    here = described()
    there = copy.deepcopy(here).to("cuda")
    edges = edges_of(here, connected(here, crystal(SPECIES)))
    expected = values_and_derivatives(here.evaluate, edges)

    def evaluate(vectors: Tensor, *atoms: Tensor) -> Tensor:
        return there.evaluate(vectors.cuda(), *on_gpu(atoms)).cpu()

    assert_same(values_and_derivatives(evaluate, edges), expected, 1e-11)


@pytest.mark.parametrize("dtype", ROUNDING)
def test_a_batch_is_its_structures(dtype: torch.dtype) -> None:
    descriptor = described().to(dtype).to("cuda")
    graphs = [connected(descriptor, atoms) for atoms in STRUCTURES.values()]
    alone = torch.cat([descriptor(graph.to("cuda")) for graph in graphs])
    together = descriptor(AtomicGraph.batch(graphs).to("cuda"))
    assert_same([together], [alone], ROUNDING[dtype])


@pytest.mark.parametrize("atoms", [Atoms(), Atoms("OSi", positions=[[0, 0, 0], [9, 0, 0]])])
def test_nothing_to_see(atoms: Atoms) -> None:
    there = on_gpu(operands(described(), atoms, torch.float64))
    features = torch.ops.mlip.chebyshev(*there)
    assert features.shape == (len(atoms), described().n_features)
    assert not features.any()
    assert torch.ops.mlip.chebyshev_gradients(features, *there).shape == (0, 3)


@pytest.mark.parametrize("place", range(6))
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    given = list(on_gpu(tuple(arguments())))
    given[place] = given[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        torch.ops.mlip.chebyshev(*given)


@pytest.mark.parametrize(
    ("place", "row", "value", "words"),
    [
        (0, 4, [float("nan"), 0.0, 1.0], "not at a finite distance"),
        (0, 4, [1e200, 0.0, 1.0], "not at a finite distance"),
        (0, 4, [0.0, 0.0, 0.0], "2 and 0 are at the same place .edge 4."),
        (1, 0, 2, "never decreases"),
        (1, -1, 3, "centres must be atoms"),
        (2, 3, -1, "a neighbour is not an atom"),
        (3, 2, 3, "atom 2 is of an unknown species"),
    ],
)
def test_errors_in_the_words_of_the_processor(place: int, row: int, value: Any, words: str) -> None:
    given = arguments()
    given[place] = given[place].clone()
    given[place][row] = torch.as_tensor(value, dtype=given[place].dtype)
    for operands in (given, on_gpu(tuple(given))):
        with pytest.raises(ValueError, match=words):
            torch.ops.mlip.chebyshev(*operands)


def test_on_the_stream_of_the_caller() -> None:
    vectors, *rest = on_gpu(operands(described(), crystal(SPECIES), torch.float64))
    expected = torch.ops.mlip.chebyshev(vectors, *rest)
    found = on_a_busy_stream(lambda late: torch.ops.mlip.chebyshev(late, *rest), vectors)
    assert torch.equal(found, expected)
