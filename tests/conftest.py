"""Fixtures for all tests: one thread, the development data when it is there, a few structures."""

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tests run side by side; threads inside them would only get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public DFT sets and reference potentials, named by MLIP_DATA."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MLIP_DATA", default))
    if not folder.is_dir():
        pytest.skip("the development data are not here; MLIP_DATA names their folder")
    return folder
