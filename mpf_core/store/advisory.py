"""Life shown to engines on other hosts: an advisory lock in the PostgreSQL server, beside a lock file for those on this one.

The advisory lock belongs to the session that does all writes of the engine: no session, no lock, and no write before it has
been taken again. A server behind a pooler that gives sessions away between transactions cannot be used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import bindparam, select, text

from mpf_core.store.database import Cursor
from mpf_core.store.engines import Claimed, FileLiveness, Registration
from mpf_core.store.liveness import LockFile, host_id, keep_from_children
from mpf_core.store.port import Claim, StoreUnavailable
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.tables import engines

#: How long a session of our own that is gone may keep the lock after the server was told to end it.
_PATIENCE = 5.0


class ServerLiveness:
    """Advisory locks on the writer's session, and lock files in ``folder`` (none, if it is ``None``)."""

    def __init__(self, db: PostgresDatabase, folder: Path | None) -> None:
        self._db = db
        self._files = None if folder is None else FileLiveness(folder.absolute())
        self._held: set[str] = set()
        #: Engines of this process whose registration went, with their lock, while the server was out of reach.
        self.lost: set[str] = set()
        self._session: tuple[object, ...] = ()
        db.on_connect.append(self._take_again)

    def lock_file(self, engine: str) -> str:
        """See `Liveness.lock_file`."""
        return "" if self._files is None else self._files.lock_file(engine)

    def hold(self, engine: str, cursor: Cursor) -> None:
        """See `Liveness.hold`."""
        if self._files is not None:
            self._files.hold(engine, cursor)
        self._take(cursor, engine)
        self._held.add(engine)
        self._remember(cursor)

    def release(self, engine: str) -> None:
        """See `Liveness.release`."""
        try:
            if engine in self._held:
                self._held.remove(engine)
                with self._db.write(sync=False) as cursor:
                    cursor.execute(self._db.compiled(_UNLOCK), _lock(engine))
        finally:
            if self._files is not None:
                self._files.release(engine)

    @contextmanager
    def claim(self, engine: Registration) -> Iterator[Claim | None]:
        """See `Liveness.claim`.

        An engine on this host whose process has its lock file is alive, and only its session is gone: ``None``. Where no
        file tells, the claim is not certain.
        """
        with ExitStack() as stack:
            connection = stack.enter_context(closing(self._db.connect()))
            keep_from_children(connection)
            cursor = Cursor(connection.cursor())
            if not self._free(cursor, engine.id):
                yield None
                return
            known = False
            if engine.lock_file and engine.host == host_id() and Path(engine.lock_file).exists():
                lock = LockFile(Path(engine.lock_file))
                known = lock.take(create=False)
                if not known and lock.path.exists():
                    yield None
                    return
                stack.callback(self._put_back, lock, engine.id)
            yield Claimed(certain=known or engine.left)

    def holds(self, engine: str) -> bool:
        """See `Engines.holds`."""
        return engine in self._held

    def discard(self, engine: Registration) -> None:
        """See `Liveness.discard`. The claim of a lock file removes it."""

    def is_sure(self) -> bool:
        """See `Engines.is_sure`: while the server does not answer, the lock may be gone."""
        return False

    def close(self) -> None:
        """See `Liveness.close`. The advisory locks end with the connection."""
        self._held.clear()
        if self._files is not None:
            self._files.close()

    def _free(self, cursor: Cursor, engine: str) -> bool:
        from psycopg import Error  # noqa: PLC0415 - an extra

        try:
            return bool(cursor.execute(self._db.compiled(_TRY), _lock(engine)).fetchone()[0])
        except Error as error:
            raise StoreUnavailable(f"{self._db.shown}: {type(error).__name__}") from error

    def _put_back(self, lock: LockFile, engine: str) -> None:
        """End the claim of a lock file: it goes with the registration, and is left for the next claim without."""
        try:
            with self._db.read() as cursor:
                if cursor.execute(self._db.compiled(_REGISTERED), {"engine": engine}).fetchone() is None:
                    lock.remove()
        except StoreUnavailable:
            pass  # then the file stays; nobody needs it to be gone
        finally:
            lock.close()

    def _take_again(self, cursor: Cursor) -> None:
        """Take the locks on a new session, before anything is written on it.

        One whose registration is gone has lost its place: another engine has recovered what it had begun. Raises
        StoreUnavailable while another engine is at that.
        """
        for engine in sorted(self._held):
            if cursor.execute(self._db.compiled(_REGISTERED), {"engine": engine}).fetchone() is None:
                self._held.discard(engine)
                self.lost.add(engine)
            else:
                self._take(cursor, engine)
        if self._held:
            self._remember(cursor)

    def _take(self, cursor: Cursor, engine: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not cursor.execute(self._db.compiled(_TRY), _lock(engine)).fetchone()[0]:
            holder = cursor.execute(self._db.compiled(_HOLDER), _lock(engine)).fetchone()
            if time.monotonic() > until or (holder is not None and tuple(holder) != self._session):
                raise StoreUnavailable("the connection to the store was lost, and another engine is recovering this one")
            if holder is not None:
                # The server has not noticed yet that our former session is dead; nothing else would tell it for hours.
                cursor.execute(self._db.compiled(_END_SESSION), {"pid": holder[0]})
            time.sleep(0.05)

    def _remember(self, cursor: Cursor) -> None:
        keep_from_children(cursor._raw.connection)
        self._session = tuple(cursor.execute(self._db.compiled(_SESSION), {}).fetchone())


def _lock(engine: str) -> dict[str, int]:
    """The two numbers of an engine's lock. The class is "MPFE"; the other is part of the engine's random id."""
    return {"class": 0x4D50_4645, "number": int(engine[:8], 16) & 0x7FFF_FFFF}


_TRY = text("SELECT pg_try_advisory_lock(CAST(:class AS integer), CAST(:number AS integer))")
_UNLOCK = text("SELECT pg_advisory_unlock(CAST(:class AS integer), CAST(:number AS integer))")
_SESSION = text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
_END_SESSION = text("SELECT pg_terminate_backend(CAST(:pid AS integer))")
_HOLDER = text(
    "SELECT lock.pid, session.backend_start FROM pg_locks AS lock JOIN pg_stat_activity AS session ON session.pid = lock.pid"
    " JOIN pg_database AS here ON here.oid = lock.database"
    " WHERE here.datname = current_database() AND lock.locktype = 'advisory' AND lock.granted"
    " AND lock.classid = CAST(:class AS oid) AND lock.objid = CAST(:number AS oid) AND lock.objsubid = 2"
)
_REGISTERED = select(engines.c.id).where(engines.c.id == bindparam("engine"))
