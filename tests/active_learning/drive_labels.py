"""A driver that labels four clusters in a folder and ends: python drive_labels.py FOLDER"""

import sys
import time
from pathlib import Path

from ase.build import molecule
from labels import request

from mlip.active_learning.driver_lock import driver_lock
from mlip.active_learning.executors.local import LocalPool
from mlip.active_learning.labeller import FailureLimits, Labeller
from mlip.active_learning.store import Store, Structure
from mlip.data.extxyz import frame_text


def clusters() -> dict[str, str]:
    """Frames by key."""
    found = {}
    for number in range(4):
        atoms = molecule("H2O")
        atoms.rattle(0.1, seed=number)
        found[f"water-{number}"] = frame_text(atoms, {})
    return found


def main(folder: Path) -> None:
    with driver_lock(folder):
        store = Store(folder / "campaign.db")
        store.add([Structure(key, frame, {}) for key, frame in clusters().items()], iteration=0)
        asked = request(keep_output=True)
        labeller = Labeller(
            store, folder / "labels", LocalPool(2), asked,
            FailureLimits(deaths=100),  # whoever kills at random may meet one label again and again
            pause=lambda: time.sleep(0.02),
        )  # fmt: skip
        labeller.run(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
