"""How benchmarks take time: processor time, the calls taking turns, so that whatever else the
machine does hits them alike; the least of the repeats counts."""

import time
from collections.abc import Callable, Mapping

Call = Callable[[], object]


def least(calls: Mapping[str, Call], n_atoms: int, repeats: int = 9) -> dict[str, float]:
    """Microseconds of processor time per atom."""
    best = dict.fromkeys(calls, float("inf"))
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            if turn:  # the first is for memory, caches and compilers
                best[name] = min(best[name], time.process_time() - start)
    return {name: 1e6 * seconds / n_atoms for name, seconds in best.items()}
