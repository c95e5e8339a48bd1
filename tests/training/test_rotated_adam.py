"""Adam in eigenbases: what a turn of the problem does, where it is Adam itself, how it descends."""

import pytest
import torch
from torch import Tensor

from mlip.training.rotated_adam import RotatedAdam


def path(start: Tensor, gradients: list[Tensor], **settings: float) -> list[Tensor]:
    """Where the weights go under these gradients."""
    weights = start.clone().requires_grad_()
    optimiser = RotatedAdam([weights], lr=0.01, **settings)
    found = []
    for gradient in gradients:
        weights.grad = gradient.clone()
        optimiser.step()
        found.append(weights.detach().clone())
    return found


def random_gradients(*shape: int, count: int = 25) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    scales = torch.logspace(0, -2, shape[-1], dtype=torch.float64)
    return [
        torch.randn(*shape, generator=generator, dtype=torch.float64) * scales for _ in range(count)
    ]


def rotation(size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64)).Q


def test_a_turned_problem_is_solved_along_the_turned_path() -> None:
    """Which Adam does not: the bases turn with the problem."""
    start = torch.zeros(5, 4, dtype=torch.float64)
    gradients, left, right = random_gradients(5, 4), rotation(5, 1), rotation(4, 2)
    straight = path(start, gradients)
    turned = path(start, [left @ g @ right for g in gradients])
    for one, other in zip(straight, turned):
        torch.testing.assert_close(left @ one @ right, other, rtol=1e-9, atol=1e-12)


def test_stacks_are_matrices_of_their_own() -> None:
    start, gradients = torch.zeros(3, 5, 4, dtype=torch.float64), random_gradients(3, 5, 4)
    together = path(start, gradients)[-1]
    for n in range(3):
        alone = path(start[n], [g[n] for g in gradients])[-1]
        torch.testing.assert_close(together[n], alone, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("shape", [(7,), (1, 6), ()])
def test_vectors_are_moved_by_adam(shape: tuple[int, ...]) -> None:
    start = torch.ones(shape, dtype=torch.float64)
    gradients = [
        torch.as_tensor(g).reshape(shape) for g in torch.randn(12, 7).double()[:, : start.numel()]
    ]
    found = path(start, [torch.zeros_like(start), *gradients], betas=(0.9, 0.999))[-1]
    weights = start.clone().requires_grad_()
    adam = torch.optim.Adam([weights], lr=0.01, betas=(0.9, 0.999))
    for gradient in gradients:
        weights.grad = gradient.clone()
        adam.step()
    torch.testing.assert_close(found, weights.detach(), rtol=1e-10, atol=0.0)


def test_it_finds_the_bottom_of_a_narrow_valley_better_than_adam() -> None:
    """A quadratic form whose axes are turned, condition 10^4."""
    left, right = rotation(8, 3), rotation(8, 4)
    stiffness = torch.logspace(0, -4, 64, dtype=torch.float64).reshape(8, 8)

    def after(kind: type[torch.optim.Optimizer], steps: int) -> float:
        weights = (left.T @ torch.ones(8, 8, dtype=torch.float64) @ right.T).requires_grad_()
        optimiser = kind([weights], lr=0.1, betas=(0.95, 0.95))  # type: ignore[call-arg]
        for n in range(steps):
            optimiser.param_groups[0]["lr"] = 0.1 * (1.0 - n / steps)
            optimiser.zero_grad()
            loss = (stiffness * (left @ weights @ right) ** 2).sum()
            loss.backward()
            optimiser.step()
        return float(loss.detach())

    assert after(RotatedAdam, 400) < 0.1 * after(torch.optim.Adam, 400)
    assert after(RotatedAdam, 400) < 1e-8 * after(RotatedAdam, 1)


def test_a_closure_is_refused() -> None:
    weights = torch.zeros(2, 2, requires_grad=True)
    with pytest.raises(ValueError, match="closure"):
        RotatedAdam([weights], lr=0.1).step(lambda: 0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(6, 44), (44, 6), (3, 8, 8)])
def test_what_it_keeps_may_be_written_to_a_file(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Where tensors are contiguous, also of gradients that are not, as autograd leaves some."""
    gradients = [g.to(dtype).mT.contiguous().mT for g in random_gradients(*shape)]
    first = torch.zeros(shape, dtype=dtype, requires_grad=True)
    one = RotatedAdam([first], lr=0.01)
    for gradient in gradients[:12]:
        first.grad = gradient.clone()
        one.step()
    second = first.detach().clone().requires_grad_()
    other = RotatedAdam([second], lr=0.01)
    for name, kept in one.state[first].items():
        other.state[second][name] = kept.clone(memory_format=torch.contiguous_format)
    for gradient in gradients[12:]:
        first.grad, second.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    assert torch.equal(first, second)
