"""Driver, workers and calculations are killed at random: no finished label is computed twice, none
is lost."""

from pathlib import Path

import pytest
from analytic import Springs
from drive_labels import clusters
from killing import run_and_kill, seeds

from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.store import Store

SCRIPT = Path(__file__).parent / "drive_labels.py"


@pytest.mark.parametrize("seed", seeds(3))
def test_killed_anywhere_every_label_is_there_and_was_finished_once(
    seed: int, tmp_path: Path
) -> None:
    labels = tmp_path / "labels"

    def progress() -> int:
        return sum(1 for name in ("request.json", "attempt-*", "attempt-*/attempt.json",
                                  "result.json") for _ in labels.glob(f"*/{name}"))  # fmt: skip

    victims = run_and_kill(SCRIPT, tmp_path, progress, seed, kills=4)
    assert victims
    found = Store(tmp_path / "campaign.db").labels()
    assert [label.key for label in found] == list(clusters())
    for label in found:
        folder = LabelFolder(labels / label.key)
        springs = Springs()
        springs.calculate(folder.structure())
        assert label.status == "done"
        assert label.results is not None
        assert label.results["energy"] == springs.results["energy"]
        assert label.results["forces"] == springs.results["forces"].tolist()
        ended = list(folder.path.glob("*/attempt.json"))
        assert len(ended) == 1
