"""What a request writes to the journal, and when it waits for the disk: no intent is lost, and nothing waits for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mpf_core.store.port import StepRecord, TransactionRecord
from tests.support import CALLER, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_closing import DO_ALL, together
from tests.transactions.test_ending import FAIL, put, remove

GET = '<execute namespace="Store" procedure="Get"><executeData><name>a</name></executeData></execute>'


def writes_of(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], bool]]:
    """Every write: the transaction's state, the states of the steps in it, and whether it waits for the disk."""
    made: list[tuple[str, list[str], bool]] = []
    journal = bench.engine.store.journal
    write = journal.write

    def noted(record: TransactionRecord, steps: Sequence[StepRecord] = (), *, sync: bool = True, **more: Any) -> None:
        made.append((record.state.value, sorted(f"{step.order} {step.state.value}" for step in steps), sync))
        write(record, steps, sync=sync, **more)

    monkeypatch.setattr(journal, "write", noted)
    return made


@pytest.fixture
def written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], bool]]:
    return writes_of(bench, monkeypatch)


def test_each_intent_waits_for_the_disk_and_takes_the_outcome_before_it_along(
    bench: Bench, written: list[tuple[str, list[str], bool]]
) -> None:
    bench.run(put("a") + put("b") + put("c"))
    assert written == [
        ("running", ["1 started"], True),
        ("running", ["1 done", "2 started"], True),
        ("running", ["2 done", "3 started"], True),
        ("committed", ["1 committed", "2 committed", "3 committed"], True),
    ]


def test_a_decision_is_written_before_the_first_commit(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.store.values["x"] = "1"
    bench.run(remove("x"))
    assert written[1:] == [("committing", ["1 done"], True), ("committed", ["1 committed"], True)]


def test_nothing_is_decided_of_what_was_undone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = site.engine(together(remove("x"), FAIL))
    bench.store.values["x"] = "1"
    written = writes_of(bench, monkeypatch)
    assert bench.run(f"{DO_ALL}<catch>{put('a')}</catch>").error is None
    assert [state for state, _, _ in written if state != "running"] == ["committed"]


def test_a_rollback_makes_sure_and_does_not_wait(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.run(put("a") + FAIL)
    assert written[1:] == [("rolling-back", ["1 done"], False), ("rolled-back", ["1 undone"], True)]


def test_a_rollback_of_nothing_writes_its_end(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.store.lock_keys = True
    bench.store.values["a"] = "1"
    assert bench.run(put("a") + FAIL).error is not None
    assert written == [("running", [], False), ("rolled-back", [], False)]


def test_evidence_waits_for_the_disk(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.store.during_apply = lambda ctx, _name: ctx.checkpoint()
    bench.run(put("a"))
    assert written[1] == ("running", ["1 started"], True)


def test_one_that_only_locks_waits_for_nothing(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.store.lock_keys = True
    bench.store.values["a"] = "1"
    assert bench.run(put("a")).error is None
    assert written == [("running", [], False), ("committed", [], False)]


def test_a_second_lock_writes_nothing(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    bench.store.lock_keys = True
    bench.store.values.update(a="1", b="1")
    assert bench.run(put("a") + put("b")).error is None
    assert written == [("running", [], False), ("committed", [], False)]


def test_one_that_only_reads_writes_nothing(bench: Bench, written: list[tuple[str, list[str], bool]]) -> None:
    assert bench.run(GET).error is None
    assert written == []


def test_one_with_a_key_waits_for_the_disk_though_it_only_reads(
    bench: Bench, written: list[tuple[str, list[str], bool]]
) -> None:
    request = f"<request><data/><procedure>{GET}</procedure></request>"
    assert bench.engine.execute(request, CALLER, idempotency_key="k").error is None
    assert written == [("committed", [], True)]
