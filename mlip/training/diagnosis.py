"""What led to a step that failed, in words."""

import math

#: A loss this many times the smallest one before has not merely met a harder batch.
_GROWN = 1e3


class LossMemory:
    """The smallest and the last finite loss of the steps so far."""

    def __init__(self) -> None:
        self._smallest = math.inf
        self._last = math.inf

    def note(self, loss: float) -> None:
        """Take note of the loss of a step; one that is not finite is no measure of anything."""
        if math.isfinite(loss):
            self._smallest = min(self._smallest, loss)
            self._last = loss

    def growth(self) -> str | None:
        """How much the loss had grown, if it had."""
        if not (math.isfinite(self._last) and self._last > _GROWN * self._smallest):
            return None
        return f"the loss had grown from {self._smallest:.3g} to {self._last:.3g} before"
