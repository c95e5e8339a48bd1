"""Two ranks make the steps of one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import two_ranks

from mlip.training.parallel import Ranks, device_of_rank

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("two_ranks.py")


def run_on_two(folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node=2", str(SCRIPT), str(folder)]  # fmt: skip
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"rank{r}of2.pt", weights_only=True) for r in range(2)]


def test_two_ranks_train_as_one(tmp_path: Path) -> None:
    two_ranks.main(tmp_path)
    alone = torch.load(tmp_path / "rank0of1.pt", weights_only=True)
    first, second = run_on_two(tmp_path)
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
    with pytest.raises(ValueError, match="abacus"):
        device_of_rank("abacus")
