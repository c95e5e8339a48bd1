"""Products on a GPU against those on the CPU, and against torch on the GPU.

Where there is no GPU, cpp_ext/tests/test_products_gpu.cpp runs the same code on the processor.
"""

from typing import Any

import pytest
import torch
from test_cuda_neighbour_sums import (
    TOLERANCES,
    far_apart,
    on_gpu,
    random_like,
)
from test_node_products import ELEMENTS, inputs
from torch import Tensor

from mlip import kernels
from mlip.ops import node_products
from mlip.ops.node_products import node_product, node_square
from mlip.ops.tensor_product import (
    product_paths,
    square_paths,
    tensor_product,
    tensor_square,
)

_STATUS = "equivariant messages (CUDA)"
pytestmark = pytest.mark.skipif(
    not kernels.cuda_available(), reason=f"{_STATUS}: {kernels.status()[_STATUS]}"
)


def calls(
    l_a: int, l_b: int, l_out: int, channels: int, atoms: int, dtype: torch.dtype, square: bool
) -> list[tuple[str, tuple[Any, ...]]]:
    """Operators and their arguments on the CPU."""
    a, b, weights, of_square, elements = inputs(l_a, l_b, l_out, channels, atoms, dtype)
    a, b, weights = a.detach(), b.detach(), (of_square if square else weights).detach()
    paths = square_paths(l_a, l_out) if square else product_paths(l_a, l_b, l_out)
    call = (a, None if square else b, weights)
    call += node_products._Call(elements, paths, square).operands(dtype)
    by_out = random_like(torch.ops.mlip.node_product(*call))
    along = tuple(None if t is None else random_like(t) for t in call[:3])
    return [
        ("node_product", call),
        ("node_product_gradients", (by_out, *call, True)),
        ("node_product_gradients", (by_out, *call, False)),
        ("node_product_second", (*along, by_out, *call)),
        ("node_product_second", (*along[:2], None, by_out, *call)),
    ]


def moved(call: tuple[Any, ...]) -> tuple[Any, ...]:
    """To the GPU, but for the terms and their factors."""
    *others, terms, factors, n_out = call
    return (*on_gpu(tuple(others)), terms, factors, n_out)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("atoms", [0, 1, 5, 300])
@pytest.mark.parametrize("channels", [1, 31, 32, 33, 64])
@pytest.mark.parametrize("square", [True, False])
def test_equal_to_the_processor(
    square: bool, channels: int, atoms: int, dtype: torch.dtype
) -> None:
    for name, here in calls(3, 2, 3, channels, atoms, dtype, square):
        wanted = here[-1:] if name == "node_product_gradients" else ()
        call = here[: len(here) - len(wanted)]
        operator = getattr(torch.ops.mlip, name)
        expected = operator(*here)
        found, again = (operator(*moved(call), *wanted) for _ in range(2))
        if isinstance(found, Tensor):
            expected, found, again = (expected,), (found,), (again,)
        for by_cpu, by_gpu, once_more in zip(expected, found, again, strict=True):
            assert by_gpu.device.type == "cuda"
            assert far_apart(by_gpu, by_cpu) < TOLERANCES[dtype]
            assert torch.equal(by_gpu, once_more)


@pytest.mark.parametrize("square", [True, False])
def test_two_derivatives_against_torch(square: bool) -> None:
    """Through torch's tape, as training on forces asks."""
    a, b, weights, of_square, z = inputs(3, 3, 3, 64)
    z, found = z.cuda(), []
    for compiled in (True, False):
        free = [t.detach().cuda().requires_grad_() for t in (a, of_square if square else weights)]
        if not square:
            free.insert(1, b.detach().cuda().requires_grad_())
        if compiled:
            out = node_square(*free, z, 3) if square else node_product(*free, z, 3)
        else:
            w = free[-1][:, z]
            out = tensor_square(free[0], w, 3) if square else tensor_product(*free[:2], w, 3)
        given = random_like(out.cpu()).cuda().requires_grad_()
        first = torch.autograd.grad(out, free, given, create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [given, *free])
        found.append([t.detach().cpu() for t in (out, *first, *second)])
    for by_core, in_torch in zip(*found, strict=True):
        assert far_apart(by_core, in_torch) < 1e-12


@pytest.mark.parametrize("bad", [-1, ELEMENTS])
def test_errors_in_the_words_of_the_processor(bad: int) -> None:
    (_, call), *_ = calls(1, 1, 1, 2, 40, torch.double, False)
    call[3][21] = call[3][33] = bad
    with pytest.raises(ValueError, match="atom 21 is of element") as on_cpu:
        torch.ops.mlip.node_product(*call)
    with pytest.raises(ValueError, match="atom 21 is of element") as there:
        torch.ops.mlip.node_product(*moved(call))
    assert str(there.value) == str(on_cpu.value)


@pytest.mark.parametrize("place", range(4))
def test_tensors_on_another_device_are_an_error(place: int) -> None:
    (_, call), *_ = calls(1, 1, 1, 2, 5, torch.double, False)
    given = list(moved(call))
    given[place] = given[place].cpu()
    with pytest.raises(ValueError, match="not on the"):
        torch.ops.mlip.node_product(*given)


def test_terms_are_read_on_the_cpu() -> None:
    (_, call), *_ = calls(1, 1, 1, 2, 5, torch.double, False)
    with pytest.raises(ValueError, match="not on the CPU"):
        torch.ops.mlip.node_product(*on_gpu(call))
