"""Optimisers by name, and their state as named tensors."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from mlip.models import Potential
from mlip.settings import Settings
from mlip.training.rotated_adam import RotatedAdam

#: How much of a moment is kept at each step.
_Memory = Annotated[float, Field(ge=0.0, lt=1.0)]


class OptimiserConfig(Settings):
    """The optimiser and its first learning rate."""

    name: Literal["adam", "adamw", "amsgrad", "rotated_adam"] = "adamw"
    """Adam (Kingma and Ba, arXiv:1412.6980), with decoupled weight decay (AdamW, Loshchilov and
    Hutter, arXiv:1711.05101), with the AMSGrad maximum (Reddi, arXiv:1904.09237), or in the
    eigenbases of its gradients (SOAP, Vyas et al., arXiv:2409.11321; nothing to do with the
    descriptor), which needs fewer epochs for the equivariant model."""
    learning_rate: float = Field(default=3e-3, gt=0.0, allow_inf_nan=False)
    """Learning rate before the schedule acts on it."""
    weight_decay: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """Pull of the weights towards zero, of those that the model lets decay."""
    betas: tuple[_Memory, _Memory] | None = None
    """Memory of the first and second moments of the gradient. Left unsaid, 0.9 and 0.999; 0.95 both
    of `rotated_adam`."""


def build_optimiser(config: OptimiserConfig, model: Potential) -> torch.optim.Optimizer:
    """The optimiser over all trainable parameters, in the model's order: first those that decay."""
    trained = [p for p in model.parameters() if p.requires_grad]
    let = {id(p) for p in model.decaying_parameters()}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if id(p) in let], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if id(p) not in let], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.name == "rotated_adam":
        return RotatedAdam(groups, config.learning_rate, config.betas or (0.95, 0.95))
    betas = config.betas or (0.9, 0.999)
    if config.name == "adamw":
        return torch.optim.AdamW(groups, config.learning_rate, betas)
    return torch.optim.Adam(groups, config.learning_rate, betas, amsgrad=config.name == "amsgrad")


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments and step counts: ``{"3.exp_avg": ...}`` for the fourth parameter."""
    state = optimiser.state_dict()["state"]
    return {f"{i}.{key}": value for i, part in state.items() for key, value in part.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the state that `optimiser_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate
