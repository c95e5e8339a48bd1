"""Second derivatives of functions whose values and first derivatives come from elsewhere."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def gradients_of_gradients(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    by_output: Tensor,
    along: Sequence[Tensor | None],
) -> tuple[Tensor, ...]:
    """Derivatives of sum(along . d(sum(by_output . function(*inputs))) / d(inputs)) by `by_output`
    and each input: what the backward pass of a gradient asks for.

    Differentiable again if gradients are recorded now.
    """
    again = torch.is_grad_enabled()
    by_output, *inputs = (
        t if again and t.requires_grad else t.detach().requires_grad_()
        for t in (by_output, *inputs)
    )
    with torch.enable_grad():
        first = _gradients([function(*inputs)], inputs, [by_output], True)
        return _gradients(first, [by_output, *inputs], along, again)


def _gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor | None],
    create_graph: bool,
) -> tuple[Tensor, ...]:
    """Of the outputs that have weights and depend on anything; zero where they do not depend on an
    input."""
    pairs = [(o, w) for o, w in zip(outputs, weights) if o.requires_grad and w is not None]
    if not pairs:
        return tuple(torch.zeros_like(x) for x in inputs)
    return torch.autograd.grad(
        [o for o, _ in pairs],
        inputs,
        [w for _, w in pairs],
        create_graph=create_graph,
        allow_unused=True,
        materialize_grads=True,
    )
