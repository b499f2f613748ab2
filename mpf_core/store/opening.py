"""Opening a store: everything behind ``[store]`` put together.

`open_store` is all that the rest of the engine needs to know of this package besides `mpf_core.store.port`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mpf_core.config import StoreSettings
from mpf_core.errors import ConfigError
from mpf_core.store.advisory import ServerLiveness
from mpf_core.store.audit import SqlAudit
from mpf_core.store.database import Cursor, Database
from mpf_core.store.engines import FileLiveness, Liveness, MemoryEngines, SqlEngines
from mpf_core.store.journal import SqlJournal
from mpf_core.store.keyring import master_key_in, master_key_of, open_ring
from mpf_core.store.keys import MasterKeys, create_key_file, read_key_file
from mpf_core.store.memory import MemoryJournal
from mpf_core.store.outbox import SqlOutbox
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.rotation import Rotation
from mpf_core.store.settings import SqlSettings
from mpf_core.store.urls import open_database
from mpf_core.store.vault import Vault

#: The key file beside an SQLite database, if the configuration names none.
KEY_FILE = "mpf.key"


class SqlStore:
    """A store in a database. Implements `mpf_core.store.port.Store`.

    ``key_file`` is where its master keys are, ``None`` when they come from somewhere else; ``rotation`` gives it another.
    """

    def __init__(self, db: Database, vault: Vault, liveness: Liveness, key_file: Path | None) -> None:
        """Raises ConfigError when the vault has not the store's master key, and StoreUnavailable."""
        ring = open_ring(db, vault)
        self.db = db
        self.vault = vault
        self.key_file = key_file
        self.audit = SqlAudit(db, ring.audit)
        self.journal = SqlJournal(db, vault, self.audit, liveness.lost)
        self.engines = SqlEngines(db, liveness, self._follow_master_key)
        self.settings = SqlSettings(db, ring.settings)
        self.outbox = SqlOutbox(db)
        self.rotation = Rotation(db, vault, self.audit, self.engines)
        self._digest = ring.digest.derive("digest")

    def digest(self, data: bytes) -> bytes:
        """See `Store.digest`."""
        return hmac.digest(self._digest, data, hashlib.sha256)

    def close(self) -> None:
        """See `Store.close`."""
        self.engines.close()
        self.db.close()

    def _follow_master_key(self, cursor: Cursor) -> str:
        """The id of the current master key, read again if the store has got another since it was opened."""
        if master_key_in(self.db, cursor) != self.vault.keys.ids[0]:
            self.vault.reload()
        return self.vault.keys.ids[0]


class MemoryStore:
    """A store that ends with its object: the journal in memory, the rest in a private SQLite database."""

    def __init__(self) -> None:
        self.db = open_database("memory:", Path())
        ring = open_ring(self.db, Vault(MasterKeys.generate()))
        self.audit = SqlAudit(self.db, ring.audit)
        self.settings = SqlSettings(self.db, ring.settings)
        self.outbox = SqlOutbox(self.db)
        self.journal = MemoryJournal(self.audit.append, self.outbox.put)
        self.engines = MemoryEngines()
        self._digest = ring.digest.derive("digest")

    def digest(self, data: bytes) -> bytes:
        """See `Store.digest`."""
        return hmac.digest(self._digest, data, hashlib.sha256)

    def close(self) -> None:
        """See `Store.close`."""
        self.db.close()


def open_store(settings: StoreSettings, base_dir: Path, key: Callable[[], str] | None = None) -> SqlStore | MemoryStore:
    """The store that the configuration describes; its tables, and the key file of a new one, are made if need be.

    Relative paths refer to ``base_dir``. ``key`` gives the master keys as text when ``store.key`` names a stored credential.
    Raises ConfigError (settings that do not fit together, a key file that is missing or open to others, a master key that is
    not the store's) and StoreUnavailable.
    """
    if settings.url == "memory:":
        return MemoryStore()
    if settings.key and settings.key_file is not None:
        raise ConfigError("store.key and store.key_file exclude each other")
    db = open_database(settings.url, base_dir)
    try:
        key_file = _key_file(settings, base_dir, db)
        vault = _vault(db, key_file, key)
        return SqlStore(db, vault, _liveness(settings, base_dir, db), key_file)
    except BaseException:
        db.close()
        raise


def _key_file(settings: StoreSettings, base_dir: Path, db: Database) -> Path | None:
    if settings.key:
        return None
    if settings.key_file is not None:
        return base_dir / settings.key_file
    if db.path is None:
        raise ConfigError("a PostgreSQL store needs store.key or store.key_file")
    return db.path.with_name(KEY_FILE)


def _vault(db: Database, key_file: Path | None, key: Callable[[], str] | None) -> Vault:
    if key_file is not None:
        _make_key_file(db, key_file)
        return Vault(read_key_file(key_file), lambda: read_key_file(key_file))
    if key is None:
        raise ConfigError("store.key names a stored credential, and nobody here can give it")

    def read() -> MasterKeys:
        return MasterKeys.parse(key())

    return Vault(read(), read)


def _make_key_file(db: Database, key_file: Path) -> None:
    if key_file.exists():
        return
    written_with = master_key_of(db)
    if written_with is not None:
        if key_file.exists():  # another engine has made both since the first look
            return
        raise ConfigError(f"the key file {key_file} is missing; the store was written with master key {written_with}")
    with suppress(FileExistsError):  # another engine opens the new store at the same time
        create_key_file(key_file)


def _liveness(settings: StoreSettings, base_dir: Path, db: Database) -> Liveness:
    if isinstance(db, PostgresDatabase):
        return ServerLiveness(db, None if settings.lock_dir is None else base_dir / settings.lock_dir)
    assert db.path is not None
    path = db.path.resolve()  # whichever name the file is opened by, it has one folder of locks
    return FileLiveness(path.with_name(f"{path.name}.engines"))
