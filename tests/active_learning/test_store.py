"""The store keeps what it was told, and says clearly what is wrong with it."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlip.active_learning import store_format
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome
from mlip.active_learning.store import Considered, Store, Structure
from mlip.active_learning.store_file import StoreError, backup_of
from mlip.active_learning.store_format import FORMAT

#: A campaign of two iterations, by the first version.
FIRST = Path(__file__).parents[1] / "files" / "campaign_store_v1.db"


def structures(*keys: str) -> list[Structure]:
    return [Structure(key, f"frame of {key}", {"explorer": "rattle"}) for key in keys]


def outcome(energy: float = -1.5, version: str = "1", reason: str | None = None) -> LabelOutcome:
    fingerprint = Fingerprint(code="toy", version=version, dft=False, settings={})
    results = {"energy": energy, "forces": [[0.1 + 0.2, 1e-300, -0.0]]}
    good = {"results": results, "fingerprint": fingerprint}
    return LabelOutcome(
        attempts=(Attempt(folder="attempt-1", seconds=2.0, reason=reason,
                          **({} if reason else good)),)
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "campaign.db")


def test_a_label_goes_its_way(store: Store) -> None:
    assert store.add(structures("a", "b"), iteration=0) == 2
    assert [label.status for label in store.labels()] == ["queued", "queued"]
    store.set_running("a")
    store.settle("a", outcome())
    store.settle("b", outcome(reason="no convergence"))
    done, failed = store.labels()
    assert (done.status, done.launches, done.attempts, done.seconds) == ("done", 1, 1, 2.0)
    assert done.results == outcome().last.results
    assert (failed.status, failed.reason, failed.results) == ("failed", "no convergence", None)
    assert done.structure == structures("a")[0]


def test_it_keeps_everything_over_time(store: Store, tmp_path: Path) -> None:
    store.add(structures("a"), iteration=3)
    store.settle("a", outcome())
    store.set_parts({"a": "valid"})
    store.add_model(3, 0, 17, "models/0.safetensors", {"forces": 12.5})
    store.set_fact("stage", {"name": "label", "iteration": 3})
    store.note("picked", count=1)
    before = (store.labels(), store.fingerprints(), store.models(3), store.events())
    store.close()
    again = Store(tmp_path / "campaign.db")
    assert (again.labels(), again.fingerprints(), again.models(3), again.events()) == before
    assert again.fact("stage") == {"name": "label", "iteration": 3}
    assert again.fact("nothing", 5) == 5
    assert again.labels()[0].part == "valid"
    assert [path.name for path in tmp_path.iterdir()] == ["campaign.db"]


def test_labels_come_in_the_order_in_which_they_were_picked(store: Store) -> None:
    store.add(structures("z", "a"), iteration=0)
    store.add(structures("m", "b", "a"), iteration=1)
    assert [label.key for label in store.labels()] == ["z", "a", "m", "b"]
    assert [label.key for label in store.labels(iteration=1)] == ["m", "b"]
    store.set_running("m")
    assert [label.key for label in store.labels("running", iteration=1)] == ["m"]
    assert [label.key for label in store.labels("queued", "running")] == ["z", "a", "m", "b"]


def test_the_same_structure_is_labelled_once(store: Store) -> None:
    assert store.add(structures("a", "a"), iteration=0) == 1
    assert store.add(structures("a", "b"), iteration=1) == 1
    assert [label.iteration for label in store.labels()] == [0, 1]


def test_a_transaction_is_whole_or_nothing(store: Store) -> None:
    def change_and_fail() -> None:
        with store.transaction():
            store.add(structures("a"), iteration=0)
            store.set_fact("stage", "label")
            raise KeyError("in the middle")

    with pytest.raises(KeyError):
        change_and_fail()
    assert store.labels() == []
    assert store.fact("stage") is None
    store.add(structures("a"), iteration=0)
    assert len(store.labels()) == 1


def test_fingerprints_are_kept_once(store: Store) -> None:
    store.add(structures("a", "b", "c"), iteration=0)
    for key, version in (("a", "1"), ("b", "1"), ("c", "2")):
        store.settle(key, outcome(version=version))
    assert sorted(f.version for f in store.fingerprints().values()) == ["1", "2"]
    digests = [label.fingerprint for label in store.labels()]
    assert digests[0] == digests[1] != digests[2]


def test_a_failure_can_be_forgotten(store: Store) -> None:
    store.add(structures("a"), iteration=0)
    store.set_failed("a", "the licence server was down")
    store.forget_failure("a")
    (label,) = store.labels("queued")
    assert label.reason is None


def test_candidates_are_kept_in_the_order_in_which_they_were_explored(store: Store) -> None:
    found = [
        Considered({"explorer": "md", "frame": 3, "temperature": 300.0}, 0.25, "chosen"),
        Considered({"explorer": "rattle"}, float("inf"), "absurd"),
    ]
    store.add_candidates(found, iteration=2)
    assert store.candidates(2) == found
    assert store.candidates(1) == []
    store.add_candidates([Considered({}, float("nan"), "absurd")], iteration=3)
    assert np.isnan(store.candidates(3)[0].uncertainty)


@pytest.mark.parametrize("readers", [1, 2])
def test_a_store_of_the_first_format_is_upgraded(readers: int, tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    shutil.copy(FIRST, path)
    for store in [Store(path) for _ in range(readers)]:
        assert [label.iteration for label in store.labels("done")] == [0] * 5 + [1] * 2 + [2] * 2
        assert store.fact("reason") == "2 iterations are done"
        assert store.fact("judgement 2")["scale"] == 0.7330377848784113
        assert store.fact("judgement 1")["used_scale"] == store.fact("validation 0")["scale"]
        assert store.fact("judgement 2")["used_scale"] == store.fact("judgement 1")["scale"]
        for iteration in (1, 2):
            keys = [label.key for label in store.labels(iteration=iteration)]
            assert store.fact(f"judgement {iteration}")["keys"] == keys
        assert store.candidates(0) == []
        store.add_candidates([Considered({}, 0.25, "spare")], iteration=2 + readers)
        store.close()
        readers += 1
    with sqlite3.connect(path) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    base.close()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "campaign.db"
    shutil.copy(FIRST, path)
    whole = store_format.UPGRADES[1]

    def fails(base: sqlite3.Connection) -> None:
        whole(base)
        base.execute("CREATE TABLE facts (again TEXT)")

    monkeypatch.setitem(store_format.UPGRADES, 1, fails)
    with pytest.raises(StoreError, match="facts already exists"):
        Store(path)
    with sqlite3.connect(path) as base:
        names = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
        assert base.execute("PRAGMA user_version").fetchone() == (1,)
    base.close()
    assert "candidates" not in names


def test_a_store_of_a_newer_format_is_left_alone(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.path) as base:
        base.execute(f"PRAGMA user_version = {FORMAT + 1}")
    base.close()
    content = store.path.read_bytes()
    with pytest.raises(StoreError, match="update the package"):
        Store(store.path)
    assert store.path.read_bytes() == content


def test_another_database_is_not_a_store(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as base:
        base.execute("CREATE TABLE systems (id INTEGER)")
    base.close()
    with pytest.raises(StoreError, match="not the store of a campaign"):
        Store(tmp_path / "other.db")


@pytest.mark.parametrize("damage", ["no database", "torn"])
def test_a_damaged_store_tells_where_the_labels_are(store: Store, damage: str) -> None:
    store.add(structures(*(f"key{n}" for n in range(300))), iteration=0)
    store.back_up(backup_of(store.path))
    store.close()
    content = store.path.read_bytes()
    torn = content[: len(content) // 2]
    store.path.write_bytes(torn if damage == "torn" else b"x" * 5000)
    with pytest.raises(StoreError, match=r"(?s)damaged.*'labels'.*campaign\.backup\.db"):
        Store(store.path)
    assert len(Store(backup_of(store.path)).labels()) == 300


def test_a_full_disk_is_told_and_loses_nothing(store: Store) -> None:
    store.add(structures("a"), iteration=0)
    (pages,) = store._base.execute("PRAGMA page_count").fetchone()
    store._base.execute(f"PRAGMA max_page_count = {pages}")
    many = [Structure(f"b{n}", "x" * 4000, {}) for n in range(50)]
    with pytest.raises(StoreError, match="is the disk full"):
        store.add(many, iteration=1)
    assert [label.key for label in store.labels()] == ["a"]
    store._base.execute("PRAGMA max_page_count = 100000")
    assert store.add(many, iteration=1) == 50


KILLED = """
import os, signal, sys
from pathlib import Path
from mlip.active_learning.store import Store, Structure
store = Store(Path(sys.argv[1]))
store._base.execute("PRAGMA cache_size = 2")  # changes go to the file at once
with store.transaction():
    store.add([Structure(f"k{n}", "x" * 4000, {}) for n in range(200)], iteration=1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(store: Store) -> Path:
    """A file whose driver was killed in the middle of a change."""
    store.add(structures("a"), iteration=0)
    store.close()
    done = subprocess.run([sys.executable, "-c", KILLED, str(store.path)], check=False)
    assert done.returncode == -9
    return store.path


def test_a_kill_inside_a_transaction_leaves_the_store_as_it_was(killed: Path) -> None:
    again = Store(killed)
    assert [label.key for label in again.labels()] == ["a"]
    assert again.add(structures("b"), iteration=1) == 1


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_who_only_looks_does_not_take_the_change_back(killed: Path) -> None:
    before = contents(killed.parent)
    assert set(before) == {"campaign.db", "campaign.db-journal"}
    looking = Store(killed, read_only=True)
    assert [label.key for label in looking.labels()] == ["a"]
    assert contents(killed.parent) == before


def test_who_only_looks_upgrades_nothing(tmp_path: Path) -> None:
    path = tmp_path / "campaign.db"
    shutil.copy(FIRST, path)
    path.chmod(0o444)
    looking, upgraded = Store(path, read_only=True), Store(shutil.copy(FIRST, tmp_path / "new.db"))
    assert contents(tmp_path)["campaign.db"] == FIRST.read_bytes()
    assert looking.labels() == upgraded.labels()
    assert looking.candidates(0) == []
    assert looking.fact("judgement 2") == upgraded.fact("judgement 2")
    assert "used_scale" in looking.fact("judgement 2")


def test_who_only_looks_sees_the_moment_and_disturbs_nobody(store: Store) -> None:
    store.add(structures("a"), iteration=0)
    with store.transaction():
        store.set_fact("step", "judge")
        looking = Store(store.path, read_only=True)
    store.add(structures("b"), iteration=0)
    assert looking.fact("step") is None
    assert [label.key for label in looking.labels()] == ["a"]
    with pytest.raises(StoreError, match="readonly"):
        looking.set_fact("step", "train")
    assert store.fact("step") == "judge"
