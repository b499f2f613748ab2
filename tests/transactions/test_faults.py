"""Faults of the journal itself. The rule: if an intent cannot be made durable, its effect does not happen."""

from __future__ import annotations

import itertools
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mpf_core import CallContext, Code, Config, Result, TransactionState
from mpf_core.store.opening import SqlStore
from mpf_core.store.port import Query, StoreUnavailable
from mpf_core.store.postgresql import PostgresDatabase
from tests.postgres import PostgresServer
from tests.store.support import Place
from tests.support import Bench, StoreProvider
from tests.transactions.conftest import EVERYTHING, Site
from tests.transactions.test_ending import FAIL, put, remove
from tests.transactions.test_left_behind import lost_answer, wrapped
from tests.transactions.test_resend import send

pytest_plugins = ["tests.store.places"]


@contextmanager
def failing(bench: Bench, numbers: set[int], *, written: bool) -> Iterator[None]:
    """Let these calls of `Journal.write` fail, before the write, or (``written``) after it: the answer is lost."""
    journal = bench.engine.store.journal
    original = journal.write
    count = 0

    def write(*arguments: object, **more: object) -> None:
        nonlocal count
        count += 1
        if count in numbers and not written:
            raise StoreUnavailable("no")
        original(*arguments, **more)  # type: ignore[arg-type]
        if count in numbers:
            raise StoreUnavailable("the answer is lost")

    journal.write = write  # type: ignore[method-assign]
    try:
        yield
    finally:
        journal.write = original  # type: ignore[method-assign]


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_without_an_intent_there_is_no_effect(bench: Bench, number: int, written: bool) -> None:
    with failing(bench, {number}, written=written):
        result = bench.run(put("a") + put("b") + put("c"))
    assert result.error is not None
    assert result.error.code == Code.STORE_UNAVAILABLE
    assert bench.store.values == {}
    assert [name for what, name in bench.store.calls if what == "undo"] == ["b", "a"][3 - number :]
    record = bench.engine.transactions.get(result.transaction_id).record
    assert record.state is TransactionState.ROLLED_BACK


@pytest.mark.parametrize("written", [False, True])
def test_an_end_that_cannot_be_recorded_is_in_doubt_until_recovery(bench: Bench, written: bool) -> None:
    with failing(bench, {2}, written=written):
        result = bench.run(put("a"))
    assert result.error is not None
    assert result.error.code == 0x8004D016
    found = list(bench.engine.recover())
    record = bench.engine.transactions.get(result.transaction_id).record
    if written:
        assert (record.state, bench.store.values, found) == (TransactionState.COMMITTED, {"a": "1"}, [])
    else:
        assert (record.state, bench.store.values) == (TransactionState.ROLLED_BACK, {})


@pytest.mark.parametrize("written", [False, True])
def test_a_decision_that_cannot_be_recorded_commits_nothing(bench: Bench, written: bool) -> None:
    bench.store.values["x"] = "1"
    with failing(bench, {2}, written=written):
        result = bench.run(remove("x"))
    assert result.error is not None
    assert result.error.code == 0x8004D016
    assert ("commit", "x") not in bench.store.calls
    list(bench.engine.recover())
    record = bench.engine.transactions.get(result.transaction_id).record
    if written:
        assert (record.state, bench.store.values, bench.store.parked) == (TransactionState.COMMITTED, {}, {})
    else:
        assert (record.state, bench.store.values, bench.store.parked) == (TransactionState.ROLLED_BACK, {"x": "1"}, {})


def test_a_rollback_goes_on_without_the_store(bench: Bench) -> None:
    with failing(bench, {2, 3}, written=False):
        result = bench.run(put("a") + FAIL)
    assert bench.store.values == {}
    assert result.state is TransactionState.ROLLING_BACK
    assert result.error is not None
    assert result.error.code == 0x80004005
    (recovered,) = bench.engine.recover()
    assert recovered.state is TransactionState.ROLLED_BACK
    assert [step.state.value for step in recovered.steps] == ["nothing-to-undo"]


def test_a_rollback_that_may_be_another_engines_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the store, an engine on a server's database cannot know whether it was taken for gone meanwhile."""
    monkeypatch.setattr(bench.engine.store.engines, "is_sure", lambda: False)
    with failing(bench, {2}, written=False):
        result = bench.run(put("a") + FAIL)
    assert bench.store.values == {"a": "1"}
    assert result.error is not None
    assert result.error.code == 0x80004005
    (recovered,) = bench.engine.recover()
    assert recovered.state is TransactionState.ROLLED_BACK
    assert bench.store.values == {}


def test_a_catch_does_not_run_when_its_rollback_has_to_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.engine.store.engines, "is_sure", lambda: False)
    bench.store.fail_after_effect.add("a")
    with failing(bench, {2}, written=False):
        result = bench.run(f"<try>{put('a')}</try><catch>{put('b')}</catch>")
    assert bench.store.values == {"a": "1"}
    assert result.error is not None
    assert result.error.code == 0x8004D016
    list(bench.engine.recover())
    assert bench.store.values == {}


def test_a_fenced_engine_undoes_nothing(bench: Bench) -> None:
    journal = bench.engine.store.journal

    def rob(_ctx: object, name: str) -> None:
        record = bench.engine.transactions.find()[0]
        assert journal.adopt(record.id, record.engine, "another")

    bench.store.during_apply = rob
    result = bench.run(put("a") + FAIL)
    assert bench.store.values == {"a": "1"}
    assert ("undo", "a") not in bench.store.calls
    assert result.error is not None
    result = bench.run(put("b") + put("c"))
    assert result.error is not None
    assert result.error.code == 0x8004D016
    assert ("undo", "b") not in bench.store.calls


def test_whose_end_is_refused_is_told_who_has_it(bench: Bench) -> None:
    journal = bench.engine.store.journal

    def rob(_ctx: object, _name: str) -> None:
        record = bench.engine.transactions.find()[0]
        assert journal.adopt(record.id, record.engine, "another")

    bench.store.during_apply = rob
    result = bench.run(put("a"))
    assert result.error is not None
    assert result.error.description.startswith("Another engine has taken the request over")


def test_a_fenced_engine_undoes_nothing_more(bench: Bench) -> None:
    """It asks again, though it was sure when it undid the first step."""
    journal = bench.engine.store.journal
    bench.store.fail_after_effect.add("a")

    def rob(_ctx: object, name: str) -> None:
        if name == "b":
            record = bench.engine.transactions.find()[0]
            assert journal.adopt(record.id, record.engine, "another")

    bench.store.during_apply = rob
    assert bench.run(f"<try>{put('a')}</try><catch>{put('b')}</catch>{FAIL}").error is not None
    assert [name for what, name in bench.store.calls if what == "undo"] == ["a"]
    assert bench.store.values == {"b": "1"}


def test_a_fenced_engine_commits_nothing(bench: Bench) -> None:
    bench.store.values["x"] = "1"
    journal = bench.engine.store.journal

    def rob(_ctx: object, _name: str) -> None:
        record = bench.engine.transactions.find()[0]
        assert journal.adopt(record.id, record.engine, "another")

    bench.store.during_apply = rob
    result = bench.run(remove("x") + put("a"))
    assert result.error is not None
    assert result.error.code == Code.XACT_E_INDOUBT
    assert ("prepare commit", "x") in bench.store.calls
    assert ("commit", "x") not in bench.store.calls
    assert bench.store.parked == {"x": "1"}


class TestFullDisk:
    """What needs another page of the file cannot be written any more, and what does not can."""

    def test_it_refuses_writing_requests_and_nothing_else(self, site: Site, bench: Bench) -> None:
        bench.run(put("a"))
        fill_disk(bench)
        result = bench.run(put("big", BIG))
        assert result.error is not None
        assert result.error.code == Code.STORE_UNAVAILABLE
        assert site.provider.values == {"a": "1"}
        empty_disk(bench)
        assert bench.run(put("big", BIG)).error is None

    def test_a_key_that_cannot_be_claimed_is_no_request(self, bench: Bench) -> None:
        bench.run(put("a"))
        fill_disk(bench)
        result = send(bench, put("b"), BIG)
        assert result.error is not None
        assert result.error.code == Code.STORE_UNAVAILABLE
        assert bench.store.values == {"a": "1"}
        empty_disk(bench)
        again = send(bench, put("b"), BIG)
        assert (again.error, again.repeated, bench.store.values) == (None, False, {"a": "1", "b": "1"})

    def test_a_decision_that_has_no_room_commits_nothing(self, bench: Bench) -> None:
        bench.store.values["x"] = "1"
        bench.store.during_apply = lambda ctx, _name: fill_disk_before_outcome(bench, ctx)
        result = bench.run(remove("x") + put("a"))
        assert result.error is not None
        assert result.error.code == Code.XACT_E_INDOUBT
        assert ("commit", "x") not in bench.store.calls
        empty_disk(bench)
        assert [found.state for found in bench.engine.recover()] == [TransactionState.ROLLED_BACK]
        assert (bench.store.values, bench.store.parked) == ({"x": "1"}, {})

    def test_a_rollback_that_has_no_room_goes_on_and_is_not_said_to_have_ended(self, bench: Bench) -> None:
        bench.store.during_apply = lambda ctx, _name: fill_disk_before_outcome(bench, ctx)
        result = bench.run(put("a") + FAIL)
        assert (result.state, bench.store.values) == (TransactionState.ROLLING_BACK, {})
        assert result.error is not None
        assert result.error.code == Code.E_FAIL
        empty_disk(bench)
        (record,) = bench.engine.transactions.find()
        assert record.state is TransactionState.RUNNING
        (recovered,) = bench.engine.recover()
        assert (recovered.state, [step.state.value for step in recovered.steps]) == (
            TransactionState.ROLLED_BACK,
            ["nothing-to-undo"],
        )


BIG = "x" * 200_000


def fill_disk(bench: Bench) -> None:
    """Let the store's file not grow any more."""
    connection = _writer(bench)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")


def fill_disk_before_outcome(bench: Bench, ctx: CallContext) -> None:
    """Let nothing be written of a step behind its intent."""
    ctx.evidence["big"] = BIG
    fill_disk(bench)


def empty_disk(bench: Bench) -> None:
    """Let the store's file grow again."""
    _writer(bench).execute("PRAGMA max_page_count=1000000")


def _writer(bench: Bench) -> sqlite3.Connection:
    store = bench.engine.store
    assert isinstance(store, SqlStore)
    connection = store.db._writer
    assert isinstance(connection, sqlite3.Connection)
    return connection


def test_a_lock_whose_answer_is_lost_is_no_reason_to_go_on_and_is_not_kept(bench: Bench) -> None:
    bench.store.lock_keys = True
    with wrapped(bench.engine.store.journal, "lock", lost_answer(StoreUnavailable())):
        result = bench.run(put("a"))
    assert result.error is not None
    assert (result.error.code, bench.store.values) == (Code.STORE_UNAVAILABLE, {})
    assert bench.run(put("a")).error is None


class TestServer:
    """Engines on one store in a PostgreSQL server."""

    def test_a_rollback_waits_while_the_line_is_cut(
        self, postgres_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (bench,) = benches = engines_on(postgres_place.url, tmp_path, 1)
        database = database_of(bench)

        def cut(_ctx: CallContext, _name: str) -> None:
            cut_lines(bench)
            monkeypatch.setattr(database, "_connect", refuse)

        def refuse() -> None:
            raise StoreUnavailable("nobody answers")

        bench.store.during_apply = cut
        result = bench.run(put("a") + FAIL)
        assert result.error is not None
        assert bench.store.values == {"a": "1"}
        monkeypatch.undo()
        assert [found.state for found in bench.engine.recover()] == [TransactionState.ROLLED_BACK]
        assert bench.store.values == {}
        close(benches)

    def test_a_line_that_is_cut_between_any_commit_and_its_answer_leaves_no_doubt(
        self, postgres_place: Place, tmp_path: Path
    ) -> None:
        (bench,) = benches = engines_on(postgres_place.url, tmp_path, 1)
        values, ends = bench.store.values, set()

        def run(name: str) -> Result:
            return send(bench, put(f"{name}/1") + remove(f"{name}/old") + put(f"{name}/2"), name)

        values["all/old"] = "1"
        with cut_after(bench, 0) as commits:
            assert run("all").error is None
        assert commits.number >= 8  # the key, the locks, the audit, three intents, the decision, the end
        for number in range(1, commits.number + 1):
            name = f"n{number}"
            values[f"{name}/old"] = "1"
            with cut_after(bench, number):
                result = run(name)
            list(bench.engine.recover())
            found = {one.removeprefix(f"{name}/") for one in values if one.startswith(f"{name}/")}
            record = next((one for one in bench.engine.transactions.find() if one.id == result.transaction_id), None)
            state = record.state if record is not None else TransactionState.ROLLED_BACK
            done = state is TransactionState.COMMITTED
            assert done or state is TransactionState.ROLLED_BACK, (number, state)
            assert done or result.error is not None, number
            assert found == ({"1", "2"} if done else {"old"}), number
            assert not bench.engine.store.journal.locks(result.transaction_id), number
            again = run(name)
            assert (again.error, again.repeated) == (None, done), number
            ends.add((result.error is None, done))
        assert {(False, False), (False, True)} <= ends
        assert bench.engine.store.audit.verify() == []
        close(benches)

    def test_nor_does_one_in_a_recovery(
        self, postgres_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stayed, *gone = engines_on(postgres_place.url, tmp_path, 12)
        cut = 0
        for number, bench in enumerate(gone, 1):
            leave_open(bench, put(f"n{number}"), monkeypatch)
            with cut_after(stayed, number) as commits, suppress(StoreUnavailable):
                list(stayed.engine.recover())
            cut += commits.number >= number
            list(stayed.engine.recover())
            assert {one.state for one in stayed.engine.transactions.find()} == {TransactionState.ROLLED_BACK}
            assert stayed.store.values == {}
        assert 3 < cut < len(gone), "every commit of a recovery was the last one before a cut"
        assert stayed.engine.store.audit.verify() == []
        stayed.engine.close()

    @pytest.mark.parametrize("disturbance", ["restarted fast", "restarted immediate", "lines cut"])
    def test_what_is_answered_under_load_is_so(self, own_server: PostgresServer, tmp_path: Path, disturbance: str) -> None:
        benches = engines_on(own_server.create_database("load"), tmp_path, 2)

        def disturb() -> None:
            if disturbance == "lines cut":
                for _ in range(50):
                    for bench in benches:
                        cut_lines(bench)
                    time.sleep(0.01)
            else:
                own_server.restart("fast" if disturbance.endswith("fast") else "immediate")
            for bench in benches:  # each finds the other alive
                with suppress(StoreUnavailable):
                    list(bench.engine.recover())

        succeeded, failed = _load(benches, disturb)
        for bench in benches:
            list(bench.engine.recover())
        journal = benches[0].engine.store.journal
        ended = {record.id: record.state for record in journal.find(Query())}
        assert set(ended.values()) <= {TransactionState.COMMITTED, TransactionState.ROLLED_BACK}
        committed = {found for found, state in ended.items() if state is TransactionState.COMMITTED}
        assert succeeded.keys() <= committed
        assert len(succeeded) > 20
        # Every value that is there belongs to a request that is committed, and the other way round.
        values = set(benches[0].store.values)
        assert values == {
            f"{name}/{step}" for found, name in (succeeded | failed).items() if found in committed for step in "12"
        }
        assert not [key for found in ended for key in journal.locks(found)]
        assert benches[0].engine.store.audit.verify() == []
        close(benches)


def engines_on(url: str, folder: Path, number: int) -> list[Bench]:
    """Engines that share a store in a server, and a directory."""
    provider = StoreProvider()
    provider.lock_keys = True
    config = Config.model_validate(
        {
            "base_dir": folder,
            "engine": {"undo_wait": 0, "recovery_interval": 3600},
            "store": {"url": url, "key_file": "mpf.key", "lock_dir": "locks"},
            "security": {"permissions": {"trusted_requests": EVERYTHING, "private_procedures": EVERYTHING}},
        }
    )
    return [Bench(folder, config=config, provider=provider) for _ in range(number)]


def close(benches: Sequence[Bench]) -> None:
    for bench in benches:
        bench.engine.close()


def database_of(bench: Bench) -> PostgresDatabase:
    store = bench.engine.store
    assert isinstance(store, SqlStore)
    assert isinstance(store.db, PostgresDatabase)
    return store.db


def cut_lines(bench: Bench) -> None:
    """Cut an engine's connections to the server, whatever is under way on them."""
    database = database_of(bench)
    for connection in (database._writer, *database._idle):
        shut_down(connection)


def shut_down(connection: Any) -> None:
    with suppress(OSError, AttributeError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@dataclass
class Commits:
    """How many there were."""

    number: int = 0


class _Line:
    """A connection, or a cursor, that is cut when the server has done the commit of that number, before it can say so."""

    def __init__(self, real: Any, commits: Commits, last: int) -> None:
        self._real, self._commits, self._last = real, commits, last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def cursor(self) -> _Line:
        return _Line(self._real.cursor(), self._commits, self._last)

    def execute(self, statement: str, *values: object) -> object:
        done = self._real.execute(statement, *values)
        if statement == "COMMIT":
            self._commits.number += 1
            if self._commits.number == self._last:
                shut_down(self._real.connection)
                raise psycopg.OperationalError("the line is cut")
        return done


@contextmanager
def cut_after(bench: Bench, number: int) -> Iterator[Commits]:
    """Cut the line of an engine that writes behind its commit of that number; none for 0."""
    database, commits = database_of(bench), Commits()
    original = database._live_writer
    database._live_writer = lambda: _Line(original(), commits, number)  # type: ignore[method-assign]
    try:
        yield commits
    finally:
        database._live_writer = original  # type: ignore[method-assign]


def leave_open(bench: Bench, steps: str, patch: pytest.MonkeyPatch) -> None:
    """Let an engine lose its store in the middle of a request, and never come back."""

    def refuse() -> None:
        raise StoreUnavailable("nobody answers")

    def lose(_ctx: CallContext, _name: str) -> None:
        cut_lines(bench)
        patch.setattr(database_of(bench), "_connect", refuse)

    bench.store.during_apply = lose
    assert bench.run(steps + FAIL).error is not None
    bench.store.during_apply = lambda _ctx, _name: None
    bench.engine.store.close()


def _load(benches: Sequence[Bench], disturb: Callable[[], None]) -> tuple[dict[str, str], dict[str, str]]:
    """Send requests in two threads for each engine while ``disturb`` happens; returns those that succeeded and that failed."""
    stop = threading.Event()
    succeeded: dict[str, str] = {}
    failed: dict[str, str] = {}

    def work(worker: int) -> None:
        bench = benches[worker % len(benches)]
        for number in itertools.count():
            if stop.is_set():
                return
            name = f"w{worker}n{number}"
            result = send(bench, put(f"{name}/1") + put(f"{name}/2"), name)
            (succeeded if result.error is None else failed)[result.transaction_id] = name

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(2 * len(benches))]
    for thread in threads:
        thread.start()
    stop.wait(1)
    disturb()
    stop.wait(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    return succeeded, failed
