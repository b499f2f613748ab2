"""Where the tests of the store open stores: one place for each kind of database, and child processes that share it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mpf_core.config import StoreSettings
from mpf_core.store.opening import MemoryStore, SqlStore, open_store
from mpf_core.store.port import TransactionRecord
from tests.postgres import PostgresServer

#: A process that opens a store, does something, says what came of it in JSON, and stays until it is told to end.
_CHILD = """
import json, os, signal, sys, time
from pathlib import Path
from mpf_core.config import StoreSettings
from mpf_core.store.opening import open_store

def say(value):
    sys.stdout.write(json.dumps(value) + "\\n")
    sys.stdout.flush()

settings = json.loads(sys.argv[1])
store = open_store(StoreSettings.model_validate(settings), Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class Place:
    """Where a store on disk is."""

    url: str
    base_dir: Path
    server: PostgresServer | None = None

    def open(self, **settings: object) -> SqlStore:
        """One more engine's view of the store."""
        store = open_store(self.settings(**settings), self.base_dir)
        assert isinstance(store, SqlStore)
        return store

    def settings(self, **settings: object) -> StoreSettings:
        """What the configuration says of it."""
        given = {"url": self.url, "key_file": "mpf.key", **({"lock_dir": "locks"} if self.server else {}), **settings}
        return StoreSettings.model_validate({name: value for name, value in given.items() if value is not None})

    @contextmanager
    def process(self, script: str, **settings: object) -> Iterator[Child]:
        """A process that runs ``script`` with ``store`` and ``say`` at hand, killed at the end."""
        given = self.settings(**settings).model_dump(mode="json", exclude_unset=True)
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD + script, json.dumps(given), str(self.base_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        child = Child(process)
        try:
            yield child
        finally:
            child.kill()


def sqlite_place(folder: Path) -> Place:
    """Where a new SQLite store will be."""
    return Place("sqlite:///mpf.db", folder)


@dataclass(frozen=True)
class Child:
    """A process of `Place.process`."""

    process: subprocess.Popen[str]

    def hear(self) -> object:
        """What it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the child has ended"
        return json.loads(line)

    def tell(self, line: str = "") -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as the system does when memory is short, and wait for that."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def execute(store: SqlStore | MemoryStore, statement: str, **values: object) -> int:
    """Change the tables behind the engine's back; returns how many rows were changed."""
    if store.db.dialect == "postgresql":
        statement = statement.replace("%", "%%")
        for name in values:
            statement = statement.replace(f":{name}", f"%({name})s")
    with store.db.write() as cursor:
        count: int = cursor.execute(statement, values).rowcount
    return count


def rows(store: SqlStore | MemoryStore, statement: str) -> list[tuple[object, ...]]:
    """What is in the tables."""
    with store.db.read() as cursor:
        return [tuple(row) for row in cursor.execute(statement).fetchall()]


def record(engine: str, transaction_id: str = "t1") -> TransactionRecord:
    """An open transaction of an engine."""
    return TransactionRecord(transaction_id, "FABRIKAM\\joe", "Sample::Create", 1000.0, engine=engine)


def known(engine: str, transaction_id: str = "t1") -> TransactionRecord:
    """The same, as somebody has it who knows that it is in the store."""
    return replace(record(engine, transaction_id), stored=True)
