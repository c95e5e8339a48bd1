"""The tables of a campaign's store, and how a store of an older version becomes one of this."""

import json
import sqlite3
from collections.abc import Callable

#: Version of the tables below. A newer store is refused, an older one is upgraded.
FORMAT = 2
#: "mlip", in the header of the file.
APPLICATION = 0x6D6C6970

_CANDIDATES = """
CREATE TABLE candidates (
    iteration INTEGER NOT NULL, place INTEGER NOT NULL, origin TEXT NOT NULL, uncertainty REAL,
    verdict TEXT NOT NULL, PRIMARY KEY (iteration, place));
"""
_TABLES = f"""
CREATE TABLE structures (
    key TEXT PRIMARY KEY, iteration INTEGER NOT NULL, place INTEGER NOT NULL,
    frame TEXT NOT NULL, origin TEXT NOT NULL, UNIQUE (iteration, place));
CREATE TABLE labels (
    key TEXT PRIMARY KEY REFERENCES structures (key), status TEXT NOT NULL DEFAULT 'queued',
    launches INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT,
    results TEXT, fingerprint TEXT REFERENCES fingerprints (digest), seconds REAL, part TEXT);
CREATE TABLE fingerprints (digest TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE models (
    iteration INTEGER NOT NULL, member INTEGER NOT NULL, seed INTEGER NOT NULL,
    path TEXT NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (iteration, member));
{_CANDIDATES}
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL);
"""


def create(base: sqlite3.Connection) -> None:
    """Make a store of an empty file."""
    base.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION};"
        f"PRAGMA user_version = {FORMAT}; COMMIT;"
    )


def version_of(base: sqlite3.Connection) -> int:
    """The version of a store."""
    (version,) = base.execute("PRAGMA user_version").fetchone()
    return version


def upgrade(base: sqlite3.Connection) -> None:
    """Make a store of any older version one of this, whole or not at all."""
    base.execute("BEGIN IMMEDIATE")
    try:
        for version in range(version_of(base), FORMAT):  # another process may have been first
            UPGRADES[version](base)
        base.execute(f"PRAGMA user_version = {FORMAT}")
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise


def _from_1(base: sqlite3.Connection) -> None:
    """Version 1 kept neither what became of candidates, nor which labels a judgement was on and by
    what factor predictions were multiplied before it."""
    base.execute(_CANDIDATES)
    facts = {name: json.loads(value) for name, value in base.execute("SELECT * FROM facts")}
    scale = facts.get("validation 0", {}).get("scale")
    for iteration in range(1, facts.get("iteration", 0) + 1):
        judged = facts.get(f"judgement {iteration}")
        if judged is None:
            continue
        keys = [
            key
            for (key,) in base.execute(
                "SELECT key FROM structures JOIN labels USING (key)"
                " WHERE iteration = ? AND status = 'done' AND part IS NOT NULL ORDER BY place",
                (iteration,),
            )
        ]
        whole = judged | {"keys": keys, "used_scale": scale, "within": None}
        scale = judged["scale"]
        base.execute(
            "UPDATE facts SET value = ? WHERE name = ?",
            (json.dumps(whole), f"judgement {iteration}"),
        )


#: What makes a store of one version a store of the next.
UPGRADES: dict[int, Callable[[sqlite3.Connection], None]] = {1: _from_1}
