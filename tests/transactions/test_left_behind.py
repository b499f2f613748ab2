"""Whatever interrupts an engine, what it leaves behind is found in the store, and nobody else's is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mpf_core import CallContext, Change, Code, Config, Engine, StepState, TransactionState, Undo
from mpf_core.errors import ConfigError
from mpf_core.store.opening import SqlStore
from mpf_core.store.port import StoreUnavailable
from mpf_core.testing import AllowAll
from mpf_core.transactions import NotSettled
from tests.store.support import execute
from tests.support import CALLER, Bench, StorePlugin, StoreProvider
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put, remove
from tests.transactions.test_resend import send

PUTS = put("a") + put("b")
ONE_BY_ONE = ("{1}", "{2}", "{3}")


@contextmanager
def wrapped(owner: Any, name: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Put a function around a method for a while."""
    real = getattr(owner, name)
    setattr(owner, name, by(real))
    try:
        yield
    finally:
        setattr(owner, name, real)


def lost_answer(error: BaseException) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """It is done, and whoever asked does not hear it: the first time only."""
    told: list[int] = []

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **options: Any) -> Any:
            made = real(*arguments, **options)
            if not told:
                told.append(1)
                raise error
            return made

        return act

    return around


def states(bench: Bench) -> list[str]:
    return [record.state.value for record in bench.engine.transactions.find()]


def left_by_a_dead_engine(site: Site, count: int = 3) -> Bench:
    """An engine on a store in which another one has left open transactions."""
    for number in range(count):
        die_at(site, site.engine(), "provider.apply.after", put(f"n{number}"))
    return site.engine()


class TestRecovery:
    def test_who_stops_listening_loses_nothing(self, site: Site) -> None:
        bench = left_by_a_dead_engine(site)
        for _recovered in bench.engine.recover():
            break
        assert sorted(states(bench)) == ["rolled-back", "running", "running"]
        assert len(list(bench.engine.recover())) == 2
        assert (set(states(bench)), site.provider.values) == ({"rolled-back"}, {})

    @pytest.mark.parametrize("name", ["forget", "claim"])
    def test_a_store_that_fails_in_the_middle_loses_nothing(self, site: Site, name: str) -> None:
        bench = left_by_a_dead_engine(site)
        with wrapped(bench.engine.store.engines, name, lost_answer(StoreUnavailable())), pytest.raises(StoreUnavailable):
            list(bench.engine.recover())
        list(bench.engine.recover())
        assert (set(states(bench)), site.provider.values) == ({"rolled-back"}, {})

    def test_an_adoption_whose_answer_is_lost_is_finished(self, site: Site) -> None:
        bench = left_by_a_dead_engine(site, 1)
        with wrapped(bench.engine.store.journal, "adopt", lost_answer(StoreUnavailable())), pytest.raises(StoreUnavailable):
            list(bench.engine.recover())
        list(bench.engine.recover())
        assert (states(bench), site.provider.values) == (["rolled-back"], {})

    def test_operators_may_act_while_it_goes_on(self, site: Site) -> None:
        site.provider.fail_undo.add("n0")
        bench = left_by_a_dead_engine(site, 2)
        for recovered in bench.engine.recover():
            if recovered.state is TransactionState.INCONSISTENT:
                site.provider.fail_undo.clear()
                assert bench.engine.transactions.retry(recovered.transaction_id, "ann").state is TransactionState.ROLLED_BACK
        assert set(states(bench)) == {"rolled-back"}

    def test_what_another_engine_has_adopted_meanwhile_is_left_to_it(self, site: Site, bench: Bench) -> None:
        with wrapped(bench.engine.store.journal, "write", _fails_at_the_end):
            lost = bench.run(PUTS)
        assert lost.error is not None
        assert lost.error.code == Code.XACT_E_INDOUBT
        store = bench.engine.store
        record = store.journal.transaction(lost.transaction_id)
        assert record is not None
        assert store.journal.adopt(record.id, record.engine, "f" * 32)
        site.provider.calls.clear()
        assert list(bench.engine.recover()) == []
        assert site.provider.calls == []

    def test_a_missing_credential_of_the_recovery_account_is_an_undo_that_failed(self, site: Site, tmp_path: Path) -> None:
        bench = left_by_a_dead_engine(site, 1)
        bench.engine.close()
        site.benches.remove(bench)
        settings = bench.engine.config.model_dump(exclude={"file"})
        settings["security"]["recovery_account"] = "nobody-has-stored-it"
        plugins = [StorePlugin(site.provider), AllowAll()]
        paths = sorted((tmp_path / "engine2").glob("*.xml"))
        with closing(Engine(Config.model_validate(settings), plugins=plugins, namespaces=paths)) as engine:
            list(engine.recover())
            (record,) = engine.transactions.find()
            (step,) = engine.transactions.get(record.id).steps
        assert (record.state, step.record.state) == (TransactionState.INCONSISTENT, StepState.UNDO_FAILED)
        assert "nobody-has-stored-it" in step.record.detail

    def test_a_step_whose_record_is_missing_is_not_passed_over(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a") + put("b") + put("c"), 3)
        bench = site.engine()
        _execute(bench, "DELETE FROM steps WHERE number = 2")
        (recovered,) = bench.engine.recover()
        assert recovered.state is TransactionState.INCONSISTENT
        assert [step.state for step in recovered.steps] == [StepState.UNDONE, StepState.UNDO_FAILED, StepState.UNDONE]
        assert site.provider.values == {"b": "1"}
        (record,) = bench.engine.transactions.find()
        missing = bench.engine.transactions.get(record.id).steps[1].record
        assert (missing.verified, missing.step) == (False, "(the record is missing)")

    def test_a_step_that_cannot_have_been_committed_is_not_believed(self, site: Site, bench: Bench) -> None:
        die_at(site, bench, "provider.apply.after", put("a"))
        bench = site.engine()
        _execute(bench, "UPDATE steps SET state = 'committed'")
        (recovered,) = bench.engine.recover()
        assert (recovered.state, recovered.steps[0].state) == (TransactionState.INCONSISTENT, StepState.UNDO_FAILED)


class TestInterrupts:
    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
    def test_in_an_undo(self, site: Site, bench: Bench, error: BaseException) -> None:
        interrupt = Interrupting(error, "undo")
        site.provider.__class__ = Interrupted
        site.provider.interrupt = interrupt  # type: ignore[attr-defined]
        if isinstance(error, KeyboardInterrupt):
            with pytest.raises(KeyboardInterrupt):
                bench.run(PUTS + FAIL)
            list(bench.engine.recover())
        else:
            result = bench.run(PUTS + FAIL)
            assert result.state is TransactionState.INCONSISTENT
            bench.engine.transactions.retry(result.transaction_id, "ann")
        assert (states(bench), site.provider.values) == (["rolled-back"], {})

    def test_an_undo_that_always_leaves_stops_no_other(self, site: Site, bench: Bench) -> None:
        site.provider.__class__ = Interrupted
        site.provider.interrupt = Interrupting(SystemExit(3), "undo", times=99, name="b")  # type: ignore[attr-defined]
        result = bench.run(PUTS + FAIL)
        assert (result.state, site.provider.values) == (TransactionState.INCONSISTENT, {"b": "1"})
        assert [step.state for step in result.rollback] == [StepState.UNDONE, StepState.UNDO_FAILED]

    def test_in_a_commit(self, site: Site, bench: Bench) -> None:
        bench.run(PUTS)
        site.provider.__class__ = Interrupted
        site.provider.interrupt = Interrupting(SystemExit(3), "commit", times=99, name="a")  # type: ignore[attr-defined]
        result = bench.run(remove("a") + remove("b"))
        assert result.state is TransactionState.IN_DOUBT
        assert ("commit", "b") in site.provider.calls
        assert site.provider.parked == {"a": "1"}

    def test_at_an_end_that_fails_in_an_unexpected_way(self, site: Site, bench: Bench) -> None:
        with wrapped(bench.engine.store.journal, "write", lambda real: _at_the_end(real, ValueError("a bug"))):
            result = bench.run(PUTS)
        assert result.error is not None
        assert result.error.code == Code.XACT_E_INDOUBT
        list(bench.engine.recover())
        assert (states(bench), site.provider.values) == (["rolled-back"], {})

    def test_before_an_end_is_recorded_it_is_left_to_recovery(self, site: Site, bench: Bench) -> None:
        """Its steps count as committed already: a rollback would undo none of them, and say that it did."""
        with (
            wrapped(bench.engine.store.journal, "write", lambda real: _at_the_first_end(real, KeyboardInterrupt())),
            pytest.raises(KeyboardInterrupt),
        ):
            bench.run(PUTS)
        assert (states(bench), len(site.provider.values)) == (["running"], 2)
        list(bench.engine.recover())
        assert (states(bench), site.provider.values) == (["rolled-back"], {})

    def test_an_interrupt_whose_end_cannot_be_recorded_stays_an_interrupt(self, site: Site, bench: Bench) -> None:
        def interrupt(_ctx: CallContext, _name: str) -> None:
            raise KeyboardInterrupt

        site.provider.during_apply = interrupt
        with wrapped(bench.engine.store.journal, "write", _fails_at_the_end), pytest.raises(KeyboardInterrupt):
            bench.run(put("a"))
        list(bench.engine.recover())
        assert states(bench) == ["rolled-back"]


class TestKeys:
    @pytest.mark.parametrize("error", [StoreUnavailable(), KeyboardInterrupt()])
    def test_a_key_whose_claim_was_not_answered_is_free_again(self, bench: Bench, error: BaseException) -> None:
        with wrapped(bench.engine.store.journal, "claim", lost_answer(error)):
            if isinstance(error, KeyboardInterrupt):
                with pytest.raises(KeyboardInterrupt):
                    send(bench, put("a"))
            else:
                assert send(bench, put("a")).state is TransactionState.ROLLED_BACK
        list(bench.engine.recover())
        again = send(bench, put("a"))
        assert again.error is None
        assert bench.store.values == {"a": "1"}

    @pytest.mark.parametrize("key", [None, "another"])
    def test_an_id_is_used_once(self, bench: Bench, key: str | None) -> None:
        def run(steps: str) -> Any:
            request = f"<request><data/><procedure>{steps}</procedure></request>"
            return bench.engine.execute(
                request, CALLER, transaction_id="{X}", idempotency_key=key if steps == second_steps else None
            )

        second_steps = put("b")
        assert run(put("a")).error is None
        second = run(second_steps)
        assert second.error is not None
        assert (second.error.code, bench.store.values) == (Code.KEY_REUSED, {"a": "1"})
        assert ("undo", "b") not in bench.store.calls
        view = bench.engine.transactions.get("{X}")
        assert (view.record.state, len(view.steps)) == (TransactionState.COMMITTED, 1)


class TestSettling:
    def unsettled(self, site: Site, bench: Bench) -> str:
        site.provider.fail_undo.add("b")
        return bench.run(PUTS + FAIL).transaction_id

    def test_nobody_resolves_what_is_being_retried(self, site: Site, bench: Bench) -> None:
        found, other = self.unsettled(site, bench), site.engine()
        refused: list[str] = []

        def meanwhile() -> None:
            for act in (lambda: other.engine.transactions.resolve(found, "ann", "by hand"), lambda: other.engine.transactions.retry(found, "ann")):  # fmt: skip
                with pytest.raises(NotSettled) as raised:
                    act()
                refused.append(str(raised.value))

        site.provider.__class__ = Interrupted
        site.provider.interrupt = Interrupting(meanwhile, "undo")  # type: ignore[attr-defined]
        retried = bench.engine.transactions.retry(found, "joe")
        assert [("rolling-back" in text) for text in refused] == [True, True]
        assert retried.state is TransactionState.INCONSISTENT
        assert bench.engine.transactions.get(found).record.state is TransactionState.INCONSISTENT

    def test_nobody_retries_what_was_resolved_meanwhile(self, site: Site, bench: Bench) -> None:
        found, other = self.unsettled(site, bench), site.engine()
        late = other.engine.store.journal.transaction(found)
        assert late is not None
        bench.engine.transactions.resolve(found, "ann", "by hand")
        with (
            wrapped(other.engine.store.journal, "transaction", lambda _real: lambda _id: late),
            pytest.raises(NotSettled),
        ):
            other.engine.transactions.retry(found, "joe")
        record = bench.engine.transactions.get(found).record
        assert (record.state, record.settled_by) == (TransactionState.RESOLVED, "ann")


class TestRegistration:
    def test_an_engine_that_cannot_register_does_nothing(self, site: Site, bench: Bench) -> None:
        def refuse(_real: object) -> Callable[[str], str]:
            def join(_name: str) -> str:
                raise ConfigError("no more files")

            return join

        with wrapped(bench.engine.store.engines, "join", refuse):
            result = bench.run(put("a"))
        assert result.error is not None
        assert (result.error.code, site.provider.values) == (Code.STORE_UNAVAILABLE, {})
        assert states(bench) == []
        assert bench.run(put("a")).error is None

    def test_a_database_has_one_folder_of_locks_by_whatever_name(self, site: Site, bench: Bench, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "mpf.db").symlink_to(site.folder / "mpf.db")
        (elsewhere / "mpf.key").symlink_to(site.folder / "mpf.key")
        other = Site(elsewhere).engine()
        seen: list[object] = []
        bench.store.during_apply = lambda _ctx, _name: seen.extend(other.engine.recover())
        assert bench.run(put("a")).error is None
        other.engine.close()
        assert (seen, bench.store.values) == ([], {"a": "1"})


class Interrupting:
    """Raises, or does, something in an undo or a commit, so many times."""

    def __init__(self, what: BaseException | Callable[[], None], where: str, times: int = 1, name: str = "") -> None:
        self._what, self._where, self._left, self._name = what, where, times, name

    def __call__(self, where: str, name: str) -> None:
        if where != self._where or not self._left or (self._name and name != self._name):
            return
        self._left -= 1
        if isinstance(self._what, BaseException):
            raise self._what
        self._what()


class Interrupted(StoreProvider):
    """Lets something happen at the begin of an undo or a commit."""

    interrupt: Interrupting

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        data = change.data
        assert isinstance(data, dict)
        self.interrupt("undo", str(data.get("name") or data["remove"]))
        return super().undo(ctx, change)

    def commit(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        self.interrupt("commit", str(change.data["remove"]))
        super().commit(ctx, change)


def _at_the_first_end(real: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    errors = [error]

    def write(record: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("audit") and errors:
            raise errors.pop()
        return real(record, *arguments, **options)

    return write


def _at_the_end(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    def write(record: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("audit"):
            raise error
        return real(record, *arguments, **options)

    return write


def _fails_at_the_end(real: Callable[..., Any]) -> Callable[..., Any]:
    return _at_the_end(real, StoreUnavailable())


def _execute(bench: Bench, statement: str) -> None:
    store = bench.engine.store
    assert isinstance(store, SqlStore)
    execute(store, statement)
