"""Two campaigns came to the same end."""

from pathlib import Path

import numpy as np

from mlip.active_learning.store import Label, Store
from mlip.models import load_model


def assert_same_end(folder: Path, other: Path) -> None:
    """They have the same labels, the same data and the same model, to the last bit."""
    stores = [Store(place / "campaign.db") for place in (folder, other)]
    assert [_told(label) for label in stores[0].labels()] == [
        _told(label) for label in stores[1].labels()
    ]
    for name in ("train", "valid"):
        path = f"iterations/001/{name}.extxyz"
        assert (folder / path).read_bytes() == (other / path).read_bytes()
    models = [load_model(place / "model.safetensors").state_dict() for place in (folder, other)]
    for name, weights in models[1].items():
        np.testing.assert_array_equal(models[0][name].numpy(), weights.numpy(), err_msg=name)
    for store in stores:
        store.close()


def _told(label: Label) -> tuple:
    """All of a label that must not depend on kills."""
    origin = dict(label.structure.origin)
    return (label.key, label.iteration, label.place, label.status, label.results, label.part,
            label.structure.frame, origin)  # fmt: skip
