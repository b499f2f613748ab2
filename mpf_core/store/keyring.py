"""The data keys that belong to the store itself - of the audit, the settings and the digests - kept wrapped in `meta`.

They bind a store to its master key as well: who opens it with another one is told so at once.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from mpf_core.errors import ConfigError
from mpf_core.store.chain import START, Chain
from mpf_core.store.database import Cursor, Database
from mpf_core.store.tables import meta
from mpf_core.store.vault import DataKey, Tampered, UnknownMasterKey, Vault, wrapped_with

#: The record of the audit's end, which is there from the beginning on: see `mpf_core.store.audit`.
AUDIT_HEAD = "audit.head"
#: The advisory lock in PostgreSQL under which a new store gets its keys.
_CREATING = 0x4D50_4603
_AUDIT, _SETTINGS, _DIGEST = NAMES = ("key.audit", "key.settings", "key.digest")


class KeyRing(NamedTuple):
    """The store's own data keys."""

    audit: DataKey
    settings: DataKey
    digest: DataKey


def stored_keys(db: Database, cursor: Cursor) -> dict[str, bytes]:
    """The wrapped keys that are in the store, by name; empty for a new store."""
    rows = cursor.execute(db.compiled(_FIND), {"pattern": "key.%"}).fetchall()
    return {name: bytes(value) for name, value in rows}


def master_key_in(db: Database, cursor: Cursor) -> str | None:
    """The id of the master key that the store was last written with; ``None`` for a new store."""
    wrapped = stored_keys(db, cursor).get(_AUDIT)
    return None if wrapped is None else wrapped_with(wrapped)


def master_key_of(db: Database) -> str | None:
    """As `master_key_in`, outside of a transaction."""
    with db.read() as cursor:
        return master_key_in(db, cursor)


def open_ring(db: Database, vault: Vault) -> KeyRing:
    """The store's own keys; a new store gets them here.

    Raises ConfigError when the vault has not the store's master key, or when the keys were changed or removed.
    """
    with db.read() as cursor:
        found = stored_keys(db, cursor)
    if not found:
        found = _create(db, vault)
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise ConfigError(f"the store has been changed by somebody else: {', '.join(missing)} is missing in meta")
    try:
        return KeyRing(*(vault.unwrap(found[name]) for name in NAMES))
    except UnknownMasterKey:
        raise
    except Tampered:
        raise ConfigError("the store has been changed by somebody else: its own keys do not verify") from None


def replace_key(db: Database, cursor: Cursor, name: str, wrapped: bytes) -> None:
    """Put another wrapping in the place of a key's, within a write transaction."""
    cursor.execute(db.compiled(_REPLACE), {"the_name": name, "the_value": wrapped})


def _create(db: Database, vault: Vault) -> dict[str, bytes]:
    with db.write() as cursor:
        if db.dialect == "postgresql":
            cursor.execute(f"SELECT pg_advisory_xact_lock({_CREATING})")
        found = stored_keys(db, cursor)
        if found:  # another engine opened the new store at the same time
            return found
        keys = {name: vault.new_key() for name in NAMES}
        for name, key in keys.items():
            cursor.execute(db.compiled(_ADD), {"name": name, "value": key.wrapped})
        head = Chain(keys[_AUDIT]).close_head(START)
        cursor.execute(db.compiled(_ADD), {"name": AUDIT_HEAD, "value": head})
    return {name: key.wrapped for name, key in keys.items()}


_FIND = select(meta.c.name, meta.c.value).where(meta.c.name.like(bindparam("pattern")))
_ADD = meta.insert().values(name=bindparam("name"), value=bindparam("value"))
_REPLACE = update(meta).where(meta.c.name == bindparam("the_name")).values(value=bindparam("the_value"))
