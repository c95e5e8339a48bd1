"""Devices by their names, and what is said of those that are not there."""

import pytest
import torch

from mlip.models.placement import as_device


@pytest.mark.parametrize("name", ["gpu", "abacus", "cuda", "cuda:1", "meta", ""])
def test_an_absent_device_is_told_with_those_that_are_there(name: str) -> None:
    if torch.cuda.is_available() and name.startswith("cuda"):
        pytest.skip("it may be there")
    with pytest.raises(ValueError, match="cannot be used here; there is") as told:
        as_device(name)
    message = str(told.value)
    assert repr(name) in message
    assert "cpu" in message
    assert "cuda" in message
    assert "opengl" not in message
    assert len(message) < 150


@pytest.mark.parametrize(
    ("gpus", "words"), [(1, "there is cpu and cuda, the GPU"), (4, "cpu and cuda:0 to cuda:3")]
)
def test_gpus_are_named(monkeypatch: pytest.MonkeyPatch, gpus: int, words: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(ValueError, match=words):
        as_device("gpu")


def test_the_processor_is_there() -> None:
    assert as_device("cpu") == as_device(torch.device("cpu")) == torch.device("cpu")
