"""PostgreSQL, through psycopg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL
from sqlalchemy.sql import ClauseElement

from mpf_core.errors import ConfigError
from mpf_core.store.database import Cursor, Database, Statement
from mpf_core.store.port import StoreUnavailable


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
