"""Every transaction ends, and tells how: rollback, commit, in doubt, recovery, retry, resolve."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mpf_core import CallContext, Code, IdentityKind, MpfError, StepState, TransactionState
from mpf_core.testing import at_point, passing
from mpf_core.transactions import NotSettled
from tests.support import CALLER, Bench
from tests.transactions.conftest import Site


def put(name: str, value: str = "1", extra: str = "") -> str:
    return (
        f'<execute namespace="Store" procedure="Put" impersonate="1" {extra}>'
        f"<executeData><name>{name}</name><value>{value}</value></executeData></execute>"
    )


def remove(name: str) -> str:
    return f'<execute namespace="Store" procedure="Remove"><executeData><name>{name}</name></executeData></execute>'


FAIL = '<execute namespace="Store" procedure="Fail"><executeData/></execute>'


def die_at(site: Site, bench: Bench, point: str, steps: str, occurrence: int = 1) -> None:
    """Run a request in an engine that is gone from that point on: no rollback, no outcome."""
    reached = threading.Event()

    def stop() -> None:
        reached.set()
        threading.Event().wait()  # for ever: the thread goes with the process

    with at_point(point, stop, occurrence):
        threading.Thread(target=bench.run, args=(steps,), daemon=True).start()
        assert reached.wait(10)
    site.crash(bench)


def test_a_failed_request_is_undone_in_reverse_order(bench: Bench) -> None:
    result = bench.run(put("a") + put("b") + FAIL)
    assert bench.store.values == {}
    assert [call for call in bench.store.calls if call[0] == "undo"] == [("undo", "b"), ("undo", "a")]
    assert result.state is TransactionState.ROLLED_BACK
    view = bench.engine.transactions.get(result.transaction_id)
    assert [step.record.state for step in view.steps] == [StepState.UNDONE, StepState.UNDONE]
    assert view.record.state is TransactionState.ROLLED_BACK
    assert view.record.code == 0x80004005
    assert view.record.error == "told to fail"
    assert not view.locks
    assert not view.advice


def test_an_undo_knows_only_what_is_recorded(bench: Bench) -> None:
    def note(ctx: CallContext, name: str) -> None:
        ctx.bag["secret"] = name
        ctx.evidence["made"] = name

    bench.store.during_apply = note
    bench.run(put("a") + FAIL)
    (ctx,) = bench.store.undo_contexts
    assert ctx.identity.kind is IdentityKind.RECOVERY
    assert ctx.identity.name == "MPFServiceAcct"
    assert ctx.bag == {}
    assert ctx.evidence == {"made": "a"}
    assert ctx.caller.name == CALLER.name
    assert ctx.caller.credentials is None


def test_a_failing_undo_is_tried_again_and_never_stops_the_others(bench: Bench) -> None:
    bench.store.fail_undo.add("b")
    result = bench.run(put("a") + put("b") + put("c") + FAIL)
    assert bench.store.values == {"b": "1"}
    assert result.state is TransactionState.INCONSISTENT
    assert bench.store.calls.count(("undo", "b")) == 3
    assert [step.state for step in result.rollback] == [StepState.UNDONE, StepState.UNDO_FAILED, StepState.UNDONE]
    view = bench.engine.transactions.get(result.transaction_id)
    assert view.steps[1].record.attempts == 3
    assert "the undo fails" in view.steps[1].record.detail
    assert "retry" in view.advice


def test_the_text_of_an_unexpected_error_is_not_shown(bench: Bench) -> None:
    def undo(_ctx: object, _change: object) -> object:
        raise ValueError("hunter2")

    bench.store.undo = undo  # type: ignore[method-assign,assignment]
    result = bench.run(put("a") + FAIL)
    assert result.rollback[0].detail == "ValueError; the engine's log has the details"
    assert b"hunter2" not in result.document


def test_a_lock_of_a_running_request_is_said_to_be_one(bench: Bench) -> None:
    bench.store.lock_keys = True
    inner: list[str] = []

    def meanwhile(_ctx: CallContext, name: str) -> None:
        error = bench.run(put(name, "2")).error
        assert error is not None
        inner.append(error.description)

    bench.store.during_apply = meanwhile
    assert bench.run(put("a")).error is None
    assert inner == ["Another request is changing 'name:a' now; send this one again later."]


def test_an_operator_retries(bench: Bench) -> None:
    bench.store.fail_undo.add("b")
    found = bench.run(put("a") + put("b") + FAIL).transaction_id
    still = bench.engine.transactions.retry(found, "olivia")
    assert still.state is TransactionState.INCONSISTENT
    bench.store.fail_undo.clear()
    assert bench.engine.transactions.retry(found.strip("{}").lower(), "olivia").state is TransactionState.ROLLED_BACK
    assert bench.store.values == {}
    with pytest.raises(NotSettled):
        bench.engine.transactions.retry(found, "olivia")


def test_an_operator_resolves(bench: Bench) -> None:
    bench.store.lock_keys = True
    bench.store.fail_undo.add("b")
    found = bench.run(put("b") + FAIL).transaction_id
    assert bench.engine.transactions.get(found).locks == ("name:b",)
    blocked = bench.run(put("b", "2"))
    assert blocked.error is not None
    assert blocked.error.code == Code.LOCK_VIOLATION
    assert found in blocked.error.description
    with pytest.raises(ValueError, match="must be said"):
        bench.engine.transactions.resolve(found, "olivia", " ")
    record = bench.engine.transactions.resolve(found, "olivia", "removed b by hand")
    assert (record.state, record.settled_by) == (TransactionState.RESOLVED, "olivia")
    bench.store.fail_undo.clear()
    assert bench.run(put("b", "2")).error is None
    with pytest.raises(NotSettled):
        bench.engine.transactions.resolve(found, "olivia", "again")
    with pytest.raises(KeyError):
        bench.engine.transactions.get("{00000000-0000-0000-0000-000000000000}")


def test_a_step_in_try_is_undone_before_its_catch(bench: Bench) -> None:
    bench.store.fail_after_effect.add("b")
    result = bench.run(f"<try>{put('a')}{put('b')}</try><catch>{put('c')}</catch>")
    assert result.error is None, result.document
    assert bench.store.values == {"a": "1", "c": "1"}
    states = [step.record.state for step in bench.engine.transactions.get(result.transaction_id).steps]
    assert states == [StepState.COMMITTED, StepState.UNDONE, StepState.COMMITTED]


def test_no_catch_hides_a_failed_undo(bench: Bench) -> None:
    bench.store.fail_after_effect.add("b")
    bench.store.fail_undo.add("b")
    result = bench.run(f"<try>{put('b')}</try><catch>{put('c')}</catch>")
    assert result.state is TransactionState.INCONSISTENT
    assert "c" not in bench.store.values


class TestTwoPhase:
    @pytest.fixture(autouse=True)
    def _values(self, bench: Bench) -> None:
        bench.store.values.update(x="1", y="2")

    def test_all_are_asked_before_the_first_commit(self, bench: Bench) -> None:
        assert bench.run(remove("x") + put("a") + remove("y")).error is None
        last = [call for call in bench.store.calls if call[0] in {"prepare commit", "commit"}]
        assert last == [("prepare commit", "x"), ("prepare commit", "y"), ("commit", "x"), ("commit", "y")]
        assert bench.store.values == {"a": "1"}
        assert bench.store.parked == {}

    def test_a_refusal_rolls_back(self, bench: Bench) -> None:
        bench.store.fail_prepare_commit.add("y")
        result = bench.run(remove("x") + remove("y"))
        assert result.state is TransactionState.ROLLED_BACK
        assert bench.store.values == {"x": "1", "y": "2"}
        assert ("commit", "x") not in bench.store.calls

    def test_a_failed_commit_is_in_doubt_and_the_others_run(self, bench: Bench) -> None:
        bench.store.fail_commit.add("x")
        result = bench.run(remove("x") + remove("y"))
        assert result.state is TransactionState.IN_DOUBT
        assert result.error is not None
        assert result.error.code == 0x8004D016
        assert b"0x8004d016" in result.document.lower()
        assert [step.state for step in result.rollback] == [StepState.IN_DOUBT, StepState.COMMITTED]
        assert bench.store.parked == {"x": "1"}
        bench.store.fail_commit.clear()
        retried = bench.engine.transactions.retry(result.transaction_id, "olivia")
        assert retried.state is TransactionState.COMMITTED
        assert [step.state for step in retried.steps] == [StepState.COMMITTED, StepState.COMMITTED]
        assert bench.store.parked == {}

    def test_past_the_decision_recovery_commits(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.commit.before", remove("x") + remove("y"))
        other = site.engine()
        (recovered,) = other.engine.recover()
        assert recovered.state is TransactionState.COMMITTED
        assert (other.store.values, other.store.parked) == ({}, {})

    def test_before_the_decision_recovery_rolls_back(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", remove("x") + remove("y"), 2)
        other = site.engine()
        (recovered,) = other.engine.recover()
        assert recovered.state is TransactionState.ROLLED_BACK
        assert other.store.values == {"x": "1", "y": "2"}


class TestRecovery:
    def test_what_an_engine_left_is_undone_by_the_next(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a") + put("b") + put("c"), 2)
        assert site.provider.values == {"a": "1", "b": "1"}
        other = site.engine()
        (recovered,) = other.engine.recover()
        assert site.provider.values == {}
        assert recovered.state is TransactionState.ROLLED_BACK
        assert [step.state for step in recovered.steps] == [StepState.UNDONE, StepState.UNDONE]
        assert [name for what, name in site.provider.calls if what == "undo"] == ["b", "a"]
        assert list(other.engine.recover()) == []
        assert other.engine.store.engines.others("") == [other.engine._own_seat()]

    def test_a_rollback_that_was_cut_short_goes_on(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.undo.after", put("a") + put("b") + FAIL)
        (record,) = site.engine().engine.transactions.find()
        assert record.state is TransactionState.ROLLING_BACK
        (recovered,) = site.engine().engine.recover()
        assert [step.state for step in recovered.steps] == [StepState.UNDONE, StepState.NOTHING_TO_UNDO]
        assert site.provider.values == {}

    def test_an_intent_without_effect_has_nothing_to_undo(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.before", put("a"))
        (recovered,) = site.engine().engine.recover()
        assert [step.state for step in recovered.steps] == [StepState.NOTHING_TO_UNDO]

    def test_a_living_engine_is_left_alone(self, site: Site, bench: Bench) -> None:
        other = site.engine()
        seen: list[object] = []
        bench.store.during_apply = lambda _ctx, _name: seen.extend(other.engine.recover())
        assert bench.run(put("a") + put("b")).error is None
        assert seen == []
        assert site.provider.values == {"a": "1", "b": "1"}

    def test_two_recoveries_at_once_do_no_harm(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a") + put("b"), 2)
        engines = [site.engine().engine for _ in range(4)]
        found: list[object] = []
        threads = [threading.Thread(target=lambda e=e: found.extend(e.recover())) for e in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 1
        assert site.provider.calls.count(("undo", "a")) == 1

    def test_start_recovers_in_the_background(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        other.engine.start()
        for _ in range(200):
            if not site.provider.values:
                break
            time.sleep(0.02)
        assert site.provider.values == {}

    def test_an_absent_provider_is_to_be_retried(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        provider = other.engine.runtime.providers.pop("test.store")
        (recovered,) = other.engine.recover()
        assert recovered.state is TransactionState.INCONSISTENT
        assert "test.store" in recovered.steps[0].detail
        other.engine.runtime.providers["test.store"] = provider
        assert other.engine.transactions.retry(recovered.transaction_id, "olivia").state is TransactionState.ROLLED_BACK
        assert site.provider.values == {}

    def test_another_engine_may_retry(self, site: Site, bench: Bench) -> None:
        bench.store.fail_undo.add("a")
        failed = bench.run(put("a") + FAIL).transaction_id
        bench.store.fail_undo.clear()
        other = site.engine()
        assert other.engine.transactions.retry(failed, "olivia").state is TransactionState.ROLLED_BACK
        assert site.provider.values == {}

    def test_a_call_that_may_still_be_under_way_is_left_alone(
        self, site: Site, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where only the engine's connection is known to be gone, its call may be running until its time is over."""
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        engines = other.engine.store.engines
        claim = engines.claim

        @contextmanager
        def uncertain(engine: str) -> Iterator[object]:
            with claim(engine) as found:
                yield found and replace(found, certain=False)  # type: ignore[type-var]

        monkeypatch.setattr(engines, "claim", uncertain)
        assert list(other.engine.recover()) == []
        assert site.provider.values == {"a": "1"}
        assert len(engines.others(other.engine._own_seat())) == 1
        later = time.time() + 61
        monkeypatch.setattr("mpf_core.transaction.recovery.time.time", lambda: later)
        assert [found.state for found in other.engine.recover()] == [TransactionState.ROLLED_BACK]
        assert site.provider.values == {}

    def test_an_unknown_format_is_not_guessed_at(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        other.store.formats = frozenset({2})  # type: ignore[misc]
        (recovered,) = other.engine.recover()
        assert recovered.state is TransactionState.INCONSISTENT
        assert "format 1" in recovered.steps[0].detail
        assert site.provider.values == {"a": "1"}

    def test_locks_outlast_the_process_until_recovery(self, site: Site, bench: Bench) -> None:
        site.provider.lock_keys = True
        die_at(site, bench, "provider.apply.after", put("a"))
        other = site.engine()
        blocked = other.run(put("a", "2"))
        assert blocked.error is not None
        assert blocked.error.code == Code.LOCK_VIOLATION
        list(other.engine.recover())
        assert other.run(put("a", "2")).error is None

    def test_a_lock_without_any_step_is_let_go_as_well(self, site: Site, bench: Bench) -> None:
        site.provider.lock_keys = True
        die_at(site, bench, "journal.lock.after", put("a"))
        other = site.engine()
        list(other.engine.recover())
        assert other.run(put("a", "2")).error is None

    def test_evidence_of_a_checkpoint_survives(self, site: Site, bench: Bench) -> None:
        def note(ctx: CallContext, name: str) -> None:
            ctx.evidence["id"] = 7
            ctx.checkpoint()

        bench.store.during_apply = note
        die_at(site, bench, "provider.apply.after", put("a"))
        list(site.engine().engine.recover())
        assert site.provider.undo_contexts[-1].evidence == {"id": 7}


def test_a_late_call_is_timed_out_and_undone(site: Site) -> None:
    bench = site.engine(call_timeout=0.05)
    bench.store.during_apply = lambda _ctx, _name: time.sleep(0.1)
    result = bench.run(put("a"))
    assert result.error is not None
    assert result.error.code == Code.TIMEOUT
    assert site.provider.values == {}


def test_the_deadline_of_a_call_is_the_nearer_one(bench: Bench) -> None:
    left: list[float] = []
    bench.store.during_apply = lambda ctx, _name: left.append(ctx.remaining() or 0.0)
    request = f"<request><data/><procedure>{put('a')}</procedure></request>"
    assert bench.engine.execute(request, CALLER, timeout=5).error is None
    assert 0 < left[0] <= 5


def test_cancelling_during_the_last_step_rolls_back(bench: Bench) -> None:
    cancel = threading.Event()
    bench.store.during_apply = lambda _ctx, _name: cancel.set()
    request = f"<request><data/><procedure>{put('a')}</procedure></request>"
    result = bench.engine.execute(request, CALLER, cancel=cancel)
    assert result.error is not None
    assert result.error.code == Code.CANCELLED
    assert site_is_empty(bench)


def test_an_interrupt_rolls_back(bench: Bench) -> None:
    def interrupt(_ctx: CallContext, name: str) -> None:
        if name == "b":
            raise KeyboardInterrupt

    bench.store.during_apply = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.run(put("a") + put("b"))
    assert site_is_empty(bench)
    (record,) = bench.engine.transactions.find()
    assert record.state is TransactionState.ROLLED_BACK


def test_an_interrupt_past_the_decision_is_left_to_recovery(bench: Bench) -> None:
    """Not to a rollback: it may be decided already, and only the journal knows."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with passing() as passed:
        assert bench.run(put("a") + remove("a")).error is None
    decision = passed.count("journal.write.before") - 1
    with at_point("journal.write.after", interrupt, decision), pytest.raises(KeyboardInterrupt):
        bench.run(put("b") + remove("b"))
    assert [recovered.state for recovered in bench.engine.recover()] == [TransactionState.COMMITTED]
    assert bench.store.values == bench.store.parked == {}


def test_closing_waits_for_nobody_but_leaves_last(site: Site, bench: Bench) -> None:
    """An engine that is closed while a request runs is not recovered under its feet."""
    other = site.engine()

    def close(_ctx: CallContext, name: str) -> None:
        if name == "a":
            bench.engine.close()
            assert list(other.engine.recover()) == []

    bench.store.during_apply = close
    assert bench.run(put("a") + put("b")).error is None
    assert site.provider.values == {"a": "1", "b": "1"}
    with pytest.raises(RuntimeError, match="closed"):
        bench.run(put("c"))


def test_undo_data_is_encrypted_and_sensitive_2_opts_out(site: Site, bench: Bench) -> None:
    bench.run(put("a", "MARK-ENCRYPTED"))
    bench.run(put("b", "MARK-CLEAR", 'sensitive="2"'))
    content = site.bytes()
    assert b"MARK-ENCRYPTED" not in content
    assert b"MARK-CLEAR" in content


def site_is_empty(bench: Bench) -> bool:
    return bench.store.values == {}


def test_an_error_in_the_engine_itself_is_rolled_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(_data: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("mpf_core.response.success", bug)
    result = bench.run(put("a"))
    assert result.error is not None
    assert result.error.code == Code.E_UNEXPECTED
    assert site_is_empty(bench)


def test_an_irreversible_step_is_said_to_be_one(bench: Bench) -> None:
    original = bench.store.put

    def irreversible(ctx: CallContext, data: object) -> object:
        import dataclasses

        return dataclasses.replace(original(ctx, data), reversible=False)  # type: ignore[arg-type]

    bench.store.put = irreversible  # type: ignore[method-assign,assignment]
    result = bench.run(put("a") + FAIL)
    assert [step.state for step in result.rollback] == [StepState.IRREVERSIBLE]
    assert result.state is TransactionState.ROLLED_BACK
    assert isinstance(result.error, MpfError)
