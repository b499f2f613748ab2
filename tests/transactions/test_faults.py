"""Faults of the journal itself. The rule: if an intent cannot be made durable, its effect does not happen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpf_core import Code, Config, TransactionState
from mpf_core.store.journal import SqlJournal
from mpf_core.store.port import Query, StoreUnavailable
from mpf_core.transaction.states import OPEN_TRANSACTIONS
from tests.postgres import PostgresUnavailable, postgres_server
from tests.support import Bench, StoreProvider
from tests.transactions.conftest import EVERYTHING, Site
from tests.transactions.test_ending import FAIL, put, remove


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


def test_a_full_disk_refuses_writing_requests_and_nothing_else(site: Site, bench: Bench) -> None:
    bench.run(put("a"))
    store = bench.engine.store
    assert isinstance(store.journal, SqlJournal)
    connection = store.db._writer  # type: ignore[attr-defined]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    result = bench.run(put("big", "x" * 200_000))
    assert result.error is not None
    assert result.error.code == Code.STORE_UNAVAILABLE
    assert site.provider.values == {"a": "1"}
    connection.execute("PRAGMA max_page_count=1000000")
    assert bench.run(put("big", "x" * 200_000)).error is None


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_under_load(tmp_path: Path, mode: str) -> None:
    try:
        server = postgres_server()
        opened = server.__enter__()
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    try:
        provider = StoreProvider()
        config = Config.model_validate(
            {
                "base_dir": tmp_path,
                "engine": {"undo_wait": 0, "recovery_interval": 3600},
                "store": {"url": opened.create_database("load"), "key_file": "mpf.key", "lock_dir": "locks"},
                "security": {"permissions": {"trusted_requests": EVERYTHING, "private_procedures": EVERYTHING}},
            }
        )
        bench = Bench(tmp_path, config=config, provider=provider)
        succeeded, failed = _load(bench, lambda: opened.restart(mode))
        list(bench.engine.recover())
        find = bench.engine.store.journal.find
        committed = {record.id for record in find(Query(states=frozenset({TransactionState.COMMITTED})))}
        assert find(Query(states=OPEN_TRANSACTIONS)) == []
        assert succeeded.keys() <= committed
        assert len(succeeded) > 20
        # Every value that is there belongs to a request that is committed, and the other way round.
        there = {name.split("/")[0] for name in provider.values}
        assert {succeeded[found] for found in succeeded} <= there
        doubtful = {failed[found] for found in failed.keys() & committed}
        assert there == {succeeded[found] for found in succeeded} | doubtful
        assert bench.engine.store.audit.verify() == []
        bench.engine.close()
    finally:
        server.__exit__(None, None, None)


def _load(bench: Bench, disturb: Callable[[], None]) -> tuple[dict[str, str], dict[str, str]]:
    """Run requests in four threads while ``disturb`` happens; returns those that succeeded and those that failed."""
    stop = threading.Event()
    succeeded: dict[str, str] = {}
    failed: dict[str, str] = {}

    def work(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"w{worker}n{number}"
            result = bench.run(put(f"{name}/1") + put(f"{name}/2"))
            (succeeded if result.error is None else failed)[result.transaction_id] = name

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(1)
    disturb()
    stop.wait(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    return succeeded, failed
