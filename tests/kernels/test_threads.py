"""The core works in torch's threads; a process made by fork, which has none of them, in its own."""

import subprocess
import sys

import pytest

from mlip import kernels

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")

START = """
import os
import torch
from mlip import kernels
from mlip.neighbours import compiled

assert kernels.available()

def edges():
    cell = 20.0 * torch.eye(3, dtype=torch.float64)[None]
    positions = 20.0 * torch.rand(3000, 3, dtype=torch.float64, generator=torch.manual_seed(0))
    everywhere, borders = torch.ones(1, 3, dtype=torch.bool), torch.tensor([0, 3000])
    return compiled.find_edges(positions, cell, everywhere, borders, 3.0)[0]

def threads():
    return len(os.listdir("/proc/self/task"))

torch.set_num_threads(1)
alone = edges()
torch.set_num_threads(3)
"""

NO_OTHERS = """
torch.ones(10**6).exp_()
before = threads()
assert torch.equal(edges(), alone)
assert threads() == before > 1, (before, threads())
"""

FORKED = """
assert torch.equal(edges(), alone)
child = os.fork()
if child == 0:
    same = (edges().numpy() == alone.numpy()).all()  # operators of torch itself could hang here
    os._exit(0 if same and threads() == 3 else 1)
assert os.waitpid(child, 0)[1] == 0
"""

LOADED_AFTER_FORK = """
import os
import torch

torch.set_num_threads(3)
torch.ones(10**6).exp_()
child = os.fork()
if child == 0:
    from ase.build import bulk
    from mlip import neighbour_list

    crystal = bulk("Si", cubic=True) * 6  # enough atoms for threads
    os._exit(0 if len(neighbour_list("i", crystal, 3.0)) == 4 * len(crystal) else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads that Linux lists")
@pytest.mark.parametrize(
    "script",
    [START + NO_OTHERS, START + FORKED, LOADED_AFTER_FORK],
    ids=["no others", "forked", "loaded after fork"],
)
def test_whose_threads(script: str) -> None:
    run(script)
