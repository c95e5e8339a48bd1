"""Functions whose values and first derivatives are compiled, for torch's autograd."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


@dataclass(frozen=True)
class CompiledFunction:
    """A function of tensors, differentiable by all of them as often as one likes. Nothing but its
    inputs is kept for the backward pass.

    First derivatives that are to be differentiated again are those of the reference, so that of the
    second ones autograd computes what is asked for and nothing else: training on forces wants those
    by parameters, not those by positions.

    Attributes
    ----------
    values : inputs -> result
    gradients : (derivative of a number by the result, *inputs) -> its derivatives by the inputs
    reference : inputs -> result in differentiable torch
    """

    values: Callable[..., Tensor]
    gradients: Callable[..., tuple[Tensor, ...]]
    reference: Callable[..., Tensor]

    def __call__(self, *inputs: Tensor) -> Tensor:
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)):
            return self.values(*inputs)
        result: Tensor = _Values.apply(*inputs, self)
        return result

    def with_pull_back(self, *inputs: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The result without graph of operations, and what brings the derivative of a number by it
        to that by the first of the inputs, as often as one likes. In less time than by autograd."""
        fixed = [tensor.detach() for tensor in inputs]
        return self.values(*fixed), lambda by_result: self.gradients(by_result, *fixed)[0]


class _Values(Function):
    # A setup_context of its own would make each call look up the signature of `forward`.
    @staticmethod
    def forward(ctx: Any, *inputs_and_function: Any) -> Tensor:
        *inputs, ctx.call = inputs_and_function
        ctx.save_for_backward(*inputs)
        values: Tensor = ctx.call.values(*inputs)
        return values

    @staticmethod
    def backward(ctx: Any, by_result: Tensor) -> tuple[Tensor | None, ...]:
        inputs, function = ctx.saved_tensors, ctx.call
        if torch.is_grad_enabled():
            return *_differentiable_gradients(function.reference, inputs, by_result), None
        return *function.gradients(by_result, *inputs), None


def differentiable_second(
    reference: Callable[..., Tensor],
    inputs: tuple[Tensor, ...],
    by_result: Tensor,
    along: tuple[Tensor | None, ...],
) -> list[Tensor | None]:
    """For functions that know compiled second derivatives: these in torch, to be differentiated
    again.

    Parameters
    ----------
    reference : inputs -> result in differentiable torch
    by_result : derivative of a number by the result
    along : derivatives of another number by those of the first by the inputs

    Returns
    -------
    Derivatives of the other number by `by_result` and by the inputs.
    """
    free = [t.view_as(t) for t in (by_result, *inputs)]
    gradients = _differentiable_gradients(reference, tuple(free[1:]), free[0])
    pairs = [(g, a) for g, a in zip(gradients, along) if g is not None and a is not None]
    total = sum(((g * a).sum() for g, a in pairs), start=by_result.new_zeros(()))
    if not total.requires_grad:
        return [torch.zeros_like(t) for t in free]
    return _wanted_gradients(total, free, None)


def _differentiable_gradients(
    reference: Callable[..., Tensor], inputs: tuple[Tensor, ...], by_result: Tensor
) -> list[Tensor | None]:
    # As variables of their own: the derivative by the result may itself depend on the inputs.
    free = [t.view_as(t) for t in inputs]
    result = reference(*free)
    if not result.requires_grad:  # of inputs without elements it may depend on none of them
        return [torch.zeros_like(t) for t in inputs]
    return _wanted_gradients(result, free, by_result)


def _wanted_gradients(
    result: Tensor, free: list[Tensor], by_result: Tensor | None
) -> list[Tensor | None]:
    wanted = [t for t in free if t.requires_grad]
    found = iter(
        torch.autograd.grad(result, wanted, by_result, create_graph=True, materialize_grads=True)
    )
    return [next(found) if t.requires_grad else None for t in free]
