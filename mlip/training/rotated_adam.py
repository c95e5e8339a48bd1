"""Adam in a basis of its own for every matrix of weights.

Gradients of a matrix W are correlated between its rows and between its columns. Adam, which
scales each entry by itself, does not see that. Here the sums G G^T and G^T G of past gradients are
kept, as Shampoo does (V. Gupta, T. Koren and Y. Singer, arXiv:1802.09568), and Adam runs in their
eigenbases Q_L and Q_R:

    G' = Q_L^T G Q_R        W -= rate * Q_L ( mean(G') / sqrt(mean(G'^2)) ) Q_R^T

The bases follow the sums by a step of orthogonal iteration every now and then (N. Vyas et al.,
SOAP: Improving and Stabilizing Shampoo using Adam, arXiv:2409.11321).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

#: Steps between two corrections of the bases.
_EVERY = 10

#: Longest side of a matrix that is rotated: the work grows with its third power.
_LONGEST = 256

#: Added to root mean squares of gradients.
_EPSILON = 1e-8


class RotatedAdam(torch.optim.Optimizer):
    """Adam in the eigenbases of the gradients' second moments, with decoupled weight decay.

    Tensors of more than two dimensions are stacks of matrices, each with bases of its own; vectors,
    and the sides of a matrix that are longer than 256, are not rotated. The first step
    finds the first bases; nothing moves but by decay.

    Parameters
    ----------
    params : parameters, or groups of them
    lr : learning rate
    betas : memory of the mean of the gradient, and of its squares
    weight_decay : pull towards zero, times the learning rate
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        betas: tuple[float, float] = (0.95, 0.95),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step with the gradients that the parameters have."""
        if closure is not None:
            raise ValueError("this optimiser takes no closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, memory = self.state[parameter], group["betas"][1]
        gradient = parameter.grad.reshape(_as_matrices(parameter))  # type: ignore[union-attr]
        if group["weight_decay"]:
            parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        if not state:
            _begin(state, gradient, memory)
            return
        state["step"] += 1
        direction = _direction(state, gradient, group["betas"])
        parameter.add_(direction.reshape(parameter.shape), alpha=-group["lr"])
        for side in _sides(state):
            state[side].lerp_(_moments(gradient, side), 1.0 - memory)
        if int(state["step"]) % _EVERY == 0:
            for side in _sides(state):
                _follow(state, side)


def _as_matrices(parameter: Tensor) -> tuple[int, int, int]:
    """How many matrices of how many rows and columns a parameter is."""
    *stack, rows, columns = (1, 1, *parameter.shape)[-max(parameter.ndim, 2) :]
    return int(torch.Size(stack).numel()), rows, columns


def _begin(state: dict[str, Tensor], gradient: Tensor, memory: float) -> None:
    """The first bases. All that is kept lies in memory as it does when it is read from a file:
    products are rounded otherwise where it does not."""
    state["step"] = torch.zeros((), dtype=torch.float32)
    for name in ("mean", "squares"):
        state[name] = torch.zeros_like(gradient, memory_format=torch.contiguous_format)
    for side, length in zip(("rows", "columns"), gradient.shape[1:]):
        if min(gradient.shape[1:]) > 1 and length <= _LONGEST:
            state[side] = (1.0 - memory) * _moments(gradient, side)
            basis = torch.linalg.eigh(state[side].double()).eigenvectors
            state[f"{side} basis"] = basis.flip(-1).to(gradient.dtype).contiguous()


def _sides(state: dict[str, Tensor]) -> list[str]:
    return [side for side in ("rows", "columns") if side in state]


def _moments(gradient: Tensor, side: str) -> Tensor:
    """G G^T or G^T G."""
    return gradient @ gradient.mT if side == "rows" else gradient.mT @ gradient


def _direction(state: dict[str, Tensor], gradient: Tensor, betas: tuple[float, float]) -> Tensor:
    """Where Adam goes in the rotated space, rotated back."""
    step = int(state["step"])
    turned = _turned(state, gradient)
    state["mean"].lerp_(turned, 1.0 - betas[0])
    state["squares"].lerp_(turned * turned, 1.0 - betas[1])
    size = (state["squares"] / (1.0 - betas[1] ** step)).sqrt() + _EPSILON
    return _turned(state, state["mean"] / (1.0 - betas[0] ** step) / size, back=True)


def _turned(state: dict[str, Tensor], matrices: Tensor, back: bool = False) -> Tensor:
    """Into the eigenbases, or back."""
    if "rows" in state:
        basis = state["rows basis"]
        matrices = (basis if back else basis.mT) @ matrices
    if "columns" in state:
        basis = state["columns basis"]
        matrices = matrices @ (basis.mT if back else basis)
    return matrices


def _follow(state: dict[str, Tensor], side: str) -> None:
    """One step of orthogonal iteration, the largest eigenvalues first. The mean stays where it is
    in space, the squares keep to their eigenvectors."""
    moments, basis = state[side], state[f"{side} basis"]
    turned = moments @ basis
    order = (basis * turned).sum(1).argsort(1, descending=True)
    new = torch.linalg.qr(turned.gather(2, order[:, None, :].expand_as(turned))).Q.contiguous()
    squares, mean = state["squares"], state["mean"]
    along = order[:, :, None] if side == "rows" else order[:, None, :]
    squares.copy_(squares.gather(1 if side == "rows" else 2, along.expand_as(squares)))
    mean.copy_(new.mT @ (basis @ mean) if side == "rows" else (mean @ basis.mT) @ new)
    state[f"{side} basis"] = new
