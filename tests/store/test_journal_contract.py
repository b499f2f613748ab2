"""One contract for the journals of all stores: what `Journal` promises, and what a durable one promises besides."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.provider import Json
from mpf_core.store.memory import MemoryJournal
from mpf_core.store.opening import MemoryStore, SqlStore
from mpf_core.store.port import (
    AuditEntry,
    Fenced,
    IdTaken,
    KeyReused,
    Query,
    RequestKey,
    StepRecord,
    StoreUnavailable,
    TransactionRecord,
)
from mpf_core.transaction.states import REACHED_FROM, StepState, TransactionState
from tests.store.support import Place, execute, known, record, rows, sqlite_place

pytest_plugins = ["tests.store.places"]

Store = SqlStore | MemoryStore
MARK = "Pa55word-MARK"


def step(transaction: TransactionRecord, order: int = 1, change: Json = None, **more: object) -> StepRecord:
    """A step that is about to start."""
    fields: dict[str, object] = {"identity": "MPFServiceAcct", "identity_kind": "service", "started": 1000.5, **more}
    return StepRecord(
        transaction_id=transaction.id,
        order=order,
        sequence=order * 10,
        namespace="Sample",
        procedure="Create",
        provider_source="sample",
        step="request/execute[1]",
        change={"name": MARK} if change is None else change,
        format=1,
        **fields,  # type: ignore[arg-type]
    )


def test_in_memory_a_lock_is_free_only_after_the_line_that_tells_of_its_transaction() -> None:
    """As in a database, where both happen at once: `mpf_core.CallContext.stale` rests on it."""
    seen: list[str | None] = []
    first, second = record("e1"), record("e1", "t2")
    journal = MemoryJournal(lambda _entries: seen.append(journal.lock("key", second, shared=True)))
    for one in (first, second):
        journal.write(one)
    assert journal.lock("key", first) is None
    first.state = TransactionState.ROLLED_BACK
    journal.write(first, audit=[AuditEntry("request.end", 1.0)])
    assert seen == [first.id]
    assert journal.lock("key", second, shared=True) is None


class TestWrite:
    def test_what_is_written_is_read(self, any_store: Store) -> None:
        made = record("e1")
        made.trustee, made.asserted_by, made.client_transaction_id = "friend", "root", "T-1"
        one = step(made, saved_data=b"<executeData>\xc3\xa4</executeData>", running_until=2000.25)
        any_store.journal.write(made, [one])
        assert any_store.journal.transaction("t1") == made
        assert list(any_store.journal.steps("t1")) == [one]
        assert any_store.journal.transaction("t2") is None
        assert list(any_store.journal.steps("t2")) == []

    def test_known_records_are_replaced(self, any_store: Store) -> None:
        made, journal = record("e1"), any_store.journal
        first, second = step(made, 1), step(made, 2)
        journal.write(made, [first])
        first.state, first.evidence, first.ended = StepState.DONE, {"guid": [1, None, "ä"]}, 1001.0
        journal.write(made, [first, second])
        second.state, second.detail, second.attempts = StepState.UNDO_FAILED, "it would not", 3
        made.state, made.ended, made.code, made.error = TransactionState.INCONSISTENT, 1002.0, 0x80004005, "it failed"
        journal.write(made, [second])
        assert list(journal.steps("t1")) == [first, second]
        assert journal.transaction("t1") == made

    def test_repeating_a_write_changes_nothing(self, any_store: Store) -> None:
        made = record("e1")
        one = step(made)
        any_store.journal.write(made, [one])
        any_store.journal.write(made, [one])
        assert list(any_store.journal.steps("t1")) == [one]

    def test_another_engine_is_fenced(self, any_store: Store) -> None:
        any_store.journal.write(record("e1"), [])
        assert any_store.journal.adopt("t1", "e1", "e2")
        with pytest.raises(Fenced):
            any_store.journal.write(known("e1"), [step(record("e1"))])
        assert list(any_store.journal.steps("t1")) == []
        any_store.journal.write(known("e2"), [])

    def test_an_id_is_used_once(self, any_store: Store) -> None:
        first = record("e1")
        any_store.journal.write(first, [step(first, change={"name": "first"})])
        again = record("e1")
        with pytest.raises(IdTaken):
            any_store.journal.write(again, [step(again, change={"name": "second"})])
        again.key = RequestKey("joe", "k", b"digest")
        with pytest.raises(IdTaken):
            any_store.journal.claim(again)
        assert [one.change for one in any_store.journal.steps("t1")] == [{"name": "first"}]
        first.state = TransactionState.COMMITTED
        any_store.journal.write(first)
        with pytest.raises(IdTaken):
            any_store.journal.write(record("e1"))

    @pytest.mark.parametrize("was", TransactionState)
    def test_no_state_is_followed_by_one_that_cannot_follow(self, any_store: Store, was: TransactionState) -> None:
        made = record("e1")
        made.state = was
        any_store.journal.write(made)
        for state in TransactionState:
            other = known("e1")
            other.state = state
            if was in REACHED_FROM[state]:
                continue
            with pytest.raises(Fenced):
                any_store.journal.write(other)
        found = any_store.journal.transaction("t1")
        assert found is not None
        assert found.state is was

    def test_only_its_owner_can_be_robbed(self, any_store: Store) -> None:
        any_store.journal.write(record("e1"), [])
        assert not any_store.journal.adopt("t1", "e2", "e3")
        assert not any_store.journal.adopt("t9", "e1", "e3")
        assert any_store.journal.adopt("t1", "e1", "e3")
        assert not any_store.journal.adopt("t1", "e1", "e4")

    def test_audit_and_messages_go_along(self, any_store: Store) -> None:
        made = record("e1")
        any_store.journal.write(made, audit=[AuditEntry("request.end", 1.0, "t1")], messages=[("topic", {"a": 1})])
        assert [line.entry.event for line in any_store.audit.lines()] == ["request.end"]
        (message,) = any_store.outbox.pending()
        assert (message.topic, message.body) == ("topic", {"a": 1})

    def test_confidential_steps_are_erased_at_the_end(self, any_store: Store) -> None:
        made = record("e1")
        secret, other = step(made, 1, confidential=True, saved_data=b"<a/>"), step(made, 2)
        secret.evidence, secret.detail = {"password": MARK}, MARK
        any_store.journal.write(made, [secret, other])
        assert any_store.journal.steps("t1")[0].change == {"name": MARK}
        made.state = TransactionState.COMMITTED
        secret.state = other.state = StepState.COMMITTED
        any_store.journal.write(made, [secret, other])
        erased, kept = any_store.journal.steps("t1")
        assert (erased.change, erased.saved_data, erased.evidence, erased.detail) == (None, None, {}, "")
        assert (erased.state, erased.identity, erased.verified) == (StepState.COMMITTED, "MPFServiceAcct", True)
        assert kept.change == {"name": MARK}

    def test_a_confidential_step_that_is_written_with_the_end_is_erased_too(self, any_store: Store) -> None:
        """Its intent could not be written before: the disk was full, or the answer was lost."""
        made = record("e1")
        any_store.journal.write(made)
        made.state = TransactionState.ROLLED_BACK
        any_store.journal.write(made, [step(made, confidential=True)])
        assert any_store.journal.steps("t1")[0].change is None

    def test_another_engine_erases_what_is_confidential(self, any_store: Store) -> None:
        made = record("e1")
        any_store.journal.write(made, [step(made, 1, confidential=True), step(made, 2)])
        any_store.journal.adopt("t1", "e1", "e2")
        adopted = known("e2")
        adopted.state = TransactionState.ROLLED_BACK
        any_store.journal.write(adopted)
        assert [one.change for one in any_store.journal.steps("t1")] == [None, {"name": MARK}]


class TestLocks:
    @pytest.fixture(autouse=True)
    def _transactions(self, any_store: Store) -> None:
        for name in ("t1", "t2", "t3"):
            any_store.journal.write(record("e1", name))

    def test_one_holds_it_alone(self, any_store: Store) -> None:
        journal = any_store.journal
        assert journal.lock("k", record("e1", "t1")) is None
        assert journal.lock("k", record("e1", "t1")) is None
        assert journal.lock("k", record("e1", "t2")) == "t1"
        assert journal.lock("k", record("e1", "t2"), shared=True) == "t1"
        assert journal.lock("other", record("e1", "t2")) is None
        assert list(journal.locks("t1")) == ["k"]

    def test_many_share_it(self, any_store: Store) -> None:
        journal = any_store.journal
        assert journal.lock("k", record("e1", "t1"), shared=True) is None
        assert journal.lock("k", record("e1", "t2"), shared=True) is None
        assert journal.lock("k", record("e1", "t3")) in {"t1", "t2"}
        assert journal.lock("k", record("e1", "t1")) == "t2"

    def test_the_last_one_who_shares_may_have_it_alone(self, any_store: Store) -> None:
        journal = any_store.journal
        assert journal.lock("k", record("e1", "t1"), shared=True) is None
        assert journal.lock("k", record("e1", "t1")) is None
        assert journal.lock("k", record("e1", "t1"), shared=True) is None  # changes nothing
        assert journal.lock("k", record("e1", "t2"), shared=True) == "t1"

    @pytest.mark.parametrize("state", list(TransactionState))
    def test_final_states_let_go_and_others_do_not(self, any_store: Store, state: TransactionState) -> None:
        made = known("e1", "t1")
        any_store.journal.lock("k", made)
        made.state = state
        any_store.journal.write(made)
        final = state in {TransactionState.COMMITTED, TransactionState.ROLLED_BACK, TransactionState.RESOLVED}
        assert (any_store.journal.lock("k", record("e1", "t2")) is None) is final

    def test_release(self, any_store: Store) -> None:
        any_store.journal.lock("k", record("e1", "t1"))
        any_store.journal.release("t1")
        assert any_store.journal.lock("k", record("e1", "t2")) is None

    def test_nobody_locks_for_what_is_not_his(self, any_store: Store) -> None:
        with pytest.raises(Fenced):
            any_store.journal.lock("k", record("e2", "t1"))
        with pytest.raises(Fenced):
            any_store.journal.lock("k", record("e1", "unknown"))
        ended = known("e1", "t1")
        ended.state = TransactionState.COMMITTED
        any_store.journal.write(ended)
        with pytest.raises(Fenced):
            any_store.journal.lock("k", ended)

    def test_of_many_threads_one_wins(self, any_store: Store) -> None:
        made = [record("e1", f"r{number}") for number in range(8)]
        for one in made:
            any_store.journal.write(one, sync=False)
        begin = threading.Barrier(len(made))
        won: list[str] = []

        def race(one: TransactionRecord) -> None:
            begin.wait()
            if any_store.journal.lock("k", one) is None:
                won.append(one.id)

        threads = [threading.Thread(target=race, args=(one,)) for one in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1


class TestKeys:
    def keyed(self, transaction_id: str, digest: bytes = b"d" * 32, scope: str = "joe") -> TransactionRecord:
        made = record("e1", transaction_id)
        made.key = RequestKey(scope, "k", digest)
        return made

    def test_the_first_one_begins(self, any_store: Store) -> None:
        assert any_store.journal.claim(self.keyed("t1")) is None
        assert any_store.journal.transaction("t1") == self.keyed("t1")

    def test_the_second_one_gets_the_first(self, any_store: Store) -> None:
        first = self.keyed("t1")
        any_store.journal.claim(first)
        first.state, first.response = TransactionState.COMMITTED, b"<response/>"
        any_store.journal.write(first)
        found = any_store.journal.claim(self.keyed("t2"))
        assert found == first
        assert any_store.journal.transaction("t2") is None

    @pytest.mark.parametrize("state", list(TransactionState))
    def test_only_what_was_rolled_back_makes_way(self, any_store: Store, state: TransactionState) -> None:
        first = self.keyed("t1")
        any_store.journal.claim(first)
        first.state = state
        any_store.journal.write(first)
        assert (any_store.journal.claim(self.keyed("t2")) is None) is (state is TransactionState.ROLLED_BACK)

    @pytest.mark.parametrize("state", [TransactionState.RUNNING, TransactionState.ROLLED_BACK])
    def test_another_request_is_refused(self, any_store: Store, state: TransactionState) -> None:
        first = self.keyed("t1")
        any_store.journal.claim(first)
        first.state = state
        any_store.journal.write(first)
        with pytest.raises(KeyReused):
            any_store.journal.claim(self.keyed("t2", b"e" * 32))

    def test_scopes_are_apart(self, any_store: Store) -> None:
        any_store.journal.claim(self.keyed("t1"))
        assert any_store.journal.claim(self.keyed("t2", b"e" * 32, scope="mary")) is None

    def test_of_many_threads_one_begins(self, any_store: Store) -> None:
        begin = threading.Barrier(6)
        found: list[str | None] = []

        def race(number: int) -> None:
            begin.wait()
            earlier = any_store.journal.claim(self.keyed(f"r{number}"))
            found.append(None if earlier is None else earlier.id)

        threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found.count(None) == 1
        assert len(set(found)) == 2


class TestFind:
    @pytest.fixture(autouse=True)
    def _some(self, any_store: Store) -> None:
        for number, (caller, state) in enumerate(
            [
                ("joe@a.com", TransactionState.COMMITTED),
                ("JOE_x@b.com", TransactionState.RUNNING),
                ("mary@a.com", TransactionState.INCONSISTENT),
            ]
        ):
            made = TransactionRecord(f"t{number}", caller, f"Space::P{number}", 100.0 + number, state, engine=f"e{number}")
            made.response = b"<r/>"
            any_store.journal.write(made)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (Query(), ["t2", "t1", "t0"]),
            (Query(limit=2), ["t2", "t1"]),
            (Query(caller="joe"), ["t1", "t0"]),
            (Query(caller="e_X"), ["t1"]),
            (Query(caller="%"), []),
            (Query(procedure="space::p2"), ["t2"]),
            (Query(states=frozenset({TransactionState.RUNNING, TransactionState.COMMITTED})), ["t1", "t0"]),
            (Query(since=101.0), ["t2", "t1"]),
            (Query(until=101.0), ["t1", "t0"]),
            (Query(engine="e2"), ["t2"]),
            (Query(caller="a.com", since=101.0), ["t2"]),
        ],
    )
    def test_conditions(self, any_store: Store, query: Query, found: list[str]) -> None:
        assert [one.id for one in any_store.journal.find(query)] == found

    def test_prune_forgets_what_ended_for_good(self, any_store: Store) -> None:
        for number, state in enumerate(TransactionState):
            made = record("e1", f"p{number}")
            made.key = RequestKey("joe", f"k{number}", b"d" * 32)
            any_store.journal.claim(made)
            made.state, made.ended = state, 500.0
            any_store.journal.write(made, [step(made)])
        late = record("e1", "late")
        late.state, late.ended = TransactionState.COMMITTED, 5000.0
        any_store.journal.write(late)
        assert any_store.journal.prune(1000.0) == 3
        left = {one.state for one in any_store.journal.find(Query()) if one.id.startswith("p")}
        assert left == {state for state in TransactionState if state.value not in {"committed", "rolled-back", "resolved"}}
        assert any_store.journal.transaction("late") is not None
        final = [f"p{n}" for n, s in enumerate(TransactionState) if s not in left]
        assert all(not any_store.journal.steps(name) for name in final)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    change=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    saved=st.none() | st.binary(),
)
def test_any_change_comes_back_as_it_was(any_store: Store, change: Json, saved: bytes | None) -> None:
    made = record("e1", f"h{time.monotonic_ns()}")
    any_store.journal.write(made, [step(made, 1, [change], saved_data=saved)], sync=False)
    (found,) = any_store.journal.steps(made.id)
    assert (found.change, found.saved_data, found.verified) == ([change], saved, True)


class TestAtRest:
    """What only a store on disk can promise."""

    @pytest.fixture
    def store(self, place: Place) -> Iterator[SqlStore]:
        with contextlib.closing(place.open()) as opened:
            yield opened

    @pytest.mark.slow
    def test_it_is_there_after_a_kill(self, place: Place) -> None:
        script = """
from mpf_core.store.port import StepRecord, TransactionRecord
made = TransactionRecord("t1", "joe", "A::B", 1.0, engine="e1")
store.journal.write(made, [StepRecord("t1", 1, 1, "A", "B", "s", "x", {"a": 1}, 1)])
say("written")
sys.stdin.read()
"""
        with place.process(script) as child:
            assert child.hear() == "written"
        with contextlib.closing(place.open()) as store:
            assert store.journal.steps("t1")[0].change == {"a": 1}

    def test_two_engines_see_each_others_locks_at_once(self, place: Place, store: SqlStore) -> None:
        with contextlib.closing(place.open()) as other:
            store.journal.write(record("e1", "t1"))
            other.journal.write(record("e2", "t2"))
            assert store.journal.lock("k", record("e1", "t1")) is None
            assert other.journal.lock("k", record("e2", "t2")) == "t1"

    @pytest.mark.slow
    def test_of_many_processes_one_gets_the_lock(self, place: Place, store: SqlStore) -> None:
        script = """
from mpf_core.store.port import TransactionRecord
made = TransactionRecord(f"t{os.getpid()}", "joe", "A::B", 1.0, engine="e")
store.journal.write(made)
say(made.id)
sys.stdin.readline()
say([store.journal.lock(f"k{number}", made) for number in range(20)])
sys.stdin.read()
"""
        with contextlib.ExitStack() as stack:
            children = [stack.enter_context(place.process(script)) for _ in range(3)]
            names = [child.hear() for child in children]
            for child in children:
                child.tell()
            answers = [child.hear() for child in children]
        for holders in zip(*answers, strict=True):
            assert holders.count(None) == 1
            winner = names[holders.index(None)]
            assert {*holders} == {None, winner}

    def test_a_write_whose_answer_was_lost_can_be_repeated(self, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
        made = record("e1")
        one, original = step(made, confidential=True), store.db.write

        @contextlib.contextmanager
        def lost(*, sync: bool = True) -> Iterator[object]:
            with original(sync=sync) as cursor:
                yield cursor
            raise StoreUnavailable("the answer is lost")

        for order in (1, 2):
            with monkeypatch.context() as patch:
                patch.setattr(store.db, "write", lost)
                with pytest.raises(StoreUnavailable):
                    store.journal.write(made, [one])
            one.state = StepState.DONE
            store.journal.write(made, [one])
            assert store.journal.transaction("t1") == made
            assert store.journal.steps("t1")[-1] == one
            one = step(made, order + 1)
        made.state = TransactionState.COMMITTED
        store.journal.write(made)
        assert store.journal.steps("t1")[0].change is None

    def test_secrets_are_not_in_clear(self, place: Place, tmp_path: Path) -> None:
        if place.server is not None:
            pytest.skip("the file of the other database is looked into")
        store = place.open()
        made = record("e1")
        made.response, made.error = MARK.encode(), MARK
        one = step(made, saved_data=MARK.encode())
        store.journal.write(made, [one])
        one.detail, one.evidence = MARK, {MARK: MARK}
        store.journal.write(made, [one])
        store.close()
        content = b"".join(path.read_bytes() for path in tmp_path.glob("mpf.db*") if path.is_file())
        assert b"request/execute[1]" in content
        assert MARK.encode() not in content

    def test_clear_steps_are_readable_and_still_authentic(self, store: SqlStore) -> None:
        made = record("e1")
        store.journal.write(made, [step(made, clear=True)])
        ((intent,),) = rows(store, "SELECT intent FROM steps")
        assert isinstance(intent, bytes)
        assert MARK.encode() in intent
        execute(store, "UPDATE steps SET intent = :changed", changed=intent.replace(b"Pa55word", b"Pa66word"))
        assert not store.journal.steps("t1")[0].verified

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("sequence", 11),
            ("namespace", "Other"),
            ("procedure", "Delete"),
            ("provider_source", "other"),
            ("step", "elsewhere"),
            ("identity", "Administrator"),
            ("identity_kind", "caller"),
            ("format", 2),
            ("reversible", False),
            ("two_phase", True),
            ("clear", True),
            ("confidential", True),
            ("number", 2),
            ("intent", b"\x01garbage"),
        ],
    )
    def test_a_step_that_was_changed_is_not_verified(self, store: SqlStore, column: str, value: object) -> None:
        made = record("e1")
        store.journal.write(made, [step(made)])
        assert store.journal.steps("t1")[0].verified
        execute(store, f"UPDATE steps SET {column} = :value", value=value)
        (found,) = store.journal.steps("t1")
        assert not found.verified
        assert found.change is None

    def test_a_step_of_another_transaction_is_not_verified(self, store: SqlStore) -> None:
        for name in ("t1", "t2"):
            store.journal.write(record("e1", name), [step(record("e1", name))])
        execute(store, "DELETE FROM steps WHERE transaction_id = 't1'")
        execute(store, "UPDATE steps SET transaction_id = 't1'")
        assert not store.journal.steps("t1")[0].verified

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("caller", "mallory"),
            ("trustee", "mallory"),
            ("asserted_by", "mallory"),
            ("procedure", "A::B"),
            ("started", 1.0),
            ("state", "running"),
            ("state", "no-state"),
            ("seal", b"\x02garbage"),
            ("error", b"\x01garbage"),
            ("data_key", b"\x01garbage"),
        ],
    )
    def test_a_transaction_that_was_changed_is_not_verified(self, store: SqlStore, column: str, value: object) -> None:
        made = record("e1")
        made.state, made.error = TransactionState.COMMITTED, "x"
        store.journal.write(made, [step(made)])
        found = store.journal.transaction("t1")
        assert found is not None
        assert found.verified
        execute(store, f"UPDATE transactions SET {column} = :value", value=value)
        found = store.journal.transaction("t1")
        assert found is not None
        assert not found.verified
        assert [one.verified for one in store.journal.find(Query())] == [False]

    @pytest.mark.parametrize("column", ["intent", "outcome", "identity"])
    def test_a_step_that_was_changed_never_verifies_again(self, place: Place, store: SqlStore, column: str) -> None:
        """Recovery records that it did not undo it; a retry must not find a record that verifies without its evidence."""
        made = record("e1")
        one = step(made)
        store.journal.write(made, [one])
        one.evidence = {"guid": "1"}
        store.journal.write(made, [one])
        execute(
            store, f"UPDATE steps SET {column} = :value", value="Administrator" if column == "identity" else b"\x01other"
        )
        with contextlib.closing(place.open()) as other:
            (found,) = other.journal.steps("t1")
            found.state, found.detail, made.state = StepState.UNDO_FAILED, "it was changed", TransactionState.INCONSISTENT
            other.journal.write(made, [found])
            (found,) = other.journal.steps("t1")
        assert (found.verified, found.change, found.evidence) == (False, None, {})
        assert (found.state, found.detail) == (StepState.UNDO_FAILED, "it was changed")

    @pytest.mark.parametrize(("column", "value"), [("caller", "mallory"), ("state", "committing"), ("data_key", b"\x01x")])
    def test_a_transaction_that_was_changed_never_verifies_again(
        self, place: Place, store: SqlStore, column: str, value: object
    ) -> None:
        made = record("e1")
        store.journal.write(made, [step(made)])
        execute(store, f"UPDATE transactions SET {column} = :value", value=value)
        with contextlib.closing(place.open()) as other:
            found = other.journal.transaction("t1")
            assert found is not None
            end = TransactionState.IN_DOUBT if value == "committing" else TransactionState.INCONSISTENT
            found.state, found.ended, found.error = end, 1002.0, "it was changed"
            other.journal.write(found)
            found = other.journal.transaction("t1")
            assert found is not None
        assert (found.state, found.ended, found.verified) == (end, 1002.0, False)
        assert found.error == ("" if column == "data_key" else "it was changed")

    def test_an_open_step_cannot_be_passed_off_as_an_erased_one(self, store: SqlStore) -> None:
        made = record("e1")
        store.journal.write(made, [step(made, 1), step(made, 2, confidential=True)])
        execute(store, "UPDATE steps SET intent = :nothing, confidential = :yes", nothing=b"", yes=True)
        assert [one.verified for one in store.journal.steps("t1")] == [False, False]

    def test_what_is_left_of_an_erased_step_is_authentic(self, store: SqlStore) -> None:
        made = record("e1")
        store.journal.write(made, [step(made, confidential=True)])
        made.state = TransactionState.COMMITTED
        store.journal.write(made)
        (found,) = store.journal.steps("t1")
        assert (found.change, found.verified) == (None, True)
        execute(store, "UPDATE steps SET identity = :value", value="Administrator")
        assert not store.journal.steps("t1")[0].verified

    @pytest.mark.parametrize("value", [b"\xff", "text", 1.5])
    def test_values_of_any_type_are_borne(self, tmp_path: Path, value: object) -> None:
        """SQLite keeps what it is given, whatever the column's type."""
        with contextlib.closing(sqlite_place(tmp_path).open()) as store:
            made = record("e1")
            store.journal.write(made, [step(made)])
            for column in [
                "sequence",
                "namespace",
                "identity",
                "format",
                "reversible",
                "running_until",
                "attempts",
                "intent",
                "outcome",
            ]:
                execute(store, f"UPDATE steps SET {column} = :value", value=value)
            for column in ["caller", "started", "ended", "code", "engine", "error", "response", "data_key", "seal"]:
                execute(store, f"UPDATE transactions SET {column} = :value", value=value)
            (found,) = store.journal.find(Query())
            assert not found.verified
            assert not store.journal.steps("t1")[0].verified


def test_memory_keeps_the_latest_that_ended_and_all_that_have_not() -> None:
    journal = MemoryJournal(keep=3)
    journal.write(record("e1", "open"))
    for number in range(5):
        made = record("e1", f"t{number}")
        made.state = TransactionState.COMMITTED
        journal.write(made, [step(made)])
    assert {one.id for one in journal.find(Query())} == {"open", "t2", "t3", "t4"}
    assert not journal.steps("t1")
    assert journal.steps("t2")


def test_a_full_disk_is_said_and_the_write_can_be_repeated(tmp_path: Path) -> None:
    store = sqlite_place(tmp_path).open()
    made = record("e1")
    store.journal.write(made)
    assert isinstance(store, SqlStore)
    with store.db.write() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    _pragma(store, f"PRAGMA max_page_count={pages}")
    one = step(made, 1, "x" * 100_000)
    with pytest.raises(StoreUnavailable, match="full"):
        store.journal.write(made, [one])
    assert list(store.journal.steps("t1")) == []
    _pragma(store, "PRAGMA max_page_count=1000000")
    store.journal.write(made, [one])
    assert list(store.journal.steps("t1")) == [one]
    store.close()


def _pragma(store: SqlStore, statement: str) -> None:
    """Set something of the connection that writes."""
    connection = store.db._writer
    assert isinstance(connection, sqlite3.Connection)
    connection.execute(statement)


def test_a_server_that_restarts_is_waited_for(own_server: object, tmp_path: Path) -> None:
    from tests.postgres import PostgresServer

    assert isinstance(own_server, PostgresServer)
    place = Place(own_server.create_database("faults"), tmp_path, own_server)
    store = place.open()
    made = record(store.engines.join("one"))
    store.journal.write(made, [step(made, 1)])
    for mode in ("fast", "immediate"):
        own_server.restart(mode)
        made.state = TransactionState.ROLLING_BACK
        for order in (2, 3):
            with contextlib.suppress(StoreUnavailable):
                store.journal.write(made, [step(made, order)])
            store.journal.write(made, [step(made, order)])
        assert [one.order for one in store.journal.steps("t1")] == [1, 2, 3]
    own_server.stop("immediate")
    with pytest.raises(StoreUnavailable):
        store.journal.write(made, [step(made, 4)])
    own_server.start()
    store.journal.write(made, [step(made, 4)])
    assert [one.order for one in store.journal.steps("t1")] == [1, 2, 3, 4]
    store.close()
