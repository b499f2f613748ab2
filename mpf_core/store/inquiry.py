"""What only people ask of a store in a database: what is in it, who uses it, and which transaction an abbreviation means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import bindparam, func, select

from mpf_core.store.engines import Registration
from mpf_core.store.migration import version
from mpf_core.store.opening import SqlStore
from mpf_core.store.tables import audit, outbox, transactions
from mpf_core.transaction.states import TransactionState

#: ``left`` gave the store back itself, and is registered only because recovery has to finish something for it;
#: ``unknown`` is not registered any more.
Presence = Literal["alive", "gone", "left", "unknown"]


@dataclass(frozen=True, slots=True)
class EngineView:
    """A registered engine, and whether it is alive."""

    registration: Registration
    presence: Presence


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store at one moment. ``url`` has no password; ``key_file`` is ``None`` where a stored credential has the keys.

    ``states`` counts transactions, those in states that no transaction is in left out. ``keys`` are the ids of the master
    keys that were given, the one in use first.
    """

    url: str
    version: str
    keys: tuple[str, ...]
    key_file: Path | None
    states: Mapping[TransactionState, int]
    engines: Sequence[EngineView]
    audit_lines: int
    undelivered: int


def look_at(store: SqlStore) -> StoreView:
    """Everything about a store. Raises StoreUnavailable."""
    with store.db.read() as cursor:
        lines, messages = (int(number) for number in cursor.execute(store.db.compiled(_OTHERS)).fetchone())
    return StoreView(
        url=store.db.shown,
        version=version(store.db) or "none",
        keys=store.vault.keys.ids,
        key_file=store.key_file,
        states=counts_of(store),
        engines=engines_of(store),
        audit_lines=lines,
        undelivered=messages,
    )


def ids_beginning(store: SqlStore, prefix: str, limit: int) -> Sequence[str]:
    """The ids of up to ``limit`` transactions that begin with ``prefix``, which is one as the journal writes it."""
    with store.db.read() as cursor:
        rows = cursor.execute(
            store.db.compiled(_BEGINNING), {"size": len(prefix), "prefix": prefix, "most": limit}
        ).fetchall()
    return [str(row[0]) for row in rows]


def counts_of(store: SqlStore) -> Mapping[TransactionState, int]:
    """How many transactions are in which state; states of none are left out. Raises StoreUnavailable."""
    with store.db.read() as cursor:
        found = dict(cursor.execute(store.db.compiled(_COUNTS)).fetchall())
    return {state: int(found[state.value]) for state in TransactionState if state.value in found}


def engines_of(store: SqlStore) -> Sequence[EngineView]:
    """All registered engines, the oldest first. Raises StoreUnavailable."""
    return [EngineView(found, _presence(store, found)) for found in store.engines.registrations()]


def presence_of(store: SqlStore, engine: str) -> Presence:
    """Whether the engine of that id is alive."""
    found = next((found for found in store.engines.registrations() if found.id == engine), None)
    return "unknown" if found is None else _presence(store, found)


def _presence(store: SqlStore, engine: Registration) -> Presence:
    """Told by its lock, which is held for a moment where it is free."""
    with store.engines.claim(engine.id) as claim:
        if claim is None:
            return "alive"
    return "left" if engine.left else "gone"


_COUNTS = select(transactions.c.state, func.count()).group_by(transactions.c.state)
_OTHERS = select(
    select(func.count()).select_from(audit).scalar_subquery(), select(func.count()).select_from(outbox).scalar_subquery()
)
_BEGINNING = (
    select(transactions.c.id)
    .where(func.substr(transactions.c.id, 1, bindparam("size")) == bindparam("prefix"))
    .order_by(transactions.c.id)
    .limit(bindparam("most"))
)
