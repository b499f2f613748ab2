"""Who uses the store, and whether he is alive (design: docs/design/transactions.md, "Whose transaction is it").

A registration is a row. Life is a lock outside of the row (`mpf_core.store.liveness`), which nobody has to give back.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import bindparam, delete, or_, select, update

from mpf_core.store.database import Cursor, Database
from mpf_core.store.liveness import LockFile, host_id
from mpf_core.store.port import Claim, StoreUnavailable
from mpf_core.store.tables import engines, transactions
from mpf_core.transaction.states import OPEN_TRANSACTIONS, TransactionState

#: An id becomes the name of a file: what is none of ours never gets that far.
_ID = re.compile(r"[0-9a-f]{32}")


class Registration(NamedTuple):
    """An engine as the others see it. ``left`` is whether it gave the store back itself."""

    id: str
    name: str
    host: str
    pid: int
    lock_file: str
    started: float
    left: bool
    master_key: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """Implements `mpf_core.store.port.Claim`."""

    certain: bool


class Liveness(Protocol):
    """How an engine shows that it lives. ``lost`` are engines of this process that have lost their lock."""

    @property
    def lost(self) -> Container[str]: ...

    def lock_file(self, engine: str) -> str:
        """Where the engine's lock file is; empty without one."""
        ...

    def hold(self, engine: str, cursor: Cursor) -> None:
        """Take the lock of a new engine of this process. Raises ConfigError when this system cannot."""
        ...

    def release(self, engine: str) -> None:
        """Give it back; nothing when it is not held."""
        ...

    def claim(self, engine: Registration) -> AbstractContextManager[Claim | None]:
        """Hold the lock of an engine that is gone; ``None`` when it is not free."""
        ...

    def discard(self, engine: Registration) -> None:
        """Nobody needs the lock of an engine any more, the registration of which is gone; its claim is still held."""
        ...

    def holds(self, engine: str) -> bool:
        """See `Engines.holds`."""
        ...

    def is_sure(self) -> bool:
        """See `Engines.is_sure`."""
        ...

    def close(self) -> None:
        """Give back everything."""
        ...


class FileLiveness:
    """One lock file for each engine, in a folder beside the SQLite database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, LockFile] = {}
        self.lost: Container[str] = frozenset()

    def lock_file(self, engine: str) -> str:
        """See `Liveness.lock_file`."""
        return str(self._folder / engine)

    def hold(self, engine: str, cursor: Cursor) -> None:
        """See `Liveness.hold`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = LockFile(self._folder / engine)
        if not lock.take():
            raise FileExistsError(lock.path)  # a random name of 128 bits
        self._held[engine] = lock

    def release(self, engine: str) -> None:
        """See `Liveness.release`."""
        lock = self._held.pop(engine, None)
        if lock is not None:
            lock.remove()

    @contextmanager
    def claim(self, engine: Registration) -> Iterator[Claim | None]:
        """See `Liveness.claim`. The claim makes a file where there is none, to exclude others.

        The engine may know the folder by another name, which it has registered. Where no file is left at all, an engine is
        gone when its process is.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = self._folder / engine.id
        registered = Path(engine.lock_file) if engine.lock_file and engine.host == host_id() else own
        names = [name for name in dict.fromkeys((own, registered)) if name.exists()]
        if not names and not engine.left and engine.host == host_id() and _runs(engine.pid):
            yield None
            return
        with ExitStack() as stack:
            for name in dict.fromkeys((own, *names)):
                lock = LockFile(name)
                if not lock.take(create=name == own):
                    if name == own or name.exists():
                        yield None
                        return
                    continue
                stack.callback(lock.close)  # and not removed: a file that is free says that the engine is gone
            yield Claimed(certain=True)

    def discard(self, engine: Registration) -> None:
        """See `Liveness.discard`."""
        for name in (self._folder / engine.id, Path(engine.lock_file or self._folder / engine.id)):
            name.unlink(missing_ok=True)

    def holds(self, engine: str) -> bool:
        """See `Engines.holds`."""
        return engine in self._held

    def is_sure(self) -> bool:
        """See `Engines.is_sure`: the lock is the operating system's."""
        return True

    def close(self) -> None:
        """See `Liveness.close`. The files stay: they say to whoever finds the registrations that these engines are gone."""
        while self._held:
            self._held.popitem()[1].close()


class SqlEngines:
    """Registrations in SQL, life as ``liveness`` has it. Implements `mpf_core.store.port.Engines`.

    ``master_key`` says which master key new data keys are wrapped with, and catches up with the store's first: so that
    `mpf_core.store.rotation` knows which engines still use an older one.
    """

    def __init__(self, db: Database, liveness: Liveness, master_key: Callable[[Cursor], str]) -> None:
        self._db = db
        self._liveness = liveness
        self._master_key = master_key

    def join(self, name: str) -> str:
        """See `Engines.join`. Raises ConfigError where files cannot be locked (Windows)."""
        engine = secrets.token_hex(16)
        try:
            with self._db.write(sync=False) as cursor:
                # The lock is there before the row is seen: nobody finds a registration of an engine that seems gone.
                self._liveness.hold(engine, cursor)
                row = {
                    "id": engine,
                    "name": name,
                    "host": host_id(),
                    "pid": os.getpid(),
                    "lock_file": self._liveness.lock_file(engine),
                    "started": time.time(),
                    "left": False,
                    "master_key": self._master_key(cursor),
                }
                cursor.execute(self._db.compiled(_ADD), row)
        except BaseException:
            self._liveness.release(engine)
            raise
        return engine

    def leave(self, engine: str) -> None:
        """See `Engines.leave`."""
        try:
            with self._db.write(sync=False) as cursor:
                cursor.execute(self._db.compiled(_LEAVE), {"engine": engine})
                self._remove_unneeded(cursor, engine)
        finally:
            self._liveness.release(engine)

    def others(self, engine: str) -> Sequence[str]:
        """See `Engines.others`."""
        return [registration.id for registration in self.registrations() if registration.id != engine]

    def registrations(self) -> Sequence[Registration]:
        """All registered engines, the oldest first."""
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.compiled(_ALL), {}).fetchall()
        return [_registration(row) for row in rows if _ID.fullmatch(str(row[0]))]

    @contextmanager
    def claim(self, engine: str) -> Iterator[Claim | None]:
        """See `Engines.claim`. ``None`` too when there is no such registration: then it has been recovered."""
        registration = self._find(engine)
        with self._liveness.claim(registration) if registration else nullcontext() as claim:
            # Looked at again, because another may have recovered the engine before the lock was free.
            found = claim if claim and self._find(engine) else None
            try:
                yield found
            finally:
                with suppress(StoreUnavailable):  # then the files stay; nobody needs them to be gone
                    if claim and registration and self._find(engine) is None:
                        self._liveness.discard(registration)

    def forget(self, engine: str) -> None:
        """See `Engines.forget`."""
        with self._db.write(sync=False) as cursor:
            self._remove_unneeded(cursor, engine)

    def holds(self, engine: str) -> bool:
        """See `Engines.holds`."""
        return self._liveness.holds(engine)

    def is_sure(self) -> bool:
        """See `Engines.is_sure`."""
        return self._liveness.is_sure()

    def close(self) -> None:
        """Give back the locks of this process's engines."""
        self._liveness.close()

    def _find(self, engine: str) -> Registration | None:
        if not _ID.fullmatch(engine):
            return None
        with self._db.read() as cursor:
            row = cursor.execute(self._db.compiled(_ONE), {"engine": engine}).fetchone()
        return None if row is None else _registration(row)

    def _remove_unneeded(self, cursor: Cursor, engine: str) -> None:
        if cursor.execute(self._db.compiled(_OPEN), {"engine": engine}).fetchone() is None:
            cursor.execute(self._db.compiled(_REMOVE), {"engine": engine})


class MemoryEngines:
    """For a store that no other process sees: there is nobody else, and nobody who is gone."""

    def join(self, name: str) -> str:
        """See `Engines.join`."""
        return secrets.token_hex(16)

    def leave(self, engine: str) -> None:
        """See `Engines.leave`."""

    def others(self, engine: str) -> Sequence[str]:
        """See `Engines.others`."""
        return ()

    def claim(self, engine: str) -> AbstractContextManager[Claim | None]:
        """See `Engines.claim`."""
        return nullcontext()

    def forget(self, engine: str) -> None:
        """See `Engines.forget`."""

    def holds(self, engine: str) -> bool:
        """See `Engines.holds`: nobody can take it away."""
        return True

    def is_sure(self) -> bool:
        """See `Engines.is_sure`: there is nobody else."""
        return True

    def close(self) -> None:
        """Nothing is held."""


def _runs(pid: int) -> bool:
    """Whether there is a process of that number on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _registration(row: Sequence[object]) -> Registration:
    engine, name, host, pid, lock_file, started, left, master_key = row
    return Registration(
        str(engine), str(name), str(host), int(str(pid)), str(lock_file), float(str(started)), bool(left), str(master_key)
    )


_COLUMNS = [engines.c[name] for name in Registration._fields]
_ADD = engines.insert().values({column.name: bindparam(column.name) for column in _COLUMNS})
_ALL = select(*_COLUMNS).order_by(engines.c.started, engines.c.id)
_ONE = select(*_COLUMNS).where(engines.c.id == bindparam("engine"))
_LEAVE = update(engines).where(engines.c.id == bindparam("engine")).values(left=True)
_REMOVE = delete(engines).where(engines.c.id == bindparam("engine"))
_OPEN = (
    select(transactions.c.id)
    .where(transactions.c.engine == bindparam("engine"))
    .where(or_(*(transactions.c.state == state.value for state in TransactionState if state in OPEN_TRANSACTIONS)))
    .limit(1)
)
