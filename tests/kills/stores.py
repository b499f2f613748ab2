"""The stores of the kill tests, which are emptied between two kills."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import make_url

from mpf_core.config import StoreSettings
from mpf_core.store.opening import open_store
from mpf_core.store.tables import metadata

_KEY_FILE = "mpf.key"
_LOCKS = "locks"


class EmptiedStore(Protocol):
    """A store at one place."""

    @property
    def name(self) -> str:
        """Which kind it is."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """``[store]`` of an engine's configuration."""
        ...

    def empty(self) -> None:
        """Bring it back to what a new store is. Nobody uses it meanwhile, but killed clients of a server may linger."""
        ...

    def steps(self) -> int:
        """How many steps the journal has."""
        ...

    def execute(self, statement: str) -> None:
        """Change something behind everybody's back."""
        ...

    def content(self) -> bytes:
        """All that it holds, as it is kept."""
        ...

    def lock_files(self) -> list[str]:
        """The engines' lock files that are there."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class SqliteStore:
    """In a file."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "mpf.db"
        self.settings: Mapping[str, Any] = {"url": f"sqlite:///{self._file.name}"}
        open_store(StoreSettings.model_validate(self.settings), folder).close()
        self._new = self._file.read_bytes()

    def empty(self) -> None:
        """See `EmptiedStore.empty`."""
        for end in ("-wal", "-shm"):
            self._file.with_name(self._file.name + end).unlink(missing_ok=True)
        self._file.write_bytes(self._new)
        shutil.rmtree(self._engines, ignore_errors=True)

    def steps(self) -> int:
        """See `EmptiedStore.steps`."""
        with _sqlite(self._file) as db:
            return int(db.execute("SELECT COUNT(*) FROM steps").fetchone()[0])

    def execute(self, statement: str) -> None:
        """See `EmptiedStore.execute`."""
        with _sqlite(self._file) as db:
            db.execute(statement)

    def content(self) -> bytes:
        """See `EmptiedStore.content`: what is on the disk."""
        return b"".join(path.read_bytes() for path in sorted(self._folder.glob("mpf.db*")) if path.is_file())

    def lock_files(self) -> list[str]:
        """See `EmptiedStore.lock_files`."""
        return sorted(path.name for path in self._engines.glob("*"))

    def close(self) -> None:
        """See `EmptiedStore.close`."""

    @property
    def _engines(self) -> Path:
        return self._file.with_name(f"{self._file.name}.engines")


class PostgresStore:
    """In a database of a server."""

    name = "postgresql"

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.settings: Mapping[str, Any] = {"url": url, "key_file": _KEY_FILE, "lock_dir": _LOCKS}
        open_store(StoreSettings.model_validate(self.settings), folder).close()
        parsed = make_url(url)
        self._db = psycopg.connect(
            host=str(parsed.query["host"]), user=parsed.username, dbname=parsed.database, autocommit=True
        )
        self._meta = self._db.execute("SELECT name, value FROM meta").fetchall()

    def empty(self) -> None:
        """See `EmptiedStore.empty`."""
        with self._db.transaction(), self._db.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            for table in metadata.tables:
                cursor.execute(f'DELETE FROM "{table}"'.encode())
            cursor.executemany("INSERT INTO meta (name, value) VALUES (%s, %s)", self._meta)
        shutil.rmtree(self._folder / _LOCKS, ignore_errors=True)

    def steps(self) -> int:
        """See `EmptiedStore.steps`."""
        row = self._db.execute("SELECT COUNT(*) FROM steps").fetchone()
        assert row is not None
        return int(row[0])

    def execute(self, statement: str) -> None:
        """See `EmptiedStore.execute`."""
        self._db.execute(statement.encode())

    def content(self) -> bytes:
        """See `EmptiedStore.content`."""
        found = []
        with self._db.cursor() as cursor:
            for table in metadata.tables:
                with cursor.copy(f'COPY "{table}" TO STDOUT (FORMAT binary)'.encode()) as rows:
                    found += [bytes(part) for part in rows]
        return b"".join(found)

    def lock_files(self) -> list[str]:
        """See `EmptiedStore.lock_files`."""
        return sorted(path.name for path in (self._folder / _LOCKS).glob("*"))

    def close(self) -> None:
        """See `EmptiedStore.close`."""
        self._db.close()


def _sqlite(file: Path) -> Any:
    import sqlite3
    from contextlib import closing

    return closing(sqlite3.connect(file, isolation_level=None))
