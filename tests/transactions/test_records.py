"""What the record of a step says, and what a lock does and says."""

from __future__ import annotations

import gc
import time

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Code, MpfError, StepState, TransactionState, Undo, output
from mpf_core.execution import Execution
from mpf_core.store.port import StepRecord, StoreUnavailable, TransactionRecord
from mpf_core.transaction.transaction import Transaction
from tests.support import CALLER, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put
from tests.transactions.test_faults import failing


def steps(bench: Bench, transaction_id: str) -> list[StepRecord]:
    return [step.record for step in bench.engine.transactions.get(transaction_id).steps]


def parts_of_requests() -> list[object]:
    return [one for one in gc.get_objects() if isinstance(one, Execution | Transaction | CallContext | StepRecord)]


class TestStep:
    def test_it_says_who_did_what_and_when(self, site: Site) -> None:
        bench = site.engine(call_timeout=30)
        bench.store.during_apply = lambda _ctx, _name: time.sleep(0.01)
        before = time.time()
        result = bench.run(put("a") + put("b").replace('impersonate="1"', 'impersonate="2"'))
        after = time.time()
        first, second = steps(bench, result.transaction_id)
        assert (first.order, first.sequence, second.order, second.sequence) == (1, 1, 2, 2)
        assert (first.identity, first.identity_kind) == (CALLER.name, "caller")
        assert (second.identity, second.identity_kind) == ("MPFServiceAcct", "service")
        assert (first.namespace, first.procedure, first.provider_source) == ("Store", "Put", "test.store")
        assert before <= first.started < second.started <= after
        assert first.ended is not None
        assert first.started < first.ended <= after
        assert first.running_until is not None
        assert 0 < first.running_until - first.started <= 30
        assert first.detail == ""

    def test_one_without_a_time_limit_may_run_for_ever(self, site: Site) -> None:
        bench = site.engine(call_timeout=None, timeout=None)
        (step,) = steps(bench, bench.run(put("a")).transaction_id)
        assert step.running_until is None

    def test_one_whose_time_is_over_before_it_begins_is_not_under_way(self, site: Site) -> None:
        bench = site.engine(call_timeout=0.01)

        def prepare(_ctx: CallContext, data: etree._Element) -> Change:
            time.sleep(0.05)
            return Change({"name": "a", "new": "1", "old": None})

        bench.store.put = prepare  # type: ignore[method-assign]
        result = bench.run(put("a"))
        assert result.error is not None
        assert result.error.code == Code.TIMEOUT
        (step,) = steps(bench, result.transaction_id)
        assert step.running_until == step.started

    def test_nothing_is_said_of_an_undo_that_succeeds_after_all(self, bench: Bench) -> None:
        bench.store.fail_undo.add("a")
        found = bench.run(put("a") + FAIL)
        assert found.rollback[0].detail
        bench.store.fail_undo.clear()
        (step,) = bench.engine.transactions.retry(found.transaction_id, "olivia").steps
        assert (step.state, step.detail) == (StepState.UNDONE, "")

    def test_one_that_was_not_done_says_why(self, bench: Bench) -> None:
        with failing(bench, {1}, written=False):
            result = bench.run(put("a"))
        assert [(step.state, step.detail) for step in result.rollback] == [
            (StepState.NOTHING_TO_UNDO, "its intent could not be recorded, so it was not done")
        ]
        assert result.error is not None
        assert "cannot record what is about to be done" in result.error.description

    def test_what_only_its_effect_tells_is_in_its_output(self, bench: Bench) -> None:
        bench.store.apply = lambda _ctx, _change: (output("made", "7"),)  # type: ignore[method-assign,assignment,return-value]
        after = '<after source="executeData" sourcePath="made" destination="data"/></execute>'
        assert bench.data(put("a").replace("</execute>", after)) == "<data><made>7</made></data>"

    @pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
    def test_evidence_of_one_that_failed_is_there_for_its_undo(self, bench: Bench, error: BaseException) -> None:
        def fail(ctx: CallContext, _name: str) -> None:
            ctx.evidence["made"] = 7
            raise error

        bench.store.during_apply = fail
        if isinstance(error, Exception):
            bench.run(put("a"))
        else:
            with pytest.raises(type(error)):
                bench.run(put("a"))
        (ctx,) = bench.store.undo_contexts
        assert ctx.evidence == {"made": 7}

    def test_evidence_that_cannot_be_recorded_stops_it(self, bench: Bench) -> None:
        bench.store.during_apply = lambda ctx, _name: ctx.checkpoint()
        with failing(bench, {2}, written=False):
            result = bench.run(put("a"))
        assert result.error is not None
        assert result.error.code == Code.STORE_UNAVAILABLE
        assert result.state is TransactionState.ROLLED_BACK
        assert bench.store.values == {}

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, (1, 2), {1: 2}])
    def test_what_is_no_json_is_refused_before_anything_is_done(
        self, bench: Bench, caplog: pytest.LogCaptureFixture, value: object
    ) -> None:
        bench.store.put = lambda _ctx, _data: Change({"name": "a", "new": value, "old": None})  # type: ignore[method-assign,dict-item]
        result = bench.run(put("a"))
        assert result.error is not None
        assert result.error.code == Code.E_UNEXPECTED
        assert bench.store.values == {}
        assert not bench.engine.transactions.find()
        assert "Change.data of 'Put' must be JSON" in caplog.text


class TestSecret:
    """A value that the request marks as one."""

    SECRET = "hunter2-hunter2"
    MARKED = put("a", SECRET).replace("<value>", '<value do-not-log="1">')

    def test_it_is_hidden_long_after_its_request(self, site: Site) -> None:
        die_at(site, site.engine(), "provider.apply.after", self.MARKED)

        def undo(_ctx: CallContext, _change: Change) -> Undo:
            raise MpfError(Code.E_FAIL, f"{self.SECRET} is no value to go back from")

        site.provider.undo = undo  # type: ignore[method-assign]
        other = site.engine()
        (recovered,) = other.engine.recover()
        assert [step.detail for step in recovered.steps] == ["0x80004005 *** is no value to go back from"]
        (step,) = other.engine.transactions.get(recovered.transaction_id).steps
        assert (self.SECRET in step.change, "***" in step.change, '"a"' in step.change) == (False, True, True)

    def test_no_declaration_lets_it_be_stored_in_clear(self, site: Site, bench: Bench) -> None:
        bench.run(self.MARKED.replace("<execute ", '<execute sensitive="2" '))
        assert self.SECRET.encode() not in site.bytes()

    def test_what_a_provider_calls_confidential_is_one(self, site: Site, bench: Bench) -> None:
        bench.store.put = lambda _ctx, _data: Change(  # type: ignore[method-assign]
            {"name": "a", "new": self.SECRET, "old": None}, confidential=True
        )
        bench.run(put("a", extra='sensitive="2"'))
        assert self.SECRET.encode() not in site.bytes()


class TestTransaction:
    @pytest.mark.parametrize("end", ["", FAIL])
    def test_it_says_when_it_began_and_when_it_ended(self, bench: Bench, end: str) -> None:
        before = time.time()
        found = bench.run(put("a") + end).transaction_id
        record = bench.engine.transactions.get(found).record
        assert record.ended is not None
        assert before <= record.started < record.ended <= time.time()

    def test_nothing_is_kept_of_one_that_has_ended(self, bench: Bench) -> None:
        """Its documents may hold passwords, and be large: they do not wait for the garbage collector."""
        before = parts_of_requests()
        gc.disable()
        try:
            assert bench.run(put("a")).error is None
            after = parts_of_requests()
        finally:
            gc.enable()
        assert [type(part) for part in after if not any(part is one for one in before)] == []


class TestLock:
    @pytest.fixture(autouse=True)
    def _locks(self, bench: Bench) -> None:
        bench.store.lock_keys = True

    def test_a_store_that_cannot_lock_is_unavailable(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def lock(*_arguments: object, **_more: object) -> None:
            raise StoreUnavailable("gone")

        monkeypatch.setattr(bench.engine.store.journal, "lock", lock)
        result = bench.run(put("a"))
        assert result.error is not None
        assert result.error.code == Code.STORE_UNAVAILABLE
        assert bench.store.values == {}

    def test_an_id_is_used_once_by_one_that_only_locks(self, bench: Bench) -> None:
        bench.store.values["a"] = "1"
        request = f"<request><data/><procedure>{put('a')}</procedure></request>"
        assert bench.engine.execute(request, CALLER, transaction_id="{X}").error is None
        again = bench.engine.execute(request, CALLER, transaction_id="{X}")
        assert again.error is not None
        assert (again.error.code, "{X}" in again.error.description) == (Code.KEY_REUSED, True)
        assert [line.entry.event for line in bench.engine.store.audit.lines()].count("request.end") == 2

    def test_a_holder_that_is_gone_meanwhile_was_another_request(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def held(_key: str, _record: TransactionRecord, *, shared: bool = False) -> str:
            return "{00000000-0000-0000-0000-000000000000}"

        monkeypatch.setattr(bench.engine.store.journal, "lock", held)
        result = bench.run(put("a"))
        assert result.error is not None
        assert result.error.code == Code.LOCK_VIOLATION
        assert "Another request" in result.error.description

    def test_what_is_shared_is_in_nobodys_way(self, bench: Bench) -> None:
        bench.store.lock_keys = False
        inner: list[object] = []

        def meanwhile(ctx: CallContext, name: str) -> None:
            ctx.lock("shared", shared=True)
            if name == "a":
                inner.append(bench.run(put("b")).error)
                bench.store.during_apply = lambda ctx, _name: ctx.lock("shared")
                inner.append(bench.run(put("c")).error is None)

        bench.store.during_apply = meanwhile
        assert bench.run(put("a")).error is None
        assert inner == [None, False]
