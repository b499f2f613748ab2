"""One database behind one URL: a connection that writes, connections that read, statements that are compiled once.

Everything that an engine writes goes through one connection, one transaction at a time. SQLAlchemy knows the dialects, the
tables and the migrations; the way of a write is the driver's own, because it is walked once for every step.
"""

from __future__ import annotations

import json
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy.engine import URL, Dialect
from sqlalchemy.sql import ClauseElement

from mpf_core.store.port import StoreUnavailable


class Statement(str):
    """SQL for a driver, and the values that stand in the statement itself."""

    __slots__ = ("values",)
    values: dict[str, object]

    @classmethod
    def of(cls, clause: ClauseElement, dialect: Dialect) -> Statement:
        """Compile a statement."""
        compiled = clause.compile(dialect=dialect)
        if "POSTCOMPILE" in str(compiled):  # a list for IN, which needs all values to be known
            compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        made = cls(str(compiled))
        made.values = {name: value for name, value in compiled.params.items() if value is not None}
        return made


class Cursor:
    """A driver's cursor that takes compiled statements."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def execute(self, statement: str, values: Mapping[str, object] | None = None) -> Cursor:
        """Run a statement; returns the cursor itself."""
        fixed = getattr(statement, "values", None)
        self._raw.execute(statement, {**fixed, **(values or {})} if fixed else values or {})
        return self

    def executemany(self, statement: str, values: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each set of values."""
        self._raw.executemany(statement, values)

    def fetchone(self) -> Any:
        """The next row, or ``None``."""
        return self._raw.fetchone()

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        found: list[Any] = self._raw.fetchall()
        return found

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        return int(self._raw.rowcount)


class Database(ABC):
    """A database. One object serves all threads of one process, and no forked child.

    ``on_connect`` functions run on every new connection that writes, before anything else does; what they raise keeps the
    connection from being used.
    """

    dialect: ClassVar[Literal["sqlite", "postgresql"]]
    sql_dialect: Dialect
    #: Statements of all databases of a kind: compiling them takes longer than opening a store.
    _compiled: ClassVar[dict[ClauseElement, Statement]]
    path: Path | None = None

    def __init__(self, url: URL) -> None:
        self.url = url
        self.on_connect: list[Callable[[Cursor], None]] = []
        self._writing = threading.RLock()
        self._process = os.getpid()
        self._closed = False
        #: Connections for reading that nobody uses now.
        self._idle: list[Any] = []
        self._writer: Any = None

    def compiled(self, clause: ClauseElement) -> Statement:
        """A statement for this database. It is kept: for statements that are made once."""
        found = self._compiled.get(clause)
        if found is None:
            found = self._compiled[clause] = self.statement(clause)
        return found

    def statement(self, clause: ClauseElement) -> Statement:
        """A statement for this database, for one use."""
        return Statement.of(clause, self.sql_dialect)

    @abstractmethod
    def write(self, *, sync: bool = True) -> Any:
        """A write transaction as a context manager that gives a `Cursor`; committed at its end, durably with ``sync``.

        Raises StoreUnavailable when the database does not answer or cannot write; what violates a constraint, as the
        driver does.
        """

    @abstractmethod
    def read(self, *, snapshot: bool = False) -> Any:
        """A context manager that gives a `Cursor` for reading; with ``snapshot``, all of it sees one state."""

    def close(self) -> None:
        """Close all connections. A forked child leaves them to its parent."""
        self._closed = True
        with self._writing:
            if os.getpid() == self._process:
                for connection in (*self._idle, *([self._writer] if self._writer is not None else [])):
                    connection.close()
            self._idle, self._writer = [], None

    @property
    def shown(self) -> str:
        """The URL without password."""
        return self.url.render_as_string(hide_password=True)

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise RuntimeError("a store cannot be used in a forked child: open another one there")
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _welcome(self, connection: Any) -> Any:
        """Run the `on_connect` functions on a new connection that writes."""
        try:
            for function in self.on_connect:
                function(Cursor(connection.cursor()))
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_back(self, connection: Any, sound: bool) -> None:
        """Keep a connection for the next one who reads; one on which something failed is closed."""
        if sound and not self._closed:
            self._idle.append(connection)
        elif connection is not None:
            connection.close()


_CANONICAL = json.JSONEncoder(separators=(",", ":"))


def canonical(values: Sequence[object]) -> bytes:
    """An unambiguous encoding of some values, to authenticate them together."""
    return _CANONICAL.encode(values).encode("ascii")
