"""The same durability for every contender on SQLite: what is committed survives a loss of power."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

#: SQLite's own defaults are a rollback journal (DELETE) and FULL.
WAL_FULL = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")


def force_wal_full() -> None:
    """Put every SQLite connection that SQLAlchemy opens in this process, whoever asks for it, on a synced WAL."""

    @event.listens_for(Engine, "connect")
    def synced(connection: Any, _record: object) -> None:
        for pragma in WAL_FULL:
            connection.execute(pragma).close()
