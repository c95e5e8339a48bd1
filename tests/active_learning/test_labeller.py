"""Queued structures become settled labels; what goes wrong is counted, told, and never computed
twice."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from labels import request

from mlip.active_learning import labeller as labeller_module
from mlip.active_learning.executors.base import RefusedError
from mlip.active_learning.labeller import (
    FailureLimits,
    LabelCounts,
    Labeller,
    TooManyFailuresError,
)
from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.labelling.outcome import Attempt, LabelOutcome
from mlip.active_learning.store import Store, Structure
from mlip.active_learning.store_file import StoreError


class Scripted:
    """An executor whose workers do in no time what a test says: "done", "failed", "die" or
    "run" on."""

    def __init__(self, fate: Callable[[str], str], workers: int = 2) -> None:
        self.fate, self.workers = fate, workers
        self.started: list[str] = []
        self.refused: Collection[str] = ()
        self.silent = False
        self.running: set[str] = set()
        self.most = 0

    def submit(self, label: LabelFolder) -> None:
        name = label.path.name
        if name in self.refused:
            raise RefusedError(f"no worker for {name}")
        self.started.append(name)
        self.running.add(name)
        self.most = max(self.most, len(self.running))

    def alive(self, labels) -> set[str] | None:
        if self.silent:
            return None
        for label in labels:
            if label.path.name in self.running:
                self._end(label, self.fate(label.path.name))
        return set(self.running)

    def cancel(self, labels) -> None:
        self.running -= {label.path.name for label in labels}

    def close(self) -> None:
        pass

    def _end(self, label: LabelFolder, fate: str) -> None:
        if fate == "run":
            return
        self.running.discard(label.path.name)
        if fate != "die":
            label.finish(outcome(None if fate == "done" else "it failed"))


def always(fate: str) -> Callable[[str], str]:
    return lambda _: fate


def interrupt() -> None:
    raise KeyboardInterrupt


def outcome(reason: str | None) -> LabelOutcome:
    fingerprint = Fingerprint(code="toy", version="1", dft=False, settings={})
    attempt = Attempt(folder="attempt-1", reason=reason, fingerprint=fingerprint)
    return LabelOutcome(attempts=(attempt,))


def labeller(folder: Path, executor: Scripted, names: str = "abcdefghij") -> tuple[Labeller, Store]:
    store = Store(folder / "campaign.db")
    store.add([Structure(name, "", {}) for name in names], iteration=0)
    found = Labeller(
        store, folder / "labels", executor, request(), FailureLimits(), pause=lambda: None
    )
    return found, store


def statuses(store: Store) -> dict[str, int]:
    found = [label.status for label in store.labels()]
    return {status: found.count(status) for status in sorted(set(found))}


def test_every_label_is_settled_and_started_once(tmp_path: Path) -> None:
    executor = Scripted(always("done"), workers=3)
    work, store = labeller(tmp_path, executor)
    work.run(0)
    assert statuses(store) == {"done": 10}
    assert executor.started == list("abcdefghij")
    assert executor.most == 3


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[LabelCounts] = []
    executor = Scripted(lambda name: "failed" if name == "b" else "done", workers=3)
    store = Store(tmp_path / "campaign.db")
    store.add([Structure("old", "", {})], iteration=0)
    store.settle("old", outcome(None))
    store.add([Structure(name, "", {}) for name in "abcde"], iteration=1)
    Labeller(
        store, tmp_path / "labels", executor, request(), FailureLimits(), lambda: None, told.append
    ).run(1)
    assert told == [
        LabelCounts(done=0, running=3, failed=0, queued=2),
        LabelCounts(done=2, running=2, failed=1, queued=0),
        LabelCounts(done=4, running=0, failed=1, queued=0),
    ]
    assert {(counts.total, counts.settled + counts.waiting) for counts in told} == {(5, 5)}
    assert [counts.settled for counts in told] == [0, 3, 5]


def test_some_failures_do_not_stop_the_rest(tmp_path: Path) -> None:
    executor = Scripted(lambda name: "failed" if name in "bh" else "done")
    work, store = labeller(tmp_path, executor)
    work.run(0)
    assert statuses(store) == {"done": 8, "failed": 2}
    assert [label.reason for label in store.labels("failed")] == ["it failed"] * 2


@pytest.mark.parametrize("names", ["abcdefghij", "a", "ab"])
def test_too_many_failures_stop_with_the_list(names: str, tmp_path: Path) -> None:
    work, store = labeller(tmp_path, Scripted(always("failed")), names)
    with pytest.raises(TooManyFailuresError, match=r"(?s)labels failed:.*labels/a: it failed"):
        work.run(0)
    assert statuses(store).get("running", 0) == 0 or len(names) > 2


def test_failed_labels_are_tried_again_on_request(tmp_path: Path) -> None:
    fate = {"a": "failed"}
    executor = Scripted(lambda name: fate.get(name, "done"))
    work, store = labeller(tmp_path, executor)
    work.run(0)
    fate.clear()
    assert work.retry_failed() == 1
    work.run(0)
    assert statuses(store) == {"done": 10}
    assert (tmp_path / "labels" / "a.failed-1" / "result.json").exists()


def test_jobs_that_wait_with_other_settings_are_withdrawn(tmp_path: Path) -> None:
    queue = Scripted(always("run"))
    work, store = labeller(tmp_path, queue, "ab")
    assert work.step(0)
    folder, others = tmp_path / "labels", request(kwargs={"k": 2.0})
    mended = Labeller(store, folder, queue, others, FailureLimits(), pause=lambda: None)
    work.withdraw_others()
    assert queue.running == {"a", "b"}
    mended.withdraw_others()
    assert (queue.running, statuses(store)) == (set(), {"queued": 2})
    queue.fate = always("done")
    mended.run(0)
    assert queue.started == ["a", "b"] * 2
    assert LabelFolder(folder / "a").request() == others
    assert LabelFolder(folder / "a.changed-1").request() == request()


def test_a_worker_that_died_is_replaced_and_not_for_ever(tmp_path: Path) -> None:
    deaths = {"a": 2, "b": 100}

    def fate(name: str) -> str:
        deaths[name] = deaths.get(name, 0) - 1
        return "die" if deaths[name] >= 0 else "done"

    executor = Scripted(fate)
    work, store = labeller(tmp_path, executor)
    work.run(0)
    assert executor.started.count("a") == 3
    assert executor.started.count("b") == 3
    (failed,) = store.labels("failed")
    assert (failed.key, "3 workers died" in (failed.reason or "")) == ("b", True)


def test_what_a_killed_driver_left_is_taken_in(tmp_path: Path) -> None:
    first, store = labeller(tmp_path, Scripted(always("run")))
    first.step(0)  # a and b are started; then the driver is killed, and a worker finishes
    LabelFolder(tmp_path / "labels" / "a").finish(outcome(None))
    store.close()
    executor = Scripted(always("done"))
    executor.running = {"b"}  # still alive
    second, again = labeller(tmp_path, executor)
    second.run(0)
    assert statuses(again) == {"done": 10}
    assert executor.started == list("cdefghij")


def test_a_worker_that_was_started_but_not_noted_is_not_started_again(tmp_path: Path) -> None:
    executor = Scripted(always("done"))
    work, store = labeller(tmp_path, executor)
    folder = LabelFolder(tmp_path / "labels" / "a")
    folder.prepare("", request())
    executor.running = {"a"}
    executor.fate = lambda name: "run" if not executor.started and name == "a" else "done"
    work.run(0)
    assert "a" not in executor.started
    assert statuses(store) == {"done": 10}


def test_an_interrupted_driver_ends_its_workers(tmp_path: Path) -> None:
    executor = Scripted(always("run"))
    work, store = labeller(tmp_path, executor)
    work._pause = interrupt
    with pytest.raises(KeyboardInterrupt):
        work.run(0)
    assert executor.running == set()
    assert statuses(store) == {"queued": 8, "running": 2}


def test_an_error_that_says_nothing_about_the_labels_ends_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = Scripted(always("run"))
    work, store = labeller(tmp_path, executor)

    def full(*_: object) -> None:
        raise StoreError("is the disk full?")

    work._pause = lambda: monkeypatch.setattr(store, "labels", full)
    with pytest.raises(StoreError):
        work.run(0)
    assert executor.running == {"a", "b"}


def test_workers_of_an_earlier_driver_are_ended_too(tmp_path: Path) -> None:
    first, store = labeller(tmp_path, Scripted(always("run")))
    first.step(0)
    store.close()
    executor = Scripted(always("run"))
    executor.running = {"a", "b"}
    second, _ = labeller(tmp_path, executor)
    second._pause = interrupt
    with pytest.raises(KeyboardInterrupt):
        second.run(0)
    assert executor.running == set()


def test_a_refused_worker_is_asked_for_again_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labeller_module, "_PATIENCE", 0.0)
    executor = Scripted(always("run"), workers=3)
    executor.refused = "c"
    work, store = labeller(tmp_path, executor)
    for _ in range(3):
        assert work.step(0)
    assert executor.running == {"a", "b"}
    assert statuses(store) == {"queued": 8, "running": 2}
    told = [event.content for event in store.events() if event.kind == "worker refused"]
    assert told == [{"label": "c", "reason": "no worker for c"}]
    executor.refused, executor.fate = (), always("done")
    work.run(0)
    assert statuses(store) == {"done": 10}
    assert executor.started == list("abcdefghij")


def test_a_refused_worker_is_not_asked_for_at_every_step(tmp_path: Path) -> None:
    executor = Scripted(always("run"), workers=3)
    executor.refused = "c"
    work, _ = labeller(tmp_path, executor)
    work.step(0)
    executor.refused = ()
    work.step(0)
    assert executor.started == ["a", "b"]


def test_a_refused_worker_is_an_error_if_no_other_is_at_work(tmp_path: Path) -> None:
    executor = Scripted(always("run"))
    executor.refused = "a"
    work, store = labeller(tmp_path, executor)
    with pytest.raises(RefusedError, match="no worker for a"):
        work.run(0)
    assert statuses(store) == {"queued": 10}


def test_deaths_under_an_earlier_driver_do_not_count(tmp_path: Path) -> None:
    first, store = labeller(tmp_path, Scripted(always("run")))
    first.step(0)
    executor = Scripted(always("done"))
    limits = FailureLimits(deaths=1)
    Labeller(store, tmp_path / "labels", executor, request(), limits, lambda: None).run(0)
    assert statuses(store) == {"done": 10}
    assert executor.started == list("abcdefghij")


def test_a_worker_that_was_found_at_work_and_died_counts(tmp_path: Path) -> None:
    first, store = labeller(tmp_path, Scripted(always("run")), "ab")
    first.step(0)
    executor = Scripted(lambda name: "die" if name == "a" else "run")
    executor.running = {"b"}
    work = Labeller(
        store, tmp_path / "labels", executor, request(), FailureLimits(deaths=1), lambda: None
    )
    work.step(0)
    executor.fate = lambda name: "die" if name == "b" else "run"
    work.step(0)
    assert {label.key: label.status for label in store.labels()} == {"a": "running", "b": "failed"}


def test_of_a_queue_that_does_not_answer_nothing_is_concluded(tmp_path: Path) -> None:
    executor = Scripted(always("run"))
    work, store = labeller(tmp_path, executor)
    work.step(0)
    executor.silent = True
    LabelFolder(tmp_path / "labels" / "a").finish(outcome(None))
    work.step(0)
    assert [label.status for label in store.labels()[:2]] == ["done", "running"]
    assert [label.launches for label in store.labels()] == [1, 1, 1, *[0] * 7]
    assert not [event for event in store.events() if event.kind == "worker lost"]
