"""Memory is used again, instead of being given back and asked for anew."""

import subprocess
import sys

import pytest

from mlip.training.freed_memory import keep_freed_memory

PROGRAM = """
import ctypes, resource, sys
import torch
from mlip.training.freed_memory import keep_freed_memory
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # no huge pages (PR_SET_THP_DISABLE): faults are counted
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def arrays():
    return [torch.full((2**20,), 1.0) for _ in range(8)]
arrays(), arrays()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    arrays()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    """Pages the system had to clear for 160 arrays of 4 MiB, of 1024 pages each."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="malloc is not that of glibc")
def test_arrays_are_made_of_memory_that_was_freed() -> None:
    given_back, kept = faults("give back"), faults("keep")
    assert kept < 1024 < given_back
