"""The file behind the embedded directory: tables, connections, transactions, and SQLite's errors as ours.

Objects know their parent and carry their path; a value that names an object holds that object's number, so names in values
follow a rename by themselves. Every value has a `key`, the form in which it is compared, and every key is indexed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_directory.results import Result

#: Goes up with every change of the tables; kept in the file as its user_version.
FORMAT = 1

_TABLES = """
CREATE TABLE domain (name TEXT PRIMARY KEY, data) WITHOUT ROWID;
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    guid BLOB NOT NULL UNIQUE,
    path TEXT NOT NULL UNIQUE, -- the normalised parts of the name, from the top, each followed by a separator or the end
    dn TEXT NOT NULL,
    class TEXT NOT NULL
);
CREATE INDEX object_by_parent ON object (parent);
CREATE TABLE value (
    id INTEGER PRIMARY KEY,    -- values are shown in the order in which they were added
    object INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    key NOT NULL,              -- what is compared: folded text, a number, octets, or the target's number
    data,                      -- what is shown; of a DN with binary that names a living object, the binary part
    target INTEGER             -- the object that a DN value names
);
CREATE UNIQUE INDEX value_by_object ON value (object, attribute, key);
CREATE INDEX value_by_key ON value (attribute, key, object);
CREATE INDEX value_by_target ON value (target, attribute, object) WHERE target IS NOT NULL;
CREATE TABLE password (object INTEGER PRIMARY KEY, salt BLOB NOT NULL, hash BLOB NOT NULL);
"""

_CODES = {
    sqlite3.SQLITE_BUSY: Result.BUSY,
    sqlite3.SQLITE_LOCKED: Result.BUSY,
    sqlite3.SQLITE_FULL: Result.DISK_FULL,
    sqlite3.SQLITE_IOERR: Result.WRITE_FAULT,
    sqlite3.SQLITE_READONLY: Code.E_ACCESSDENIED,
    sqlite3.SQLITE_PERM: Code.E_ACCESSDENIED,
    sqlite3.SQLITE_CORRUPT: Result.FILE_CORRUPT,
    sqlite3.SQLITE_NOTADB: Result.FILE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN: Code.SERVER_DOWN,
}


class Store:
    """One SQLite file in WAL mode, for any number of threads and processes.

    Connections are kept for the next operation, whichever thread that runs in. Writes of this process wait for each other
    here, those of other processes wait in SQLite, both for at most ``patience`` seconds, then Result.BUSY is raised.
    """

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        """Nothing is opened here."""
        self._path = path
        self._patience = patience
        self._writer = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()
        self._inherited: deque[sqlite3.Connection] | None = None
        self._process = os.getpid()
        self._closed = False

    @classmethod
    def create(cls, path: Path, patience: float = 30.0) -> Store:
        """Make the file, readable by its owner only. The tables come with the first transaction: see `create_tables`."""
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise ConfigError(f"the embedded directory {path} cannot be created: {error.strerror}") from None
        store = cls(path, patience)
        with store._errors():
            db = store._connect()
            # Kept in the file: readers and one writer do not wait for each other.
            db.execute("PRAGMA journal_mode = WAL")
            store._keep(db)
        return store

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection with one unchanging view of the data. Raises MpfError for what SQLite reports."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept if the block ends well, and all undone if it raises."""
        self._leave_parent()
        writer = self._writer
        if not writer.acquire(timeout=self._patience):
            raise MpfError(Result.BUSY, f"{self._path} is being written for more than {self._patience:g} s")
        try:
            with self._transaction("BEGIN IMMEDIATE") as db:
                yield db
        finally:
            writer.release()

    def close(self) -> None:
        """Close what is not in use; connections in use are closed as they come back. May be called twice."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._errors():
            db = self._connection()
            try:
                db.execute(begin)
                yield db
                db.execute("COMMIT")
            finally:
                self._keep(db)

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise MpfError(Code.SERVER_DOWN, f"the embedded directory {self._path} is closed")
        self._leave_parent()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _leave_parent(self) -> None:
        """A forked child must not use its parent's connections, and not even close them."""
        if self._process != os.getpid():
            self._inherited = self._idle
            self._idle, self._process, self._writer = deque(), os.getpid(), threading.Lock()

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a missing file is an error and no new, empty directory.
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        db = sqlite3.connect(uri, uri=True, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA synchronous = FULL")
            db.create_function("matches", 2, _matches, deterministic=True)
        except BaseException:
            db.close()
            raise
        return db

    def _keep(self, db: sqlite3.Connection) -> None:
        """Put a connection aside for the next operation, without whatever was not committed."""
        keep = False
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
            keep = not self._closed
        finally:
            if keep:
                self._idle.append(db)
            else:
                db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Extended codes have the primary one in their low byte. None: misuse found by the Python module itself.
            code = getattr(error, "sqlite_errorcode", None)
            hresult = Code.E_UNEXPECTED if code is None else _CODES.get(code & 0xFF, Code.E_FAIL)
            raise MpfError(hresult, f"the embedded directory {self._path}: {error}") from error


def create_tables(db: sqlite3.Connection) -> None:
    """The tables of a new directory, inside a transaction. ConfigError when the file has any content."""
    if db.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").fetchone()[0]:
        raise ConfigError("the file exists already and is not empty")
    for statement in _TABLES.split(";\n"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {FORMAT}")


def check_format(db: sqlite3.Connection, path: Path) -> None:
    """ConfigError when the file is no embedded directory, or one of another version."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise ConfigError(f"{path} is no embedded directory of format {FORMAT} (its user_version is {version})")


@lru_cache(maxsize=64)
def _parts(pattern: str) -> tuple[str, ...]:
    return tuple(json.loads(pattern))


def _matches(key: object, pattern: str) -> bool:
    """Whether ``key`` begins, goes on and ends with the parts in ``pattern``; linear, unlike SQLite's GLOB."""
    if not isinstance(key, str):
        return False
    first, *between, last = _parts(pattern)
    if not key.startswith(first):
        return False
    position = len(first)
    for part in between:
        if (found := key.find(part, position)) < 0:
            return False
        position = found + len(part)
    return key.endswith(last) and position + len(last) <= len(key)
