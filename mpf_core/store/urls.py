"""The database of a URL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mpf_core.errors import ConfigError
from mpf_core.store.database import Database
from mpf_core.store.migration import upgrade
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.sqlite import SqliteDatabase


def open_database(url: str, base_dir: Path) -> Database:
    """The database of a URL, with its tables as they are now. Relative files refer to ``base_dir``.

    Raises ConfigError for a URL that names none, a newer schema, and a missing driver; StoreUnavailable.
    """
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
