"""The database of a store: write transactions, reading beside them, lost connections, migrations (mpf_core.store.database)."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert

from mpf_core.errors import ConfigError
from mpf_core.store import sqlite as module
from mpf_core.store.database import Cursor, Database
from mpf_core.store.migration import version
from mpf_core.store.port import Fenced, StoreUnavailable
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.tables import HEAD, metadata, outbox
from mpf_core.store.urls import open_database
from tests.store.support import Place

pytest_plugins = ["tests.store.places"]

ADD = insert(outbox).values(topic="topic", body="1")
COUNT = "SELECT count(*) FROM outbox"
PATIENCE = 30.0


@pytest.fixture
def db(place: Place) -> Iterator[Database]:
    """A new database of each kind that is on disk."""
    with contextlib.closing(open_database(place.url, place.base_dir)) as opened:
        yield opened


@pytest.fixture
def server_db(postgres_place: Place) -> Iterator[PostgresDatabase]:
    """A new database in a server."""
    with contextlib.closing(open_database(postgres_place.url, postgres_place.base_dir)) as opened:
        assert isinstance(opened, PostgresDatabase)
        yield opened


def add(db: Database, *, sync: bool = True) -> None:
    """Write something."""
    with db.write(sync=sync) as cursor:
        cursor.execute(db.compiled(ADD))


def count(db: Database) -> int:
    """How often something was written."""
    with db.read() as cursor:
        found: int = cursor.execute(COUNT).fetchone()[0]
    return found


class TestWrite:
    def test_it_is_committed_at_its_end(self, db: Database) -> None:
        with db.write() as cursor:
            cursor.execute(db.compiled(ADD))
            assert count(db) == 0
        assert count(db) == 1

    @pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, GeneratorExit])
    def test_an_exception_takes_it_back(self, db: Database, error: type[BaseException]) -> None:
        def fail() -> None:
            with db.write() as cursor:
                cursor.execute(db.compiled(ADD))
                raise error

        with pytest.raises(error):
            fail()
        add(db)
        assert count(db) == 1

    def test_what_breaks_a_constraint_is_visible(self, db: Database) -> None:
        def twice() -> None:
            with db.write() as cursor:
                for _ in range(2):
                    cursor.execute("INSERT INTO outbox (id, topic, body) VALUES (1, 'a', 'b')")

        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
            twice()
        assert count(db) == 0

    def test_other_errors_are_the_stores(self, db: Database) -> None:
        with pytest.raises(StoreUnavailable), db.write() as cursor:
            cursor.execute("INSERT INTO nowhere VALUES (1)")
        with pytest.raises(StoreUnavailable), db.read() as cursor:
            cursor.execute("SELECT * FROM nowhere")
        add(db)
        assert count(db) == 1

    def test_threads_take_turns(self, db: Database) -> None:
        def add_some() -> None:
            for _ in range(20):
                add(db, sync=False)

        threads = [threading.Thread(target=add_some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert count(db) == 80

    def test_nobody_waits_to_read(self, db: Database) -> None:
        add(db)
        seen: list[int] = []
        with db.write() as cursor:
            cursor.execute(db.compiled(ADD))
            reader = threading.Thread(target=lambda: seen.append(count(db)))
            reader.start()
            reader.join(PATIENCE)
            assert seen == [1]

    def test_a_reader_keeps_nobody_from_writing(self, db: Database) -> None:
        with db.read(snapshot=True) as cursor:
            assert cursor.execute(COUNT).fetchone()[0] == 0
            add(db)
            assert cursor.execute(COUNT).fetchone()[0] == 0
        assert count(db) == 1

    def test_a_reader_that_fails_leaves_nothing_behind(self, db: Database) -> None:
        def fail() -> None:
            with db.read(snapshot=True) as cursor:
                cursor.execute(COUNT).fetchone()
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        add(db)
        with db.read(snapshot=True) as cursor:
            assert cursor.execute(COUNT).fetchone()[0] == 1

    def test_after_close_nothing_goes(self, db: Database) -> None:
        db.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            add(db)
        with pytest.raises(StoreUnavailable, match="closed"):
            count(db)

    def test_a_connection_that_is_not_welcome_is_not_used(self, db: Database) -> None:
        seen: list[int] = []

        def look(_cursor: Cursor) -> None:
            seen.append(1)
            if len(seen) < 3:
                raise Fenced("gone")

        db.on_connect.append(look)
        db._writer = None  # as if it had been lost
        for _ in range(2):
            with pytest.raises(Fenced):
                add(db)
        add(db)
        add(db)
        assert (len(seen), count(db)) == (3, 1 + 1)

    @pytest.mark.slow
    def test_a_forked_child_is_told(self, place: Place) -> None:
        script = """
child = os.fork()
if not child:
    for use in (store.db.write, store.db.read):
        try:
            with use():
                os._exit(1)
        except RuntimeError as error:
            told = "forked" in str(error)
    store.close()
    os._exit(7 if told else 2)
_, status = os.waitpid(child, 0)
store.settings.put("still", "here")
say([os.waitstatus_to_exitcode(status), store.settings.get("still")])
"""
        with place.process(script) as child:
            assert child.hear() == [7, "here"]


class TestMemory:
    def test_threads_share_it_and_objects_do_not(self, tmp_path: Path) -> None:
        one, other = open_database("memory:", tmp_path), open_database("memory:", tmp_path)
        threads = [threading.Thread(target=add, args=(one,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (count(one), count(other)) == (4, 0)
        one.close()
        other.close()
        assert list(tmp_path.iterdir()) == []

    def test_it_has_the_tables_of_a_migrated_file(self, tmp_path: Path) -> None:
        """The tables of the one come from the metadata, those of the other from the migrations."""
        schemas = []
        for url in ("memory:", "sqlite:///mpf.db"):
            with contextlib.closing(open_database(url, tmp_path)) as db, db.read() as cursor:
                rows = cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
                schemas.append({name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"})
        assert schemas[0] == schemas[1]
        assert set(metadata.tables) < set(schemas[0])


class TestSqlite:
    def test_the_file_is_its_owners(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        db = open_database("sqlite:///data/mpf.db", tmp_path)
        assert db.path == tmp_path / "data" / "mpf.db"
        assert stat.S_IMODE(db.path.stat().st_mode) == 0o600
        db.close()
        open_database(f"sqlite:///{db.path}", Path("/elsewhere")).close()

    def test_durability_is_as_asked_for(self, tmp_path: Path) -> None:
        with contextlib.closing(open_database("sqlite:///mpf.db", tmp_path)) as db:
            for sync, level in ((True, 2), (False, 1), (False, 1), (True, 2)):
                with db.write(sync=sync) as cursor:
                    assert cursor.execute("PRAGMA synchronous").fetchone()[0] == level
                    assert cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

    def test_a_lock_that_lasts_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_BUSY_SECONDS", 0.05)
        with (
            contextlib.closing(open_database("sqlite:///mpf.db", tmp_path)) as one,
            contextlib.closing(open_database("sqlite:///mpf.db", tmp_path)) as other,
        ):
            with one.write(), pytest.raises(StoreUnavailable, match="locked"):
                add(other)
            add(other)
            assert count(one) == 1

    def test_what_is_no_database_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "mpf.db").write_bytes(b"no database, but long enough to be looked at" * 100)
        with pytest.raises(StoreUnavailable, match="not a database"):
            open_database("sqlite:///mpf.db", tmp_path)

    @pytest.mark.slow
    @pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
    def test_a_synced_write_syncs_once_and_an_unsynced_one_never(self, tmp_path: Path) -> None:
        script = """
import os, sys
from pathlib import Path
from mpf_core.store.port import StepRecord, TransactionRecord
from mpf_core.config import StoreSettings
from mpf_core.store.opening import open_store

def write(number, sync, mark):
    made = TransactionRecord(f"t{number}", "joe", "A::B", 1.0, engine="e")
    os.access(f"/{mark}", os.F_OK)
    store.journal.write(made, [StepRecord(made.id, 1, 1, "A", "B", "s", "x", {"a": 1}, 1)], sync=sync)
    if not sync:
        store.journal.lock("k", made)
        store.journal.release(made.id)

store = open_store(StoreSettings(url="sqlite:///mpf.db"), Path(sys.argv[1]))
write(0, True, "begun")
for number in range(1, 6):
    write(number, False, "unsynced")
    write(number + 100, True, "synced")
os.access("/end", os.F_OK)
"""
        log = tmp_path / "strace.log"
        trace = "trace=fsync,fdatasync,access,faccessat,faccessat2"
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", trace, "-o", str(log), sys.executable, "-c", script, str(tmp_path)],
            cwd=Path(__file__).parents[2],
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            check=False,
        )
        if "ptrace" in done.stderr:
            pytest.skip("strace may not trace here")
        assert done.returncode == 0, done.stderr
        parts = re.split(r'access[^"\n]*"/(begun|unsynced|synced|end)"', log.read_text())[1:]
        syncs = [
            (mark, len(re.findall(r"\b(?:fsync|fdatasync)\(", calls)))
            for mark, calls in zip(*[iter(parts)] * 2, strict=True)
        ]
        assert syncs[1:-1] == [("unsynced", 0), ("synced", 1)] * 5


class TestPostgresql:
    def test_durability_is_as_asked_for(self, server_db: PostgresDatabase) -> None:
        for sync, level in ((True, "on"), (False, "off"), (True, "on")):
            with server_db.write(sync=sync) as cursor:
                assert cursor.execute("SHOW synchronous_commit").fetchone()[0] == level

    def test_a_lost_connection_is_made_again(self, server_db: PostgresDatabase) -> None:
        add(server_db)
        connected: list[int] = []
        server_db.on_connect.append(lambda cursor: connected.append(cursor.execute(COUNT).fetchone()[0]))
        self.end_sessions(server_db)
        add(server_db)
        add(server_db)
        assert (connected, count(server_db)) == ([1], 3)

    def test_a_connection_that_is_lost_amid_a_write_is_said(self, server_db: PostgresDatabase) -> None:
        def lose() -> None:
            with server_db.write() as cursor:
                cursor.execute(server_db.compiled(ADD))
                self.end_sessions(server_db)
                cursor.execute(server_db.compiled(ADD))

        with pytest.raises(StoreUnavailable):
            lose()
        add(server_db)
        assert count(server_db) == 1

    def test_a_password_is_nowhere(self, tmp_path: Path) -> None:
        url = f"postgresql://mpf:s3cret-MARK@/mpf?host={tmp_path}"
        with pytest.raises(StoreUnavailable) as caught:
            open_database(url, tmp_path)
        assert "s3cret-MARK" not in f"{caught.value} {caught.value.__cause__!r}"
        assert "mpf:***@" in str(caught.value)

    def test_a_missing_driver_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(ConfigError, match=re.escape("pip install 'mpf-core[postgresql]'")):
            open_database("postgresql://host/mpf", tmp_path)

    @staticmethod
    def end_sessions(db: PostgresDatabase) -> None:
        """End every other session of the database, as a server does that restarts."""
        with contextlib.closing(db.connect()) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "mysql://host/mpf",
        "postgresql+pg8000://host/mpf",
        "postgresql://mpf:s3cret@host:s3cret/mpf",
        "postgresql://mpf:s3cret@[::s3cret/mpf",
    ],
)
def test_a_url_that_cannot_be_used_is_a_mistake(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"store\.url") as caught:
        open_database(url, tmp_path)
    assert "s3cret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class TestMigrations:
    def test_they_make_what_the_metadata_says(self, place: Place, db: Database) -> None:
        engine = create_engine(place.url if place.server else f"sqlite:///{db.path}")
        try:
            with engine.connect() as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
                assert compare_metadata(context, metadata) == []
        finally:
            engine.dispose()
        assert version(db) == HEAD

    def test_a_newer_store_is_refused_and_left_alone(self, place: Place, db: Database) -> None:
        with db.write() as cursor:
            cursor.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(ConfigError, match="version 9999, which is newer"):
            open_database(place.url, place.base_dir)
        assert version(db) == "9999"

    @pytest.mark.slow
    def test_processes_may_make_a_new_store_at_once(self, place: Place) -> None:
        script = "say(store.db.dialect)\n"
        with place.process(script) as one, place.process(script) as two, place.process(script) as three:
            assert len({child.hear() for child in (one, two, three)}) == 1
        with contextlib.closing(open_database(place.url, place.base_dir)) as db:
            assert version(db) == HEAD

    @pytest.mark.slow
    def test_they_cost_nothing_when_there_is_none_to_run(self, place: Place) -> None:
        place.open().close()
        with place.process("say('alembic' in sys.modules)\n") as child:
            assert child.hear() is False
