"""One database behind one URL: a connection that writes, connections that read, statements that are compiled once.

Everything that an engine writes goes through one connection, one transaction at a time. SQLAlchemy knows the dialects, the
tables and the migrations; the way of a write is the driver's own, because it is walked once for every step.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql import ClauseElement

from mpf_core.errors import ConfigError
from mpf_core.store.port import StoreUnavailable

_BUSY_SECONDS = 10.0
_WAL_ATTEMPTS = 250


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


class PostgresDatabase(Database):
    """PostgreSQL, through psycopg."""

    dialect = "postgresql"
    _compiled: ClassVar[dict[ClauseElement, Statement]] = {}

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        try:
            import psycopg  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise ConfigError("a PostgreSQL store needs a library: pip install 'mpf-core[postgresql]'") from None
        self._psycopg = psycopg
        self.sql_dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]

    @contextmanager
    def write(self, *, sync: bool = True) -> Iterator[Cursor]:
        """See `Database.write`."""
        self._check()
        errors = self._psycopg
        with self._writing:
            connection = self._live_writer()
            try:
                cursor = connection.cursor()
                cursor.execute("BEGIN" if sync else "BEGIN; SET LOCAL synchronous_commit = off")
                yield Cursor(cursor)
                cursor.execute("COMMIT")
            except errors.IntegrityError:
                self._roll_back(connection)
                raise
            except errors.Error as error:
                self._roll_back(connection)
                raise self._unavailable(error) from error
            except BaseException:
                self._roll_back(connection)
                raise

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Cursor]:
        """See `Database.read`."""
        self._check()
        connection: Any = None
        sound = False
        try:
            connection = self._reader()
            cursor = connection.cursor()
            if snapshot:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Cursor(cursor)
            if snapshot:
                cursor.execute("COMMIT")
            sound = True
        except self._psycopg.Error as error:
            raise self._unavailable(error) from error
        finally:
            self._put_back(connection, sound)

    def connect(self) -> Any:
        """A connection of the caller's own, in autocommit mode. Raises StoreUnavailable."""
        self._check()
        try:
            return self._connect()
        except self._psycopg.Error as error:
            raise self._unavailable(error) from error

    def _reader(self) -> Any:
        """An idle connection that still lives, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if not self._lost(connection):
                return connection
        return self._connect()

    def _live_writer(self) -> Any:
        """The connection that writes, made again when it is lost. Raises StoreUnavailable, and what `on_connect` does."""
        if self._writer is not None and not self._writer.closed and not self._lost(self._writer):
            return self._writer
        self._writer = None
        self._writer = self._welcome(self._reconnect())
        return self._writer

    def _lost(self, connection: Any) -> bool:
        """Whether the server has hung up: a look at the socket, and no round trip."""
        import select  # noqa: PLC0415

        try:
            readable, _, _ = select.select([connection.fileno()], [], [], 0)
            if readable:
                connection.execute("SELECT 1")
        except (OSError, ValueError, self._psycopg.Error):
            connection.close()
            return True
        return False

    def _reconnect(self) -> Any:
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential  # noqa: PLC0415

        retrying = Retrying(
            retry=retry_if_exception_type(self._psycopg.OperationalError),
            stop=stop_after_delay(5),
            wait=wait_exponential(multiplier=0.05, max=0.5),
            reraise=True,
        )
        try:
            return retrying(self._connect)
        except self._psycopg.Error as error:
            raise self._unavailable(error) from error

    def _connect(self) -> Any:
        url = self.url
        options: dict[str, Any] = {
            name: value
            for name, value in (
                ("host", url.host),
                ("port", url.port),
                ("user", url.username),
                ("password", url.password),
                ("dbname", url.database),
                *url.query.items(),
            )
            if value
        }
        defaults = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        return self._psycopg.connect(**{**defaults, **options}, autocommit=True)

    def _roll_back(self, connection: Any) -> None:
        try:
            if not connection.closed:
                connection.execute("ROLLBACK")
        except self._psycopg.Error:
            connection.close()

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self.shown}: {type(error).__name__}: {' '.join(str(error).split())}")


def open_database(url: str, base_dir: Path) -> Database:
    """The database of a URL, with its tables as they are now. Relative files refer to ``base_dir``.

    Raises ConfigError for a URL that names none, a newer schema, and a missing driver; StoreUnavailable.
    """
    from mpf_core.store.migration import upgrade  # noqa: PLC0415 - which imports from here

    database = _database(url, base_dir)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def _database(url: str, base_dir: Path) -> Database:
    if url == "memory:":
        return SqliteDatabase(make_url("sqlite://"), None)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # which may quote a part of the password
        raise ConfigError("store.url cannot be read; a special character in its password must be written as %XX") from None
    match parsed.drivername:
        case "sqlite":
            if not parsed.database:
                raise ConfigError("store.url names no file: sqlite:///FILE")
            return SqliteDatabase(parsed, base_dir / parsed.database)
        case "postgresql" | "postgresql+psycopg":
            return PostgresDatabase(parsed)
    raise ConfigError(f"store.url names no kind of store: {parsed.drivername}")


_CANONICAL = json.JSONEncoder(separators=(",", ":"))


def canonical(values: Sequence[object]) -> bytes:
    """An unambiguous encoding of some values, to authenticate them together."""
    return _CANONICAL.encode(values).encode("ascii")
