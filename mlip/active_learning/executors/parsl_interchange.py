"""Parsl's interchange, which hands labels to workers; this one ends with the driver.

By itself it would go on without one, and with it idle workers would hold their nodes until their
jobs run out: ``python -m mlip.active_learning.executors.parsl_interchange``.
"""

import os
import runpy
import threading
import time

#: Seconds between looks.
_PAUSE = 1.0


def end_with(parent: int) -> None:
    """End this process when it has another parent, which is when its own has ended."""
    while os.getppid() == parent:
        time.sleep(_PAUSE)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")
