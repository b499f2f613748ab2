"""Recovery does one transaction after the other: what disturbs one of them takes nothing from the others, and loses none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mpf_core import CallContext, Change, Event, StepState, TransactionState, Undo, hookimpl
from mpf_core.store.port import StepRecord, StoreUnavailable
from mpf_core.testing import AllowAll
from mpf_core.transactions import NotSettled
from tests.support import Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put
from tests.transactions.test_faults import failing


def leave(site: Site, *names: str) -> list[str]:
    """Let an engine for each name end in the middle of a request; returns the transactions, the oldest first."""
    for name in names:
        die_at(site, site.engine(), "provider.apply.after", put(name))
    found = site.engine().engine.transactions.find()
    return [record.id for record in sorted(found, key=lambda record: record.started)]


def recovered(bench: Bench) -> list[str]:
    return [found.transaction_id for found in bench.engine.recover()]


@contextmanager
def disturbed(bench: Bench, transaction_id: str, disturb: Callable[[], None]) -> Iterator[None]:
    """Do something when recovery reads the steps of this transaction."""
    journal = bench.engine.store.journal
    original = journal.steps

    def steps(wanted: str) -> Sequence[StepRecord]:
        if wanted == transaction_id:
            disturb()
        return original(wanted)

    journal.steps = steps  # type: ignore[method-assign]
    try:
        yield
    finally:
        journal.steps = original  # type: ignore[method-assign]


@contextmanager
def interrupted(bench: Bench) -> Iterator[None]:
    """Interrupt whatever is undone."""

    def undo(_ctx: CallContext, _change: Change) -> Undo:
        raise KeyboardInterrupt

    bench.store.undo = undo  # type: ignore[method-assign]
    try:
        yield
    finally:
        del bench.store.undo  # type: ignore[method-assign]


class TestOneOfMany:
    def test_one_that_another_engine_takes_meanwhile_is_left_to_it(self, site: Site) -> None:
        first, second, third = leave(site, "a", "b", "c")
        bench = site.engine()
        journal = bench.engine.store.journal

        def rob() -> None:
            assert journal.adopt(second, bench.engine._own_seat(), "f" * 32)

        with disturbed(bench, second, rob):
            assert recovered(bench) == [first, third]
        assert recovered(bench) == []
        assert bench.engine.transactions.get(second).record.state is TransactionState.RUNNING

    @pytest.mark.parametrize("error", [StoreUnavailable("gone"), KeyboardInterrupt()])
    def test_what_follows_an_interruption_is_for_the_next_time(self, site: Site, error: BaseException) -> None:
        _, second, third = leave(site, "a", "b", "c")
        bench = site.engine()

        def fail() -> None:
            raise error

        found: list[str] = []
        with disturbed(bench, second, fail), pytest.raises(type(error)):
            found.extend(one.transaction_id for one in bench.engine.recover())
        assert site.provider.values == {"b": "1", "c": "1"}
        assert sorted(recovered(bench)) == sorted([second, third])
        assert site.provider.values == {}

    def test_an_engine_that_closes_finishes_the_one_it_is_at(self, site: Site) -> None:
        first, *others = leave(site, "a", "b", "c")
        bench = site.engine()
        stop = threading.Event()
        with disturbed(bench, first, stop.set):
            assert [found.transaction_id for found in bench.engine._recoveries.run(stop)] == [first]
        assert site.provider.values == {"b": "1", "c": "1"}
        assert sorted(recovered(bench)) == sorted(others)

    @pytest.mark.parametrize("forgotten", [False, True])
    def test_one_that_ends_meanwhile_is_not_done_again(
        self, site: Site, caplog: pytest.LogCaptureFixture, forgotten: bool
    ) -> None:
        first, second = leave(site, "a", "b")
        bench = site.engine()
        slow = bench.engine.recover()
        assert next(slow).transaction_id == first
        assert recovered(bench) == [second]
        if forgotten:
            bench.engine.store.journal.prune(time.time() + 1)
        caplog.clear()
        assert (list(slow), site.provider.calls.count(("undo", "b"))) == ([], 1)
        assert "recovery.failed" not in caplog.text

    def test_one_that_a_living_engine_has_taken_meanwhile_is_not_its_own(self, site: Site) -> None:
        first, second = leave(site, "a", "b")
        bench, other = site.engine(), site.engine()
        slow = bench.engine.recover()
        assert next(slow).transaction_id == first
        assert other.engine.store.journal.adopt(second, bench.engine._own_seat(), other.engine._own_seat())
        assert (list(slow), site.provider.values) == ([], {"b": "1"})

    def test_one_that_runs_is_not_one_that_was_left(self, bench: Bench) -> None:
        seen: list[str] = []
        bench.store.during_apply = lambda _ctx, _name: seen.extend(recovered(bench))
        assert bench.run(put("a") + put("b")).error is None
        assert (seen, bench.store.values) == ([], {"a": "1", "b": "1"})

    def test_an_interrupt_of_an_undo_stays_one(self, site: Site) -> None:
        (found,) = leave(site, "a")
        bench = site.engine()
        with interrupted(bench), pytest.raises(KeyboardInterrupt):
            recovered(bench)
        assert bench.engine.transactions.get(found).record.state is TransactionState.ROLLING_BACK
        assert recovered(bench) == [found]

    def test_an_engine_that_lives_does_not_hide_those_after_it(self, site: Site) -> None:
        living = site.engine()
        assert living.run(put("z")).error is None
        leave(site, "a")
        bench = site.engine()
        assert len(recovered(bench)) == 1
        assert site.provider.values == {"z": "1"}

    def test_what_an_engine_had_ended_stays_its_own(self, site: Site, bench: Bench) -> None:
        ended = bench.run(put("z")).transaction_id
        engine = bench.engine._own_seat()
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        assert len(recovered(other)) == 1
        assert other.engine.transactions.get(ended).record.engine == engine


class TestAbandoned:
    @pytest.mark.parametrize(("numbers", "written"), [({1, 2}, False), ({2}, True)])
    def test_one_without_a_record_or_with_an_end_is_not_looked_at_again(
        self, bench: Bench, caplog: pytest.LogCaptureFixture, numbers: set[int], written: bool
    ) -> None:
        with failing(bench, numbers, written=written):
            assert bench.run(put("a")).error is not None
        caplog.clear()
        assert recovered(bench) == []
        assert "recovery.failed" not in caplog.text


class TestUncertain:
    """Where only the engine's connection is known to be gone."""

    @pytest.fixture
    def other(self, site: Site, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Bench]:
        def made() -> Bench:
            other = site.engine()
            engines = other.engine.store.engines
            claim = engines.claim

            @contextmanager
            def uncertain(engine: str) -> Iterator[object]:
                with claim(engine) as found:
                    yield found and replace(found, certain=False)  # type: ignore[type-var]

            monkeypatch.setattr(engines, "claim", uncertain)
            return other

        return made

    def test_a_call_that_has_no_time_limit_may_be_under_way_for_ever(self, site: Site, other: Callable[[], Bench]) -> None:
        bench = site.engine(call_timeout=None, timeout=None)
        die_at(site, bench, "provider.apply.after", put("a"))
        assert recovered(other()) == []
        assert site.provider.values == {"a": "1"}

    def test_an_operator_may_answer_for_it_that_an_engine_is_gone(self, site: Site, other: Callable[[], Bench]) -> None:
        bench = site.engine(call_timeout=None, timeout=None)
        seat = bench.engine._own_seat()
        die_at(site, bench, "provider.apply.after", put("a"))
        looking = other()
        assert [found.state for found in looking.engine.recover(gone=[seat], by="olivia")] == [TransactionState.ROLLED_BACK]
        assert site.provider.values == {}
        lines = [line.entry for line in looking.engine.store.audit.lines() if line.entry.event == "engine.gone"]
        assert [(line.caller, line.details) for line in lines] == [("olivia", {"engine": seat})]

    def test_nobody_answers_for_an_engine_that_is_surely_gone(self, site: Site, bench: Bench) -> None:
        seat = bench.engine._own_seat()
        die_at(site, bench, "provider.apply.after", put("a"))
        looking = site.engine()
        assert len(list(looking.engine.recover(gone=[seat], by="olivia"))) == 1
        assert "engine.gone" not in [line.entry.event for line in looking.engine.store.audit.lines()]

    def test_nobody_answers_for_an_engine_that_has_its_lock(
        self, site: Site, bench: Bench, other: Callable[[], Bench]
    ) -> None:
        looking, seen = other(), list[object]()
        seat = bench.engine._own_seat()
        bench.store.during_apply = lambda _ctx, _name: seen.extend(looking.engine.recover(gone=[seat], by="olivia"))
        assert bench.run(put("a")).error is None
        assert (seen, bench.store.values) == ([], {"a": "1"})

    def test_one_call_that_may_be_under_way_is_enough(self, site: Site, bench: Bench, other: Callable[[], Bench]) -> None:
        bench.store.fail_after_effect.add("a")
        die_at(site, bench, "provider.apply.after", f"<try>{put('a')}</try><catch>{put('b')}</catch>")
        looking = other()
        (record,) = looking.engine.transactions.find()
        steps = looking.engine.store.journal.steps(record.id)
        assert [step.state for step in steps] == [StepState.UNDONE, StepState.STARTED]
        assert recovered(looking) == []
        assert site.provider.values == {"b": "1"}


class TestRetry:
    def test_one_that_another_engine_takes_meanwhile_is_not_undone_twice(self, site: Site, bench: Bench) -> None:
        bench.store.fail_undo.add("a")
        failed = bench.run(put("a") + FAIL).transaction_id
        bench.store.fail_undo.clear()
        undone = bench.store.calls.count(("undo", "a"))
        other = site.engine()
        journal = other.engine.store.journal
        adopt = journal.adopt

        def too_late(transaction_id: str, old: str, new: str) -> bool:
            assert adopt(transaction_id, old, "f" * 32)
            return adopt(transaction_id, old, new)

        journal.adopt = too_late  # type: ignore[method-assign]
        with pytest.raises(NotSettled):
            other.engine.transactions.retry(failed, "olivia")
        assert bench.store.calls.count(("undo", "a")) == undone

    @pytest.fixture
    def failed(self, bench: Bench) -> str:
        bench.store.fail_undo.add("a")
        failed = bench.run(put("a") + FAIL).transaction_id
        bench.store.fail_undo.clear()
        return failed

    def test_one_that_is_interrupted_is_left_as_it_was(self, site: Site, bench: Bench, failed: str) -> None:
        with interrupted(bench), pytest.raises(KeyboardInterrupt):
            bench.engine.transactions.retry(failed, "olivia")
        other = site.engine()
        assert other.engine.transactions.get(failed).record.state is TransactionState.INCONSISTENT
        assert recovered(other) == []
        assert other.engine.transactions.retry(failed, "olivia").state is TransactionState.ROLLED_BACK

    def test_a_store_that_fails_is_no_settlement(self, bench: Bench, failed: str) -> None:
        def fail() -> None:
            raise StoreUnavailable("gone")

        with disturbed(bench, failed, fail), pytest.raises(StoreUnavailable):
            bench.engine.transactions.retry(failed, "olivia")
        assert bench.engine.transactions.retry(failed, "olivia").state is TransactionState.ROLLED_BACK

    def test_one_that_was_forgotten_meanwhile_is_none(self, bench: Bench) -> None:
        assert bench.engine._recoveries.retry("{00000000-0000-0000-0000-000000000000}", "olivia") is None


class Observer:
    """Remembers what waits for a person."""

    name = "observer"

    def __init__(self) -> None:
        self.told: list[Event] = []

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        if event.name == "transaction.unsettled":
            self.told.append(event)


def test_operators_are_told_of_a_recovery_that_waits_for_them_and_of_no_other(site: Site) -> None:
    observer = Observer()
    first, second = leave(site, "a", "b")
    site.provider.fail_undo.add("b")
    bench = site.engine(plugins=(AllowAll(), observer))
    assert recovered(bench) == [first, second]
    bench.engine.close()
    site.benches.remove(bench)
    (told,) = observer.told
    assert told.transaction_id == second
    assert (told.fields["state"], told.fields["procedure"], told.fields["caller"]) == (
        "inconsistent",
        "Store::Put",
        "tester@fabrikam.com",
    )
