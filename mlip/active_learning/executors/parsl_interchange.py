"""Parsl's interchange, which hands labels to workers; this one ends with the driver.

By itself it would go on without one, and with it idle workers would hold their nodes until their
jobs run out: ``python -m mlip.active_learning.executors.parsl_interchange PROCESS``, with the
driver's number, which the driver knows: asked for here, it would be another's if the driver ended
before.
"""

import os
import runpy
import sys
import threading
import time

#: Seconds between looks.
_PAUSE = 1.0


def end_with(parent: int) -> None:
    """End this process when it has another parent than that one, which has ended then."""
    while os.getppid() == parent:
        time.sleep(_PAUSE)
    os._exit(1)


if __name__ == "__main__":
    driver = int(sys.argv.pop())
    threading.Thread(target=end_with, args=(driver,), daemon=True).start()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")
