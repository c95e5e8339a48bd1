"""Products with weights of elements: the compiled core against torch, and its rules."""

import pytest
import torch
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

needs_core = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
ELEMENTS = 3


def inputs(
    l_a: int, l_b: int, l_out: int, channels: int, atoms: int = 5, dtype: torch.dtype = torch.double
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """a, b, the weights of product and square, and elements."""
    generator = torch.Generator().manual_seed(l_a + 10 * l_b + 100 * l_out + channels)
    counts = (len(product_paths(l_a, l_b, l_out)), len(square_paths(l_a, l_out)))
    shapes = [((l_a + 1) ** 2, atoms), ((l_b + 1) ** 2, atoms), *((n, ELEMENTS) for n in counts)]
    tensors = [torch.randn(*s, channels, generator=generator, dtype=torch.double) for s in shapes]
    elements = torch.randint(0, ELEMENTS, (atoms,), generator=generator)
    return *(t.to(dtype).requires_grad_() for t in tensors), elements


def derivatives(out: Tensor, free: list[Tensor], every: bool = True) -> list[Tensor]:
    """The output, first derivatives, and those of a function of them."""
    generator = torch.Generator().manual_seed(0)

    def random_like(x: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=generator, dtype=torch.double).to(x.dtype)

    given = random_like(out).requires_grad_()
    first = torch.autograd.grad(out, free, given, create_graph=True)
    kept = first if every else first[:-1]  # without those by the weights, as in training on forces
    loss = sum((g * random_like(g)).sum() for g in kept)
    return [out, *first, *torch.autograd.grad(loss, [given, *free])]


def assert_alike(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = max(1e-300, float(other.detach().abs().max())) if other.numel() else 1.0
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * scale)


@needs_core
@pytest.mark.parametrize("every", [True, False], ids=["all first", "without weights"])
@pytest.mark.parametrize("channels", [1, 7, 32, 33, 64])
@pytest.mark.parametrize(("l_a", "l_b", "l_out"), [(1, 1, 1), (1, 3, 3), (3, 3, 0), (2, 1, 3)])
def test_products_and_two_derivatives(
    l_a: int, l_b: int, l_out: int, channels: int, every: bool
) -> None:
    a, b, w, _, z = inputs(l_a, l_b, l_out, channels)
    found = derivatives(node_product(a, b, w, z, l_out), [a, b, w], every)
    expected = derivatives(tensor_product(a, b, w[:, z], l_out), [a, b, w], every)
    assert_alike(found, expected, 1e-13)


@needs_core
@pytest.mark.parametrize("every", [True, False], ids=["all first", "without weights"])
@pytest.mark.parametrize("channels", [1, 33])
@pytest.mark.parametrize("l_max", [1, 2, 3, 4, 5, 6])
def test_squares_and_two_derivatives(l_max: int, channels: int, every: bool) -> None:
    a, _, _, w, z = inputs(l_max, 0, l_max, channels)
    found = derivatives(node_square(a, w, z, l_max), [a, w], every)
    expected = derivatives(tensor_square(a, w[:, z], l_max), [a, w], every)
    assert_alike(found, expected, 1e-13)


@needs_core
def test_single_precision() -> None:
    a, b, w, ws, z = inputs(3, 3, 3, 64, dtype=torch.float32)
    found = derivatives(node_product(a, b, w, z, 3), [a, b, w])
    expected = derivatives(tensor_product(a, b, w[:, z], 3), [a, b, w])
    assert all(t.dtype == torch.float32 for t in found)
    assert_alike(found, expected, 2e-6)
    found, expected = node_square(a, ws, z, 3), tensor_square(a, ws[:, z], 3)
    assert_alike([found], [expected], 2e-6)


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
def test_against_differences(core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_products.kernels, "available", lambda: core)
    a, b, w, ws, z = inputs(1, 1, 1, 2, atoms=2)
    for function, free in (
        (lambda a, b, w: node_product(a, b, w, z, 1), (a, b, w)),
        (lambda a, w: node_square(a, w, z, 1), (a, ws)),
    ):
        assert torch.autograd.gradcheck(function, free)
        assert torch.autograd.gradgradcheck(function, free)


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
def test_no_atoms(core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_products.kernels, "available", lambda: core)
    a, b, w, ws, z = inputs(2, 1, 2, 3, atoms=0)
    product, square = node_product(a, b, w, z, 2), node_square(a, ws, z, 2)
    assert product.shape == square.shape == (9, 0, 3)
    gradients = torch.autograd.grad(product.sum() + square.sum(), [a, b, w, ws])
    assert not any(bool(g.any()) for g in gradients)


@needs_core
def test_weights_that_do_not_learn_change_nothing_else() -> None:
    a, b, w, ws, z = inputs(2, 2, 2, 33)
    for free, out, fixed in (
        ([a, b], node_product(a, b, w, z, 2), node_product(a, b, w.detach(), z, 2)),
        ([a], node_square(a, ws, z, 2), node_square(a, ws.detach(), z, 2)),
    ):
        every, alone = derivatives(out, free), derivatives(fixed, free)
        assert all(torch.equal(one, other) for one, other in zip(every, alone, strict=True))


@needs_core
def test_features_need_not_be_contiguous() -> None:
    a, b, w, _, z = inputs(2, 2, 2, 4, atoms=9)
    whole = node_product(a, b, w, z, 2)
    part = node_product(a[:, 2:6], b[:, 2:6], w, z[2:6], 2)
    torch.testing.assert_close(part, whole[:, 2:6], rtol=0, atol=0)


@needs_core
def test_threads_change_nothing_but_the_last_digits_of_weights() -> None:
    a, b, w, _, z = inputs(3, 3, 3, 64, atoms=300)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = derivatives(node_product(a, b, w, z, 3), [a, b, w])
        torch.set_num_threads(2)
        two = derivatives(node_product(a, b, w, z, 3), [a, b, w])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one[k], two[k]) for k in (0, 1, 2, 4, 5, 6))
    assert_alike([two[3], two[7]], [one[3], one[7]], 1e-13)


@needs_core
@pytest.mark.parametrize("bad", [-1, ELEMENTS])
def test_unknown_elements_are_an_error(bad: int) -> None:
    a, b, w, _, z = inputs(1, 1, 1, 2)
    z[1] = bad
    with pytest.raises(ValueError, match="atom 1 is of element"):
        node_product(a, b, w, z, 1)


@needs_core
def test_tensors_that_do_not_fit_are_errors() -> None:
    a, b, w, _, z = inputs(1, 1, 1, 2)
    terms = node_products._Call(z, product_paths(1, 1, 1), False).operands(a.dtype)
    operator = torch.ops.mlip.node_product
    with pytest.raises(ValueError, match="b has the wrong shape"):
        operator(a, b[:, :3], w, *terms)
    with pytest.raises(ValueError, match="weights has the wrong shape"):
        operator(a, b, w[..., :1], *terms)
    with pytest.raises(ValueError, match="n_out is out of range"):
        operator(a, b, w, *terms[:-1], 2**32 + terms[-1])


@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_core), False])
def test_third_derivatives_against_differences(core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_products.kernels, "available", lambda: core)
    a, b, w, ws, z = inputs(1, 1, 1, 1, atoms=1)

    def slopes_of_product(*free: Tensor) -> tuple[Tensor, ...]:
        product = node_product(*free, z, 1)
        return torch.autograd.grad(product.pow(2).sum(), free, create_graph=True)

    def slopes_of_square(*free: Tensor) -> tuple[Tensor, ...]:
        square = node_square(*free, z, 1)
        return torch.autograd.grad(square.pow(2).sum(), free, create_graph=True)

    assert torch.autograd.gradgradcheck(slopes_of_product, (a, b, w))
    assert torch.autograd.gradgradcheck(slopes_of_square, (a, ws))


@needs_core
def test_rules_of_torch_operators() -> None:
    a, b, w, ws, z = (t.detach() for t in inputs(2, 2, 2, 3))
    for second, weights, square in ((b, w, False), (None, ws, True)):
        paths = square_paths(2, 2) if square else product_paths(2, 2, 2)
        call = (a, second, weights, *node_products._Call(z, paths, square).operands(a.dtype))
        ops = torch.ops.mlip
        for operator, arguments in (
            (ops.node_product, call),
            (ops.node_product_gradients, (a, *call, True)),
            (ops.node_product_gradients, (a, *call, False)),
            (ops.node_product_second, (a, second, weights, a, *call)),
            (ops.node_product_second, (a, second, None, a, *call)),
        ):
            results = torch.library.opcheck(
                operator.default, arguments, test_utils=("test_schema", "test_faketensor")
            )
            assert set(results.values()) == {"SUCCESS"}
