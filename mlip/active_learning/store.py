"""The store of a campaign: one SQLite file, written by the driver alone.

Every change is a transaction: after a kill or a power failure the file is as it was before a change
or after it. It keeps a rollback journal and waits for the disk, rather than a write-ahead log: that
needs shared memory, which network file systems do not have, and would make three files of one.
"""

import contextlib
import dataclasses
import json
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mlip.active_learning.labelling.fingerprint import Fingerprint
from mlip.active_learning.labelling.outcome import LabelOutcome
from mlip.active_learning.store_file import (
    StoreError,
    clear_errors,
    damaged,
    open_to_change,
    snapshot,
)
from mlip.active_learning.store_format import APPLICATION, FORMAT, create, upgrade, version_of
from mlip.settings import parse_settings

Status = Literal["queued", "running", "done", "failed"]
#: What becomes of a candidate. certain, absurd: not uncertain enough for a label, or too uncertain.
#: known: to the model a copy of one that is labelled or chosen. spare: others were chosen.
Verdict = Literal["chosen", "certain", "absurd", "known", "spare"]


@dataclasses.dataclass(frozen=True)
class Structure:
    """A structure to be labelled.

    Attributes
    ----------
    key : its name, from its geometry
    frame : itself, as one frame of extended XYZ
    origin : where it comes from and why it was picked, as plain data
    """

    key: str
    frame: str
    origin: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Label:
    """A structure and what is known of its label.

    Attributes
    ----------
    iteration, place : when it was picked, and its place among those picked then
    launches : how often a worker was started for it
    attempts : calculations made
    reason : why there is none
    results : energy, forces and stress as plain data
    part : the part of the data that it went into, "train" or "valid"; None until it is settled
    """

    structure: Structure
    iteration: int
    place: int
    status: Status
    launches: int
    attempts: int
    reason: str | None
    results: Mapping[str, Any] | None
    fingerprint: str | None
    seconds: float | None
    part: str | None

    @property
    def key(self) -> str:
        return self.structure.key


@dataclasses.dataclass(frozen=True)
class Considered:
    """A candidate that might have been labelled, and what became of it.

    Attributes
    ----------
    origin : as that of a structure
    uncertainty : calibrated, of its most uncertain force, eV/Å
    """

    origin: Mapping[str, Any]
    uncertainty: float
    verdict: Verdict


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened, with the time since 1970 in s."""

    time: float
    kind: str
    content: Mapping[str, Any]


class Store:
    """The store of a campaign, open.

    Parameters
    ----------
    path : the file; made if it is not there
    read_only : look at what is in the file now, and leave the file alone, whatever its format and
        whoever is at work in it; changes are errors

    Raises
    ------
    StoreError
        If the file is damaged, is not a store, or has a newer format.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._depth = 0
        with clear_errors(path):
            self._base = snapshot(path) if read_only else open_to_change(path)
            self._check()
            self._base.execute(f"PRAGMA query_only = {read_only:d}")

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside become one; an exception takes them back. May be nested."""
        with clear_errors(self.path):
            if self._depth == 0:
                self._base.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0 and self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._base.execute("COMMIT")

    def back_up(self, path: Path) -> None:
        """Write a copy that is whole at any moment."""
        draft = path.with_name(path.name + ".part")
        draft.unlink(missing_ok=True)
        with clear_errors(self.path):
            copy = sqlite3.connect(draft)
            try:
                self._base.backup(copy)
            finally:
                copy.close()
        draft.replace(path)

    # ------------------------------------------------------------------------- structures, labels

    def add(self, structures: Sequence[Structure], iteration: int) -> int:
        """Queue structures for labelling, in this order; those that are there already are left
        out. Returns how many are new."""
        known = dict(self._all("SELECT key, iteration FROM structures"))
        new = {s.key: s for s in structures if s.key not in known}
        free = list(known.values()).count(iteration)
        with self.transaction():
            for place, one in enumerate(new.values(), start=free):
                origin = json.dumps(dict(one.origin))
                row = (one.key, iteration, place, one.frame, origin)
                self._base.execute("INSERT INTO structures VALUES (?, ?, ?, ?, ?)", row)
                self._base.execute("INSERT INTO labels (key) VALUES (?)", (one.key,))
        return len(new)

    def labels(self, *status: Status, iteration: int | None = None) -> list[Label]:
        """Labels in the order in which they were picked, of any of these states."""
        where, values = ["1"], list[Any](status)
        if status:
            where.append(f"l.status IN ({', '.join('?' * len(status))})")
        if iteration is not None:
            where.append("s.iteration = ?")
            values.append(iteration)
        rows = self._all(
            "SELECT s.key, s.frame, s.origin, s.iteration, s.place, l.status, l.launches,"
            " l.attempts, l.reason, l.results, l.fingerprint, l.seconds, l.part"
            f" FROM structures s JOIN labels l USING (key) WHERE {' AND '.join(where)}"
            " ORDER BY s.iteration, s.place",
            *values,
        )
        return [_label(row) for row in rows]

    def set_running(self, key: str) -> None:
        """A worker was started for a label."""
        self._change(
            "UPDATE labels SET status = 'running', launches = launches + 1 WHERE key = ?", key
        )

    def set_queued(self, key: str) -> None:
        """The label waits for a worker again."""
        self._change("UPDATE labels SET status = 'queued' WHERE key = ?", key)

    def forget_failure(self, key: str) -> None:
        """The label waits as if it had never been tried."""
        self._change(
            "UPDATE labels SET status = 'queued', attempts = 0, reason = NULL, seconds = NULL"
            " WHERE key = ?",
            key,
        )

    def postpone(self, keys: Sequence[str], iteration: int) -> None:
        """Structures are asked for in an iteration, in this order, instead of an earlier one."""
        first = len(self.labels(iteration=iteration))
        with self.transaction():
            for place, key in enumerate(keys, start=first):
                self._change(
                    "UPDATE structures SET iteration = ?, place = ? WHERE key = ?",
                    iteration, place, key,
                )  # fmt: skip

    def settle(self, key: str, outcome: LabelOutcome) -> None:
        """Take in what came of a label."""
        with self.transaction():
            last = outcome.last
            self._change(
                "UPDATE labels SET attempts = ?, seconds = ? WHERE key = ?",
                len(outcome.attempts), outcome.seconds, key,
            )  # fmt: skip
            if last.fingerprint is None or not outcome.succeeded:
                self.set_failed(key, last.reason or "no results")
                return
            digest = last.fingerprint.digest
            self._change(
                "INSERT OR IGNORE INTO fingerprints VALUES (?, ?)",
                digest, last.fingerprint.model_dump_json(),
            )  # fmt: skip
            self._change(
                "UPDATE labels SET status = 'done', reason = NULL, results = ?, fingerprint = ?"
                " WHERE key = ?",
                json.dumps(last.results), digest, key,
            )  # fmt: skip

    def adopt(self, key: str, results: Mapping[str, Any], fingerprint: str) -> None:
        """What was known before becomes the label, as if made with a fingerprint that is there."""
        self._change(
            "UPDATE labels SET status = 'done', reason = NULL, results = ?, fingerprint = ?"
            " WHERE key = ?",
            json.dumps(dict(results)), fingerprint, key,
        )  # fmt: skip

    def set_failed(self, key: str, reason: str) -> None:
        """There will be no label."""
        self._change("UPDATE labels SET status = 'failed', reason = ? WHERE key = ?", reason, key)

    def set_parts(self, parts: Mapping[str, str]) -> None:
        """Into which part of the data labels go, by key."""
        with self.transaction():
            for key, part in parts.items():
                self._change("UPDATE labels SET part = ? WHERE key = ?", part, key)

    def fingerprints(self) -> dict[str, Fingerprint]:
        """By their digest."""
        rows = self._all("SELECT digest, content FROM fingerprints")
        return {d: parse_settings(Fingerprint, json.loads(content)) for d, content in rows}

    # ------------------------------------------------------------------- models, facts and events

    def add_model(
        self, iteration: int, member: int, seed: int, path: str, metrics: Mapping[str, Any]
    ) -> None:
        """Note a trained model; one that is trained again takes the place of the first."""
        self._change(
            "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?)",
            iteration, member, seed, path, json.dumps(dict(metrics)),
        )  # fmt: skip

    def models(self, iteration: int) -> dict[int, tuple[str, dict[str, Any]]]:
        """Path and metrics of the models of an iteration, by member."""
        rows = self._all(
            "SELECT member, path, metrics FROM models WHERE iteration = ? ORDER BY member",
            iteration,
        )
        return {member: (path, json.loads(metrics)) for member, path, metrics in rows}

    def add_candidates(self, candidates: Sequence[Considered], iteration: int) -> None:
        """Note all candidates of an iteration, in the order in which they were explored."""
        with self.transaction():
            for place, one in enumerate(candidates):
                self._change(
                    "INSERT INTO candidates VALUES (?, ?, ?, ?, ?)",
                    iteration, place, json.dumps(dict(one.origin)), one.uncertainty, one.verdict,
                )  # fmt: skip

    def candidates(self, iteration: int) -> list[Considered]:
        """All candidates of an iteration; none where an older version chose, which kept none."""
        rows = self._all(
            "SELECT origin, uncertainty, verdict FROM candidates WHERE iteration = ?"
            " ORDER BY place",
            iteration,
        )
        return [
            Considered(json.loads(origin), math.nan if value is None else value, verdict)
            for origin, value, verdict in rows  # SQLite keeps NaN as NULL
        ]

    def fact(self, name: str, default: Any = None) -> Any:
        """Plain data that the campaign keeps under a name."""
        rows = self._all("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: Any) -> None:
        """Keep plain data under a name."""
        self._change("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))

    def note(self, kind: str, **content: Any) -> None:
        """Write into the log of the campaign."""
        self._change(
            "INSERT INTO events (time, kind, content) VALUES (?, ?, ?)",
            time.time(), kind, json.dumps(content),
        )  # fmt: skip

    def events(self) -> list[Event]:
        """The log, in order."""
        rows = self._all("SELECT time, kind, content FROM events ORDER BY number")
        return [Event(when, kind, json.loads(content)) for when, kind, content in rows]

    # ------------------------------------------------------------------------------------- inside

    def _check(self) -> None:
        """That the file is a store that can be read; an empty one becomes a store, an older one
        one of this version."""
        version = version_of(self._base)
        (application,) = self._base.execute("PRAGMA application_id").fetchone()
        (tables,) = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0:
            create(self._base)
            return
        if application != APPLICATION:
            raise StoreError(f"{self.path} is a database, but not the store of a campaign")
        if version > FORMAT:
            raise StoreError(
                f"{self.path} has store format {version}, this version of the package knows "
                f"{FORMAT}: update the package. Nothing was changed"
            )
        (damage,) = self._base.execute("PRAGMA quick_check(1)").fetchone()
        if damage != "ok":
            raise StoreError(damaged(self.path, damage))
        if version < FORMAT:
            upgrade(self._base)

    def _all(self, query: str, *values: Any) -> list[Any]:
        with clear_errors(self.path):
            return self._base.execute(query, values).fetchall()

    def _change(self, query: str, *values: Any) -> None:
        with clear_errors(self.path):
            self._base.execute(query, values)


def _label(row: Sequence[Any]) -> Label:
    key, frame, origin, iteration, place, status, launches, attempts, reason, results, *rest = row
    fingerprint, seconds, part = rest
    return Label(
        structure=Structure(key, frame, json.loads(origin)),
        iteration=iteration,
        place=place,
        status=status,
        launches=launches,
        attempts=attempts,
        reason=reason,
        results=json.loads(results) if results else None,
        fingerprint=fingerprint,
        seconds=seconds,
        part=part,
    )
