"""What was changed behind the engine's back is shown and never executed."""

from __future__ import annotations

import pytest

from mpf_core import StepState, TransactionState
from mpf_core.store.opening import SqlStore
from tests.store.support import execute
from tests.support import Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, die_at, put


def store_of(bench: Bench) -> SqlStore:
    """The store that an engine has open."""
    store = bench.engine.store
    assert isinstance(store, SqlStore)
    return store


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE steps SET identity = 'Administrator'",
        "UPDATE steps SET provider_source = 'test.store', procedure = 'Remove'",
        "UPDATE steps SET intent = x'0011'",
        "UPDATE transactions SET caller = 'somebody else'",
        "UPDATE transactions SET state = 'rolling-back'",
    ],
)
def test_a_changed_record_is_not_executed_by_recovery_or_retry(site: Site, bench: Bench, change: str) -> None:
    die_at(site, bench, "provider.apply.after", put("a"))
    other = site.engine()
    assert execute(store_of(other), change) == 1
    (recovered,) = other.engine.recover()
    assert recovered.state is TransactionState.INCONSISTENT
    assert [step.state for step in recovered.steps] == [StepState.UNDO_FAILED]
    assert other.engine.transactions.retry(recovered.transaction_id, "olivia").state is TransactionState.INCONSISTENT
    assert site.provider.values == {"a": "1"}
    assert ("undo", "a") not in site.provider.calls
    view = other.engine.transactions.get(recovered.transaction_id)
    assert "behind the engine's back" in view.steps[0].change
    other.engine.transactions.resolve(recovered.transaction_id, "olivia", "looked at it, and undid it by hand")


def test_a_committed_transaction_cannot_be_opened_again(site: Site, bench: Bench) -> None:
    """Changing only its state back does not get its steps undone."""
    bench.run(put("a"))
    bench.engine.close()
    site.benches.remove(bench)
    other = site.engine()
    assert execute(store_of(other), "UPDATE transactions SET state = 'running', ended = NULL, engine = 'gone'") == 1
    (record,) = other.engine.transactions.find()
    assert not record.verified
    list(other.engine.recover())
    assert site.provider.values == {"a": "1"}
    assert ("undo", "a") not in site.provider.calls


def test_one_that_cannot_be_finished_does_not_stand_in_the_way(
    site: Site, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_at(site, bench, "provider.apply.after", put("a"))
    second = site.engine()
    die_at(site, second, "provider.apply.after", put("b"))
    other = site.engine()
    journal = other.engine.store.journal
    original = journal.steps
    (first, _) = sorted(other.engine.transactions.find(), key=lambda record: record.started)

    def steps(transaction_id: str) -> object:
        if transaction_id == first.id:
            raise RuntimeError("cannot be read")
        return original(transaction_id)

    monkeypatch.setattr(journal, "steps", steps)
    assert [found.transaction_id for found in other.engine.recover()] != [first.id]
    assert site.provider.values == {"a": "1"}
    monkeypatch.setattr(journal, "steps", original)
    assert [found.transaction_id for found in other.engine.recover()] == [first.id]
    assert site.provider.values == {}


def test_a_changed_transaction_is_told_to_be_one(bench: Bench) -> None:
    failed = bench.run(put("a") + FAIL).transaction_id
    execute(store_of(bench), "UPDATE transactions SET caller = 'mallory'")
    assert not bench.engine.transactions.get(failed).record.verified
