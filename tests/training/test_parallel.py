"""Two ranks make the steps of one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mlip.training.parallel import Ranks, device_of_rank

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("two_ranks.py")


def run_on(ranks: int, folder: Path) -> list[dict[str, Any]]:
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command = [sys.executable, *(launch if ranks > 1 else []), str(SCRIPT), str(folder)]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    names = [f"rank{rank}of{ranks}.pt" for rank in range(ranks)]
    return [torch.load(folder / name, weights_only=True) for name in names]


def test_two_ranks_train_as_one(tmp_path: Path) -> None:
    (alone,) = run_on(1, tmp_path)
    first, second = run_on(2, tmp_path)
    for name, value in alone["weights"].items():
        assert torch.equal(first["weights"][name], second["weights"][name])
        # float64 gradients, summed in another order over a dozen steps of Adam
        torch.testing.assert_close(first["weights"][name], value, rtol=1e-8, atol=1e-10)
    for mine, theirs in zip(alone["history"], first["history"], strict=True):
        for key in mine.keys() - {"seconds"}:
            assert mine[key] == pytest.approx(theirs[key], rel=1e-8)


def test_shares_are_a_partition() -> None:
    items = list(range(7))
    shares = [Ranks(rank, 3).share(items) for rank in range(3)]
    assert sorted(i for share in shares for i in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_device_that_is_not_there_is_an_error() -> None:
    assert device_of_rank("cpu") == torch.device("cpu")
    assert device_of_rank("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="no device 'abacus'"):
        device_of_rank("abacus")
