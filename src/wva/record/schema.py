"""The tables of a journal, and how a connection to one is opened.

A journal is one SQLite file: a row for the run, its scenario where it was simulated, what people told the loop where it
was live, and a row for each block of consecutive decisions, one transaction each. The parts of the decisions lie in
columns of their own, in order: compressed JSON (see ``column``), and for observations also what ``observations`` takes
them apart into.
"""

import sqlite3
from dataclasses import fields
from pathlib import Path

from wva.fleet.errors import UserError
from wva.record.run import Run

APPLICATION_ID = 0x57564131
"""Marks an SQLite file as a journal (``WVA1`` in ASCII)."""
FORMAT_VERSION = 1
"""Layout of the tables and of the JSON in them; a reader refuses any other."""

_RUN_FIELDS = tuple(field.name for field in fields(Run))

_TABLES = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
CREATE TABLE run ({", ".join(_RUN_FIELDS)}, finished INTEGER NOT NULL DEFAULT 0);
CREATE TABLE scenario (document TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL);
CREATE TABLE block (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    first_time REAL NOT NULL,
    last_time REAL NOT NULL,
    times BLOB NOT NULL,
    durations BLOB NOT NULL,
    plans BLOB NOT NULL,
    memories BLOB NOT NULL,
    outcomes BLOB NOT NULL,
    observations BLOB NOT NULL,
    layouts BLOB NOT NULL,
    variants BLOB NOT NULL,
    replicas BLOB NOT NULL,
    metrics BLOB
);
CREATE INDEX block_by_time ON block (first_time);
COMMIT;
"""


def create(path: Path, run: Run, document: str | None = None) -> None:
    """Make an empty journal at ``path``; ``document`` is its scenario. Raises ``sqlite3.Error`` or ``OSError``."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nothing is lost yet if the machine fails now; what follows is made durable by the first checkpoint.
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_TABLES)
        marks = ", ".join("?" for _ in _RUN_FIELDS)
        values = [getattr(run, name) for name in _RUN_FIELDS]
        connection.execute(f"INSERT INTO run ({', '.join(_RUN_FIELDS)}) VALUES ({marks})", values)
        if document is not None:
            connection.execute("INSERT INTO scenario (document) VALUES (?)", (document,))
    finally:
        connection.close()


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """Open a journal that blocks are added to; readers may look at it at the same time.

    A write-ahead log keeps the journal consistent through a crash of the process or the machine without waiting for the
    disk at every block.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open a journal, finished or not. Raises ``UserError`` where there is none or it is of another format."""
    if not path.is_file():
        raise UserError(f"there is no journal {path}")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise UserError(f"cannot open {path}: {error}") from error
    try:
        _check_format(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise UserError(f"cannot read {path} as a journal: {error}") from error
    except UserError:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise UserError(f"{path} is not a journal of WVA")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT_VERSION:
        raise UserError(f"{path} has journal format {version}, and this version of WVA reads format {FORMAT_VERSION}")


def read_run(connection: sqlite3.Connection) -> Run:
    """The row of the run."""
    return Run(*connection.execute(f"SELECT {', '.join(_RUN_FIELDS)} FROM run").fetchone())


def read_document(connection: sqlite3.Connection) -> str | None:
    """The document of the scenario; ``None`` where the journal has none, as before journals kept it."""
    return _read_document(connection, "scenario")


def read_orders(connection: sqlite3.Connection) -> str | None:
    """What people told a live loop last; ``None`` where the journal has nothing of it."""
    return _read_document(connection, "orders")


def _read_document(connection: sqlite3.Connection, table: str) -> str | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
        return None
    found = connection.execute(f"SELECT document FROM {table}").fetchone()
    return None if found is None else str(found[0])
