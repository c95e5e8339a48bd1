"""The tables of a campaign's store, and how a store of an older version becomes one of this."""

import sqlite3

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
#: What makes a store of one version a store of the next: 1 did not keep what became of candidates.
_UPGRADES = {1: _CANDIDATES}


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
            for statement in _UPGRADES[version].split(";"):
                base.execute(statement)
        base.execute(f"PRAGMA user_version = {FORMAT}")
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise
