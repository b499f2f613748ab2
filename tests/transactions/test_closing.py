"""Undo and commit one by one: what they are told, how often they are tried, what is told of them, and what stops them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Event, StepState, TransactionState, Undo, hookimpl
from mpf_core.testing import AllowAll, at_point
from tests.support import STORE_NAMESPACE, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put, remove

SAVING = STORE_NAMESPACE.replace("Store", "Saving").replace('name="Put"', 'name="Put" saveDataForRollback="1"')


class Listener:
    """Remembers what is told of steps."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, object]]] = []

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        if event.name.startswith("step."):
            self.told.append((event.name, dict(event.fields)))


def together(*steps: str) -> str:
    """A namespace with one procedure that makes these calls."""
    return f'<namespace name="All"><procedure name="Do" access="public">{"".join(steps)}</procedure></namespace>'


DO_ALL = '<try><execute namespace="All" procedure="Do"/></try>'


def interrupt() -> None:
    raise KeyboardInterrupt


class TestTold:
    def test_observers_are_told_what_became_of_each_undo(self, site: Site) -> None:
        listener = Listener()
        bench = site.engine(plugins=(AllowAll(), listener))
        bench.store.fail_undo.add("b")
        bench.run(put("a") + put("b") + FAIL)
        (first, failed), (second, undone) = listener.told
        assert (first, second) == ("step.undo_failed", "step.undone")
        assert (failed["sequence"], failed["step"]) == (2, "request/execute[2]")
        assert "the undo fails" in str(failed["reason"])
        assert undone == {"sequence": 1, "step": "request/execute[1]", "outcome": "undone"}

    def test_observers_are_told_of_a_commit_in_doubt(self, site: Site) -> None:
        listener = Listener()
        bench = site.engine(plugins=(AllowAll(), listener))
        bench.store.values.update(x="1", y="2")
        bench.store.fail_commit.add("y")
        bench.run(remove("x") + remove("y"))
        ((name, fields),) = listener.told
        assert (name, fields["sequence"], fields["step"]) == ("step.in_doubt", 2, "request/execute[2]")
        assert "the commit fails" in str(fields["reason"])


class TestTry:
    def test_no_catch_hides_a_failed_undo_that_others_follow(self, site: Site) -> None:
        bench = site.engine(together(put("a"), put("b"), FAIL))
        bench.store.fail_undo.add("b")
        result = bench.run(f"{DO_ALL}<catch>{put('c')}</catch>")
        assert result.state is TransactionState.INCONSISTENT
        assert site.provider.values == {"b": "1"}

    def test_no_catch_hides_what_cannot_be_undone(self, bench: Bench) -> None:
        def prepare(_ctx: CallContext, _data: etree._Element) -> Change:
            return Change({"name": "b", "new": "1", "old": None}, reversible=False)

        bench.store.put = prepare  # type: ignore[method-assign]
        bench.store.fail_after_effect.add("b")
        result = bench.run(f"<try>{put('b')}</try><catch>{remove('b')}</catch>")
        assert [step.state for step in result.rollback] == [StepState.IRREVERSIBLE]
        assert result.error is not None
        assert result.error.description == "failed after the effect"

    def test_what_was_undone_is_not_asked_whether_it_can_commit(self, site: Site) -> None:
        bench = site.engine(together(remove("x"), FAIL))
        bench.store.values.update(x="1", y="2")
        assert bench.run(f"{DO_ALL}<catch>{remove('y')}</catch>").error is None
        last = [call for call in bench.store.calls if call[0] in {"prepare commit", "commit"}]
        assert last == [("prepare commit", "y"), ("commit", "y")]
        assert bench.store.values == {"x": "1"}


class TestAttempts:
    @pytest.fixture
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        waited: list[float] = []
        monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=waited.append))
        return waited

    def test_the_waits_double_up_to_two_seconds(self, site: Site, waits: list[float]) -> None:
        bench = site.engine(undo_attempts=5, undo_wait=0.5)
        bench.store.fail_undo.add("a")
        result = bench.run(put("a") + FAIL)
        assert waits == [0.5, 1.0, 2.0, 2.0]
        assert bench.engine.transactions.get(result.transaction_id).steps[0].record.attempts == 5

    def test_one_attempt_is_one(self, site: Site, waits: list[float]) -> None:
        bench = site.engine(undo_attempts=1, undo_wait=0.5)
        bench.store.fail_undo.add("b")
        result = bench.run(put("a") + put("b") + FAIL)
        assert bench.store.calls.count(("undo", "b")) == 1
        assert [step.state for step in result.rollback] == [StepState.UNDONE, StepState.UNDO_FAILED]
        assert waits == []

    def test_the_attempts_of_a_retry_are_added(self, site: Site, waits: list[float]) -> None:
        bench = site.engine(undo_attempts=2)
        bench.store.fail_undo.add("a")
        found = bench.run(put("a") + FAIL).transaction_id
        bench.engine.transactions.retry(found, "olivia")
        assert bench.engine.transactions.get(found).steps[0].record.attempts == 4


class TestContext:
    def test_an_undo_knows_its_transaction_its_call_and_its_time(self, site: Site) -> None:
        bench = site.engine(call_timeout=30)
        result = bench.run(put("a") + FAIL)
        (ctx,) = bench.store.undo_contexts
        assert ctx.transaction_id == result.transaction_id
        assert ctx.context.xpath("string(transactionContext/@transactionId)") == result.transaction_id
        assert (ctx.namespace, ctx.procedure, ctx.step, ctx.sequence) == ("Store", "Put", "request/execute[1]", 1)
        assert 0 < (ctx.remaining() or 0.0) <= 30
        assert ctx.saved_data is None

    def test_an_undo_has_all_the_time_where_calls_do(self, site: Site) -> None:
        bench = site.engine(call_timeout=None)
        assert [step.state for step in bench.run(put("a") + FAIL).rollback] == [StepState.UNDONE]
        assert bench.store.undo_contexts[0].remaining() is None

    def test_an_undo_has_the_data_that_was_saved_for_it_whatever_its_size(self, site: Site) -> None:
        bench = site.engine(SAVING, limits={"document_bytes": 10_000_000})
        value = "x" * 2_000_100
        bench.run(put("a", value).replace('"Store"', '"Saving"') + FAIL)
        (ctx,) = bench.store.undo_contexts
        assert ctx.saved_data is not None
        assert ctx.saved_data.findtext("value") == value

    def test_undo_and_commit_have_the_change_as_it_was_made(self, bench: Bench) -> None:
        seen: list[Change] = []

        def undo(_ctx: CallContext, change: Change) -> Undo:
            seen.append(change)
            return Undo.UNDONE

        def commit(_ctx: CallContext, change: Change) -> None:
            seen.append(change)

        def prepare(_ctx: CallContext, data: etree._Element) -> Change:
            return Change({"remove": data.findtext("name")}, format=2, reversible=data.findtext("name") == "x")

        bench.store.values.update(x="1", y="2")
        bench.store.formats = frozenset({1, 2})  # type: ignore[misc]
        bench.store.undo, bench.store.commit = undo, commit  # type: ignore[method-assign]
        bench.store.remove = prepare  # type: ignore[method-assign]
        bench.run(remove("x") + FAIL)
        bench.store.values["x"] = "1"
        bench.run(remove("x") + remove("y"))
        assert [(change.data, change.format, change.reversible) for change in seen] == [
            ({"remove": "x"}, 2, True),
            ({"remove": "x"}, 2, True),
            ({"remove": "y"}, 2, False),
        ]


def test_a_commit_is_done_again_when_its_outcome_was_not_recorded(site: Site, bench: Bench) -> None:
    bench.store.values.update(x="1", y="2")
    die_at(site, bench, "provider.commit.after", remove("x") + remove("y"))
    other = site.engine()
    (recovered,) = other.engine.recover()
    assert recovered.state is TransactionState.COMMITTED
    assert [name for what, name in site.provider.calls if what == "commit"] == ["x", "x", "y"]
    assert site.provider.parked == {}


class TestInterrupted:
    def test_an_interrupt_is_no_failed_undo(self, bench: Bench) -> None:
        """The process is to end: what is not undone is left to recovery, and no undo follows."""

        def cancel(_ctx: CallContext, name: str) -> None:
            if name == "b":
                interrupt()

        bench.store.during_apply = cancel
        with at_point("provider.undo.before", interrupt), pytest.raises(KeyboardInterrupt):
            bench.run(put("a") + put("b"))
        assert not [call for call in bench.store.calls if call[0] == "undo"]
        (recovered,) = bench.engine.recover()
        assert recovered.state is TransactionState.ROLLED_BACK
        assert bench.store.values == {}

    def test_an_undo_that_is_interrupted_is_no_failed_one(self, bench: Bench) -> None:
        undo = bench.store.undo

        def interrupted(_ctx: CallContext, _change: Change) -> Undo:
            raise KeyboardInterrupt

        bench.store.undo = interrupted  # type: ignore[method-assign]
        bench.store.during_apply = lambda _ctx, _name: interrupt()
        with pytest.raises(KeyboardInterrupt):
            bench.run(put("a"))
        bench.store.undo = undo  # type: ignore[method-assign]
        (recovered,) = bench.engine.recover()
        assert [step.state for step in recovered.steps] == [StepState.NOTHING_TO_UNDO]

    def test_a_commit_that_is_interrupted_is_no_failed_one(self, bench: Bench) -> None:
        bench.store.values.update(x="1", y="2")
        with at_point("provider.commit.before", interrupt), pytest.raises(KeyboardInterrupt):
            bench.run(remove("x") + remove("y"))
        assert not [call for call in bench.store.calls if call[0] == "commit"]
        (recovered,) = bench.engine.recover()
        assert [step.state for step in recovered.steps] == [StepState.COMMITTED, StepState.COMMITTED]
