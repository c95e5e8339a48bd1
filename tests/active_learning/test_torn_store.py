"""A store that is torn is replaced by its copy, and what the copy lacks is in the files of the
labels."""

import shutil
from pathlib import Path

import pytest
from same_end import assert_same_end
from small_campaign import write_campaign

from mlip.active_learning.campaign import run_campaign
from mlip.active_learning.store import Store
from mlip.active_learning.store_file import StoreError, backup_of


def test_a_torn_store_costs_no_calculation(finished: Path, tmp_path: Path) -> None:
    store = tmp_path / "campaign.db"
    run_campaign(write_campaign(tmp_path, stop={"iterations": 0}), tmp_path)
    for label in (finished / "labels").iterdir():  # those of the next iteration come in, and then
        shutil.copytree(label, tmp_path / "labels" / label.name, dirs_exist_ok=True)
    store.write_bytes(store.read_bytes()[:9000])
    config = write_campaign(tmp_path)
    with pytest.raises(StoreError, match=r"(?s)damaged.*put the copy campaign\.backup\.db"):
        run_campaign(config, tmp_path)
    backup_of(store).replace(store)
    run_campaign(config, tmp_path)
    assert_same_end(tmp_path, finished)
    found = Store(store)
    assert [label.launches for label in found.labels(iteration=1)] == [0, 0]
    found.close()
