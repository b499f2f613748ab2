"""SQLite, through the standard library's driver."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL
from sqlalchemy.sql import ClauseElement

from mpf_core.errors import ConfigError
from mpf_core.store.database import Cursor, Database, Statement
from mpf_core.store.port import StoreUnavailable

_BUSY_SECONDS = 10.0
_WAL_ATTEMPTS = 250


class SqliteDatabase(Database):
    """SQLite: a file, or private to this object."""

    dialect = "sqlite"
    _compiled: ClassVar[dict[ClauseElement, Statement]] = {}

    def __init__(self, url: URL, path: Path | None) -> None:
        super().__init__(url)
        self.sql_dialect = sqlite.dialect(paramstyle="named")
        self.path = path
        self._synced = True
        if path is not None:
            _create_private(path)

    @contextmanager
    def write(self, *, sync: bool = True) -> Iterator[Cursor]:
        """See `Database.write`."""
        self._check()
        with self._writing:
            try:
                if self._writer is None:
                    self._writer = self._welcome(self._connect())
                connection = self._writer
                if sync is not self._synced:
                    connection.execute("PRAGMA synchronous=FULL" if sync else "PRAGMA synchronous=NORMAL")
                    self._synced = sync
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield Cursor(connection.cursor())
                connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                _roll_back(connection)
                raise
            except sqlite3.Error as error:
                _roll_back(connection)
                raise self._unavailable(error) from error
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Cursor]:
        """See `Database.read`."""
        self._check()
        if self.path is None:
            with self.write(sync=False) as cursor:
                yield cursor
            return
        connection: sqlite3.Connection | None = None
        sound = False
        try:
            connection = self._idle.pop() if self._idle else self._connect()
            if snapshot:
                connection.execute("BEGIN")
            yield Cursor(connection.cursor())
            if snapshot:
                connection.execute("COMMIT")
            sound = True
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        finally:
            self._put_back(connection, sound)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path or ":memory:",
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
            cached_statements=256,
        )
        for attempt in range(_WAL_ATTEMPTS):
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError:  # another one is just doing it, and for this SQLite does not wait by itself
                if attempt == _WAL_ATTEMPTS - 1:
                    raise
                time.sleep(0.02)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _unavailable(self, error: sqlite3.Error) -> StoreUnavailable:
        return StoreUnavailable(f"{self.path or 'memory'}: {error}")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _create_private(path: Path) -> None:
    """Make the file, for its owner only, if it is not there.

    One that is there is not even opened: closing it would take the locks from every other connection of this process.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"the store {path} cannot be opened: {error.strerror}") from None
