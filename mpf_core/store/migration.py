"""Bringing a database's tables to the version that this release knows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from mpf_core.errors import ConfigError
from mpf_core.store.database import Database
from mpf_core.store.port import StoreUnavailable
from mpf_core.store.tables import HEAD, metadata

SCRIPTS = Path(__file__).parent / "migrations"
#: The advisory lock in PostgreSQL under which migrations run.
_MIGRATING = 0x4D50_4602


def version(database: Database) -> str | None:
    """The version of the tables; ``None`` for an empty database."""
    exists = (
        "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if database.dialect == "sqlite"
        else "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    )
    with database.read() as cursor:
        if cursor.execute(exists).fetchone() is None:
            return None
        row = cursor.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def upgrade(database: Database) -> None:
    """Run the migrations that are missing. Two processes may do it at once.

    Raises ConfigError when the database is newer than this release.
    """
    if database.dialect == "sqlite" and database.path is None:
        with database.write() as cursor:
            for table in metadata.sorted_tables:
                _create(database, cursor, table)
        return
    if version(database) == HEAD:
        return
    from alembic import command  # noqa: PLC0415 - slow to import, and needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    found = version(database)
    if found is not None and found not in {
        script.revision for script in ScriptDirectory.from_config(config).walk_revisions()
    }:
        raise ConfigError(f"the store {database.shown} is of version {found}, which is newer than this release's {HEAD}")
    engine = _engine(database)
    try:
        with engine.begin() as connection:
            if database.dialect == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(f"the store {database.shown} cannot be brought to version {HEAD}: {error}") from None
    except DBAPIError as error:
        raise StoreUnavailable(f"{database.shown}: {type(error.orig).__name__}: {error.orig}") from error
    finally:
        engine.dispose()


def _engine(database: Database) -> Any:
    if database.dialect == "postgresql":
        return create_engine(database.url.set(drivername="postgresql+psycopg"))
    engine = create_engine(
        "sqlite://",
        poolclass=StaticPool,
        creator=lambda: sqlite3.connect(database.path or "", timeout=30, isolation_level=None),
    )

    # Python's sqlite3 would begin a transaction of its own kind, and not before the first INSERT.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _create(database: Database, cursor: Any, table: Any) -> None:
    from sqlalchemy.schema import CreateIndex, CreateTable  # noqa: PLC0415

    cursor.execute(str(CreateTable(table).compile(dialect=database.sql_dialect)))
    for index in table.indexes:
        cursor.execute(str(CreateIndex(index).compile(dialect=database.sql_dialect)))
