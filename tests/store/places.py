"""Fixtures: the places where stores are. A test module asks for them with ``pytest_plugins``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.config import StoreSettings
from mpf_core.store.opening import MemoryStore, SqlStore, open_store
from tests.postgres import PostgresServer, PostgresUnavailable, postgres_server
from tests.store.support import Place, sqlite_place

_names = itertools.count(1)


@pytest.fixture(scope="session")
def shared_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests that do not stop it."""
    yield from _server()


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that a test may stop."""
    yield from _server()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new store will be, in each kind of database."""
    return sqlite_place(tmp_path) if request.param == "sqlite" else _postgres_place(request, tmp_path)


@pytest.fixture
def postgres_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new PostgreSQL store will be."""
    return _postgres_place(request, tmp_path)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore | MemoryStore]:
    """A new store of each kind."""
    store: SqlStore | MemoryStore
    if request.param == "memory":
        store = open_store(StoreSettings(), tmp_path)
    elif request.param == "sqlite":
        store = sqlite_place(tmp_path).open()
    else:
        store = _postgres_place(request, tmp_path).open()
    yield store
    store.close()


def _postgres_place(request: pytest.FixtureRequest, folder: Path) -> Place:
    server = request.getfixturevalue("shared_server")
    return Place(server.create_database(f"place{next(_names)}"), folder, server)


def _server() -> Iterator[PostgresServer]:
    try:
        with postgres_server() as server:
            yield server
    except PostgresUnavailable as error:
        pytest.skip(str(error))
