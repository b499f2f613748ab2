"""The PostgreSQL server that other tests use: it keeps its data over restarts, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from tests import postgres
from tests.postgres import PostgresServer, PostgresUnavailable, postgres_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    try:
        with postgres_server() as running:
            yield running
    except PostgresUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def engine(server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[Engine]:
    opened = create_engine(server.create_database(request.node.name))
    yield opened
    opened.dispose()


def ask(engine: Engine, statement: str) -> object:
    with engine.begin() as connection:
        return connection.execute(text(statement)).scalar()


def folder_of(server: PostgresServer) -> Path:
    return Path(str(make_url(server.url).query["host"]))


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_commits_are_durable_and_there_is_no_network(engine: Engine) -> None:
    assert ask(engine, "SHOW fsync") == "on"
    assert ask(engine, "SHOW synchronous_commit") == "on"
    assert ask(engine, "SHOW listen_addresses") == ""


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_cuts_connections_and_keeps_what_was_committed(
    server: PostgresServer, engine: Engine, mode: postgres.Mode
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 1 AS value"))
    before = server.pid
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO kept VALUES (2)"))
        server.restart(mode)
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1"))
    assert server.pid != before
    assert ask(engine, "SELECT sum(value) FROM kept") == 1


def test_a_stopped_server_refuses_connections_until_it_is_started(server: PostgresServer, engine: Engine) -> None:
    server.stop()
    try:
        assert server.pid is None
        with pytest.raises(OperationalError):
            ask(engine, "SELECT 1")
    finally:
        server.start()
    assert ask(engine, "SELECT 1") == 1


@pytest.mark.usefixtures("server")
def test_no_process_and_no_file_is_left() -> None:
    with pytest.raises(ZeroDivisionError), postgres_server() as own:  # noqa: PT012 - the end is what is tested
        folder, pid = folder_of(own), own.pid
        engine = create_engine(own.url)
        connection = engine.connect()
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        raise ZeroDivisionError
    connection.invalidate()
    connection.close()
    engine.dispose()
    assert pid is not None
    assert not exists(pid)
    assert not exists(backend)
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the server a user")
@pytest.mark.usefixtures("server")
def test_a_folder_that_the_servers_user_cannot_reach_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(PostgresUnavailable, match="closed to the server's user"), postgres_server(tmp_path / "server"):
        pass
    assert not (tmp_path / "server").exists()


def test_a_missing_server_names_its_debian_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres, "_VERSIONS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="apt-get install postgresql"), postgres_server():
        pass
