"""Who uses a store, and whether he is alive, with real processes (mpf_core.store.engines, liveness, advisory)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mpf_core.config import StoreSettings
from mpf_core.errors import ConfigError
from mpf_core.store import liveness
from mpf_core.store.engines import Registration, SqlEngines
from mpf_core.store.liveness import LockFile
from mpf_core.store.opening import SqlStore, open_store
from mpf_core.store.port import Fenced, StoreUnavailable
from mpf_core.transaction.states import TransactionState
from tests.postgres import Mode, PostgresServer
from tests.store.support import Place, execute, known, record, rows, sqlite_place

pytest_plugins = ["tests.store.places"]
pytestmark = pytest.mark.slow

JOIN = """
engine = store.engines.join("child")
say(engine)
"""
STAY = "sys.stdin.readline()\n"
#: A grandchild that outlives the child, with everything that a fork inherits.
FORK = """
pid = os.fork()
if not pid:
    sys.stdout.close()
    os.close(1)
    time.sleep(60)
    os._exit(0)
say(pid)
"""
CLAIM = """
for line in sys.stdin:
    with store.engines.claim(line.strip()) as claim:
        say(None if claim is None else claim.certain)
        sys.stdin.readline()
"""


def claimable(store: SqlStore, engine: str) -> bool | None:
    """Whether the engine is gone: ``None`` when it is not, else whether that is certain."""
    with store.engines.claim(engine) as claim:
        return None if claim is None else claim.certain


def soon(value: Callable[[], object], wanted: object) -> object:
    """The value when it is as wanted, or after some seconds: a server takes a moment to see that a client is gone."""
    until = time.monotonic() + 10
    while (found := value()) != wanted and time.monotonic() < until:
        time.sleep(0.02)
    return found


def read(function: Callable[[], Any]) -> Any:
    """What a function that reads gives when the server has been away."""
    try:
        return function()
    except StoreUnavailable:
        return function()


# --- In every database -----------------------------------------------------------------------------------------------------


def test_an_engine_is_known_to_others_under_an_id_of_its_own(place: Place) -> None:
    mine, others = place.open(), place.open()
    first, second = mine.engines.join("blue"), mine.engines.join("blue")
    assert first != second
    assert others.engines.others(first) == [second]
    assert set(others.engines.others("")) == {first, second}
    registration = others.engines.registrations()[0]
    assert (registration.id, registration.name, registration.pid, registration.left) == (first, "blue", os.getpid(), False)
    assert registration.host == liveness.host_id()
    assert registration.master_key == mine.vault.keys.ids[0]
    mine.close()
    others.close()


def test_a_living_engine_cannot_be_claimed_by_anybody(place: Place) -> None:
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    assert claimable(mine, engine) is None
    assert claimable(other, engine) is None
    with place.process(JOIN + STAY) as child:
        assert claimable(mine, str(child.hear())) is None
    mine.close()
    other.close()


def test_an_engine_that_left_is_forgotten_unless_a_transaction_needs_it(place: Place) -> None:
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    mine.engines.leave(engine)
    assert other.engines.others("") == []
    engine = mine.engines.join("blue")
    mine.journal.write(record(engine))
    mine.engines.leave(engine)
    assert other.engines.others("") == [engine]
    assert claimable(other, engine) is True
    other.engines.forget(engine)
    assert other.engines.others("") == [engine]
    with other.engines.claim(engine) as claim:
        assert claim is not None
        other.journal.adopt("t1", engine, "e2")
        other.engines.forget(engine)
    assert other.engines.others("") == []
    mine.close()
    other.close()


@pytest.mark.parametrize("state", [TransactionState.INCONSISTENT, TransactionState.COMMITTED])
def test_a_transaction_that_no_engine_has_to_end_needs_no_registration(place: Place, state: TransactionState) -> None:
    store = place.open()
    engine = store.engines.join("blue")
    store.journal.write(replace(record(engine), state=state))
    store.engines.leave(engine)
    assert store.engines.others("") == []
    store.close()


def test_closing_the_store_lets_go_of_its_engines(place: Place) -> None:
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    mine.close()
    assert soon(lambda: claimable(other, engine) is not None, True) is True
    other.close()


def test_an_engine_that_was_killed_can_be_claimed(place: Place) -> None:
    store = place.open()
    with place.process(JOIN + STAY) as child:
        engine = str(child.hear())
        assert claimable(store, engine) is None
        child.kill()
        assert soon(lambda: claimable(store, engine), True) is True
    store.close()


def test_a_forked_child_does_not_keep_a_dead_engine_alive(place: Place) -> None:
    store = place.open()
    with place.process(JOIN + FORK + STAY) as child:
        engine, grandchild = str(child.hear()), child.hear()
        assert isinstance(grandchild, int)
        try:
            assert claimable(store, engine) is None
            child.kill()
            assert soon(lambda: claimable(store, engine), True) is True
            os.kill(grandchild, 0)
        finally:
            os.kill(grandchild, signal.SIGKILL)
    store.close()


def test_the_end_of_a_forked_child_is_not_the_end_of_its_engine(place: Place) -> None:
    script = JOIN + "pid = os.fork()\nif not pid:\n    store.close()\n    sys.exit()\nos.waitpid(pid, 0)\nsay(0)\n" + STAY
    store = place.open()
    with place.process(script + "store.settings.put('written', 1)\nsay(1)\n" + STAY) as child:
        engine = str(child.hear())
        assert child.hear() == 0
        assert claimable(store, engine) is None
        child.tell()
        assert child.hear() == 1
        assert claimable(store, engine) is None
    store.close()


def test_a_program_that_an_engine_starts_does_not_keep_it_alive(place: Place) -> None:
    script = "import subprocess\nsay(subprocess.Popen(['sleep', '60'], close_fds=False, stdout=subprocess.DEVNULL).pid)\n"
    store = place.open()
    with place.process(JOIN + script + STAY) as child:
        engine, program = str(child.hear()), child.hear()
        assert isinstance(program, int)
        child.kill()
        try:
            assert soon(lambda: claimable(store, engine), True) is True
        finally:
            os.kill(program, signal.SIGKILL)
    store.close()


def test_of_two_who_claim_one_gets_it_until_he_is_done(place: Place) -> None:
    store, same_process = place.open(), place.open()
    with place.process(JOIN) as child, place.process(CLAIM) as other:
        engine = str(child.hear())
        child.process.wait()
        assert soon(lambda: claimable(store, engine), True) is True
        with store.engines.claim(engine) as claim:
            assert claim is not None
            assert claimable(same_process, engine) is None
            assert claimable(store, engine) is None
            other.tell(engine)
            assert other.hear() is None
            other.tell()
        other.tell(engine)
        assert other.hear() is True
        assert claimable(store, engine) is None
        other.kill()
        assert soon(lambda: claimable(store, engine), True) is True
    store.close()
    same_process.close()


def test_of_many_who_claim_at_once_one_gets_it(place: Place) -> None:
    stores = [place.open() for _ in range(6)]
    with place.process(JOIN) as child:
        engine = str(child.hear())
        child.process.wait()
        assert soon(lambda: claimable(stores[0], engine), True) is True
    begin, done = threading.Barrier(6), threading.Barrier(6)
    got: list[bool] = []

    def claim(store: SqlStore) -> None:
        begin.wait()
        with store.engines.claim(engine) as claim:
            got.append(claim is not None)
            done.wait()

    threads = [threading.Thread(target=claim, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 5 + [True]
    for store in stores:
        store.close()


def test_an_engine_that_was_recovered_meanwhile_cannot_be_claimed(place: Place) -> None:
    store = place.open()
    with place.process(JOIN) as child:
        engine = str(child.hear())
    with store.engines.claim(engine) as claim:
        assert claim is not None
        store.engines.forget(engine)
        assert claimable(store, engine) is None
    assert claimable(store, engine) is None
    assert claimable(store, "0" * 32) is None
    assert not list(place.base_dir.glob("*/" + engine))
    store.close()


def test_an_engine_that_is_recovered_before_its_lock_is_free_cannot_be_claimed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = place.open(), place.open()
    with place.process(JOIN) as child:
        engine = str(child.hear())
        child.process.wait()
    assert soon(lambda: claimable(store, engine), True) is True
    find = SqlEngines._find

    def be_late(self: SqlEngines, engine: str) -> Registration | None:
        monkeypatch.setattr(SqlEngines, "_find", find)
        found = find(self, engine)
        with other.engines.claim(engine) as claim:
            assert claim is not None
            other.engines.forget(engine)
        return found

    monkeypatch.setattr(SqlEngines, "_find", be_late)
    assert claimable(store, engine) is None
    store.close()
    other.close()


def test_an_id_that_is_none_never_becomes_a_path(place: Place, tmp_path: Path) -> None:
    store = place.open()
    victim = tmp_path / "victim"
    victim.touch()
    engine = store.engines.join("blue")
    execute(store, "UPDATE engines SET id = '../victim'")
    assert store.engines.others("") == []
    assert claimable(store, "../victim") is None
    assert victim.exists()
    store.engines.leave(engine)
    store.close()


# --- SQLite ----------------------------------------------------------------------------------------------------------------


def test_lock_files_are_beside_the_database_and_go_with_their_engines(tmp_path: Path) -> None:
    place = sqlite_place(tmp_path)
    store = place.open()
    folder = tmp_path / "mpf.db.engines"
    engine = store.engines.join("blue")
    assert [file.name for file in folder.iterdir()] == [engine]
    store.engines.leave(engine)
    assert list(folder.iterdir()) == []
    with place.process(JOIN) as child:
        gone = str(child.hear())
    assert claimable(store, gone) is True
    assert [file.name for file in folder.iterdir()] == [gone]
    with store.engines.claim(gone) as claim:
        assert claim is not None
        store.engines.forget(gone)
    assert list(folder.iterdir()) == []
    store.close()


def test_where_the_lock_file_is_missing_an_engine_is_gone_when_its_process_is(tmp_path: Path) -> None:
    place = sqlite_place(tmp_path)
    store, other = place.open(), place.open()
    engine = store.engines.join("blue")
    (tmp_path / "mpf.db.engines" / engine).unlink()
    (tmp_path / "mpf.db.engines").rmdir()
    assert claimable(other, engine) is None
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    execute(store, "UPDATE engines SET pid = :pid", pid=gone.pid)
    with other.engines.claim(engine) as claim:
        assert claim is not None
        assert claimable(store, engine) is None
    store.close()
    other.close()


def test_a_lock_file_that_was_removed_while_somebody_waited_for_it_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(50):
        owners = [LockFile(path) for _ in range(3)]
        assert owners[0].take()
        taken: list[LockFile] = []

        def take(lock: LockFile, taken: list[LockFile] = taken) -> None:
            until = time.monotonic() + 5
            while not lock.take():
                assert time.monotonic() < until
            taken.append(lock)
            assert not LockFile(path).take()
            lock.remove()

        threads = [threading.Thread(target=take, args=[lock]) for lock in owners[1:]]
        for thread in threads:
            thread.start()
        owners[0].remove()
        for thread in threads:
            thread.join()
        assert len(taken) == 2
        assert not path.exists()


def test_a_lock_file_is_no_link_to_somewhere_else(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be used"):
        LockFile(tmp_path / "lock").take()


def test_a_system_without_file_locks_is_told_at_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = sqlite_place(tmp_path).open()
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(ConfigError, match="flock"):
        store.engines.join("blue")
    assert store.engines.others("") == []
    store.close()


# --- PostgreSQL ------------------------------------------------------------------------------------------------------------


def elsewhere(store: SqlStore) -> None:
    """Make all registrations look like those of another host."""
    execute(store, "UPDATE engines SET host = 'elsewhere'")


@pytest.mark.parametrize("how", ["another host", "no lock file", "lock file lost"])
def test_only_a_lock_file_of_this_host_makes_certain_that_an_engine_is_gone(postgres_place: Place, how: str) -> None:
    store = postgres_place.open()
    settings = {"lock_dir": None} if how == "no lock file" else {}
    with postgres_place.process(JOIN + STAY, **settings) as child:
        engine = str(child.hear())
        child.kill()
    if how == "another host":
        elsewhere(store)
    if how == "lock file lost":
        (postgres_place.base_dir / "locks" / engine).unlink()
    assert soon(lambda: claimable(store, engine) is not None, True) is True
    assert claimable(store, engine) is False
    store.close()


def test_an_engine_elsewhere_that_left_is_gone_for_certain(postgres_place: Place) -> None:
    store = postgres_place.open()
    with postgres_place.process(JOIN + STAY + "store.engines.leave(engine)\nsay(0)\n" + STAY) as child:
        engine = str(child.hear())
        store.journal.write(record(engine))
        elsewhere(store)
        assert claimable(store, engine) is None
        child.tell()
        assert child.hear() == 0
        assert claimable(store, engine) is True
    store.close()


def own_place(server: PostgresServer, folder: Path) -> Place:
    return Place(server.url, folder, server)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_living_engine_takes_its_lock_again_when_the_server_was_restarted(
    own_server: PostgresServer, tmp_path: Path, mode: Mode
) -> None:
    place = own_place(own_server, tmp_path)
    mine, other = place.open(), place.open()
    engine, lonely = mine.engines.join("blue"), mine.engines.join("green")
    mine.journal.write(record(engine))
    own_server.restart(mode)
    # On the same host its file shows that it lives, before it has noticed anything.
    assert read(lambda: claimable(other, engine)) is None
    mine.journal.write(replace(known(engine), client_transaction_id="again"))
    elsewhere(other)
    assert claimable(other, engine) is None
    assert claimable(other, lonely) is None
    mine.close()
    other.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_engine_that_was_claimed_while_the_server_was_away_writes_nothing_more(
    own_server: PostgresServer, tmp_path: Path, mode: Mode
) -> None:
    place = own_place(own_server, tmp_path)
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    mine.journal.write(record(engine))
    elsewhere(mine)
    own_server.restart(mode)
    read(lambda: other.engines.others(""))
    with other.engines.claim(engine) as claim:
        assert claim is not None
        assert not claim.certain
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            mine.journal.write(replace(known(engine), state=TransactionState.ROLLING_BACK))
        assert time.monotonic() - began < 4
        with pytest.raises(StoreUnavailable):
            mine.audit.append([])
        other.journal.adopt("t1", engine, "e2")
        other.engines.forget(engine)
    mine.settings.put("a", 1)
    assert not mine.engines.holds(engine)
    for late in (known(engine), record(engine, "t2")):
        with pytest.raises(Fenced):
            mine.journal.write(late)
    again = mine.engines.join("blue")
    assert mine.engines.holds(again)
    mine.journal.write(record(again, "t3"))
    found = other.journal.transaction("t1")
    assert found is not None
    assert (found.engine, found.state) == ("e2", TransactionState.RUNNING)
    mine.close()
    other.close()


def test_an_engine_that_was_claimed_for_nothing_goes_on(own_server: PostgresServer, tmp_path: Path) -> None:
    place = own_place(own_server, tmp_path)
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    mine.journal.write(record(engine))
    elsewhere(mine)
    own_server.restart("fast")
    read(lambda: other.engines.others(""))
    with other.engines.claim(engine) as claim:
        assert claim is not None
    mine.journal.write(known(engine))
    assert claimable(other, engine) is None
    mine.close()
    other.close()


def test_a_session_of_ours_that_the_server_still_believes_in_does_not_fence_us(postgres_place: Place) -> None:
    """As after a broken line: the client knows, the server does not."""
    mine, other = postgres_place.open(), postgres_place.open()
    engine = mine.engines.join("blue")
    elsewhere(mine)
    writer = mine.db._writer  # type: ignore[attr-defined]
    kept = os.dup(writer.fileno())
    try:
        with Path(os.devnull).open("r+b") as null:
            os.dup2(null.fileno(), writer.fileno())
        assert claimable(other, engine) is None
        mine.journal.write(record(engine))
        assert claimable(other, engine) is None
    finally:
        os.close(kept)
    mine.close()
    other.close()


# --- Memory ----------------------------------------------------------------------------------------------------------------


def test_nobody_else_uses_a_store_in_memory(tmp_path: Path) -> None:
    store = open_store(StoreSettings(), tmp_path)
    engine = store.engines.join("blue")
    assert engine != store.engines.join("blue")
    assert list(store.engines.others(engine)) == []
    with store.engines.claim(engine) as claim:
        assert claim is None
    store.engines.forget(engine)
    store.engines.leave(engine)
    store.close()


def test_machines_without_an_id_go_by_their_name() -> None:
    assert liveness.host_id()
    name = subprocess.run(["uname", "-n"], capture_output=True, text=True, check=True).stdout.strip()
    machine = Path("/etc/machine-id")
    assert liveness.host_id() == (machine.read_text().strip() if machine.exists() and machine.read_text().strip() else name)


def test_registrations_are_not_synced_but_there_for_all(place: Place) -> None:
    mine, other = place.open(), place.open()
    engine = mine.engines.join("blue")
    assert rows(other, "SELECT id FROM engines") == [(engine,)]
    mine.close()
    other.close()
