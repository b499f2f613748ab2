"""A new master key for a store: data keys are wrapped again, data stays as it is.

At every moment each wrapped key in the store can be unwrapped with a key that is in the key file:

1. the new key goes in front of the old one in the file;
2. every data key in the store is wrapped with the new one, in one transaction;
3. the old one goes, as soon as no engine runs that would still wrap with it.

Whoever is killed in between, or has to wait for an engine, does it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import bindparam, select, update

from mpf_core.errors import ConfigError
from mpf_core.store.audit import SqlAudit
from mpf_core.store.database import Cursor, Database
from mpf_core.store.engines import SqlEngines
from mpf_core.store.keyring import replace_key, stored_keys
from mpf_core.store.keys import read_key_file, replace_key_file
from mpf_core.store.port import AuditEntry
from mpf_core.store.tables import transactions
from mpf_core.store.vault import Tampered, Vault

_BATCH = 1000

#: Told how many data keys have been looked at.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What a rotation did.

    ``master_key`` is the id of the key in use; ``rewrapped`` and ``unchanged`` count data keys; ``unreadable`` those that no
    given key unwraps, which were left alone. ``waiting`` are the living engines that still use an older key: it must be kept
    until they have been started again, and the rotation repeated then.
    """

    master_key: str
    rewrapped: int
    unchanged: int
    unreadable: int
    waiting: tuple[str, ...] = ()


class Rotation:
    """Rotates the keys of one store."""

    def __init__(self, db: Database, vault: Vault, audit: SqlAudit, engines: SqlEngines) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._engines = engines

    def rewrap(self, by: str, progress: Progress = lambda done: None) -> Rewrapped:
        """Wrap every data key of the store with the current master key, all or none; ``by`` is for the audit.

        Raises ConfigError when one of the store's own keys cannot be unwrapped, and StoreUnavailable.
        """
        current = self._vault.keys.ids[0]
        counts = {"rewrapped": 0, "unchanged": 0, "unreadable": 0}
        with self._db.write() as cursor:
            for name, wrapped in stored_keys(self._db, cursor).items():
                again = self._again(wrapped, counts)
                if again is None:
                    raise ConfigError(f"the store has been changed by somebody else: {name} in meta does not verify")
                replace_key(self._db, cursor, name, again)
            progress(sum(counts.values()))
            for batch in self._transactions(cursor):
                for transaction_id, wrapped in batch:
                    again = self._again(wrapped, counts)
                    if again is not None and again != wrapped:
                        cursor.execute(self._db.compiled(_REPLACE), {"transaction": transaction_id, "wrapped": again})
                progress(sum(counts.values()))
            if counts["rewrapped"]:
                entry = AuditEntry("keys.rotate", time.time(), caller=by, details={"master_key": current, **counts})
                self._audit.append_in(cursor, [entry])
        return Rewrapped(current, **counts, waiting=self._waiting(current))

    def rotate_file(self, path: Path, by: str, progress: Progress = lambda done: None) -> Rewrapped:
        """Give the store a new master key and keep it in the key file; goes on where an earlier attempt was left.

        Raises the errors of `rewrap` and of the key file's functions; then the file still holds what the store needs.
        """
        keys = read_key_file(path)
        if len(keys) == 1:
            keys = keys.with_new()
            replace_key_file(path, keys)
        self._vault.keys = keys
        done = self.rewrap(by, progress)
        if not done.waiting:
            # Once more, for what an engine wrote between the rewrapping and its end.
            last = self.rewrap(by, lambda _: None)
            done = replace(done, rewrapped=done.rewrapped + last.rewrapped)
            keys = keys.current_only()
            replace_key_file(path, keys)
            self._vault.keys = keys
        return done

    def _again(self, wrapped: bytes, counts: dict[str, int]) -> bytes | None:
        try:
            again = self._vault.rewrap(wrapped)
        except Tampered:
            counts["unreadable"] += 1
            return None
        counts["unchanged" if again == wrapped else "rewrapped"] += 1
        return again

    def _transactions(self, cursor: Cursor) -> Iterator[list[tuple[str, bytes]]]:
        after = ""
        while True:
            values = {"after": after, "most": _BATCH}
            rows = cursor.execute(self._db.compiled(_NEXT), values).fetchall()
            if not rows:
                return
            yield [(transaction_id, bytes(wrapped)) for transaction_id, wrapped in rows]
            after = rows[-1][0]

    def _waiting(self, current: str) -> tuple[str, ...]:
        """The living engines that wrap with another key; asked when the store is rewrapped, so that no new one can come."""
        waiting = []
        for engine in self._engines.registrations():
            if engine.master_key != current:
                with self._engines.claim(engine.id) as claim:
                    if claim is None:
                        waiting.append(engine.id)
        return tuple(waiting)


_NEXT = (
    select(transactions.c.id, transactions.c.data_key)
    .where(transactions.c.id > bindparam("after"))
    .order_by(transactions.c.id)
    .limit(bindparam("most"))
)
_REPLACE = update(transactions).where(transactions.c.id == bindparam("transaction")).values(data_key=bindparam("wrapped"))
