"""Modules whose numbers stay float64, whatever precision the model around them is cast to."""

from collections.abc import Callable

from torch import Tensor, nn


class ExactModule(nn.Module):
    """A module with float64 buffers and no parameters: it follows a model to another device, but
    not to a lower precision, where reference energies of thousands of eV would lose their digits.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "ExactModule":  # noqa: ARG002
        for name, exact in list(self._buffers.items()):
            if exact is not None:
                self._buffers[name] = exact.to(fn(exact).device)
        return self
