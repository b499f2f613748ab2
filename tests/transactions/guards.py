"""Guards of transactions and of the store, each with what switches it off and the test that must notice (test_guards.py).

Those that only a killed process or a second one shows are in `tests.kills.guards`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

import mpf_core.transactions
from mpf_core.errors import MpfError
from mpf_core.events import Event
from mpf_core.execution import Execution
from mpf_core.observing import Observing
from mpf_core.plugins import HookCaller
from mpf_core.provider import CallContext, Change, Provider
from mpf_core.store import urls
from mpf_core.store.advisory import ServerLiveness
from mpf_core.store.database import Cursor, Database
from mpf_core.store.journal import SqlJournal
from mpf_core.store.opening import SqlStore
from mpf_core.store.port import StepRecord, StoreUnavailable, TransactionRecord
from mpf_core.store.postgresql import PostgresDatabase
from mpf_core.store.sqlite import SqliteDatabase
from mpf_core.store.vault import DataKey
from mpf_core.transaction import ledger
from mpf_core.transaction.closing import Closing, T
from mpf_core.transaction.recovery import Recovery
from mpf_core.transaction.states import StepState, TransactionState
from mpf_core.transaction.transaction import InDoubt, Transaction

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Guard:
    """The name of a test below ``tests``, and what switches the guard off that it is about."""

    test: str
    off: Callable[[Patch], None]


#: Every guard by the name of what switches it off.
GUARDS: dict[str, Guard] = {}


def noticed_by(test: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a guard by what switches it off."""

    def register(off: Callable[[Patch], None]) -> Callable[[Patch], None]:
        GUARDS[off.__name__] = Guard(f"tests/{test}", off)
        return off

    return register


def _unconcerned(patch: Patch, owner: type, name: str, error: type[Exception]) -> None:
    """Let a method go on where it raises."""
    method = getattr(owner, name)

    def unconcerned(*arguments: Any, **options: Any) -> Any:
        with suppress(error):
            return method(*arguments, **options)

    patch.setattr(owner, name, unconcerned)


# --- States ----------------------------------------------------------------------------------------------------------------


@noticed_by(
    "core/test_state_diagrams.py::test_only_legal_transitions_of_a_transaction_are_possible"
    "[TransactionState.COMMITTED-TransactionState.ROLLED_BACK]"
)
def any_transition(patch: Patch) -> None:
    """A transaction may come from any state to any other one."""
    patch.setattr(ledger, "TRANSACTION_TRANSITIONS", dict.fromkeys(TransactionState, frozenset(TransactionState)))


@noticed_by(
    "core/test_state_diagrams.py::test_only_legal_transitions_of_a_step_are_possible[StepState.COMMITTED-StepState.UNDONE]"
)
def any_transition_of_a_step(patch: Patch) -> None:
    """A step may come from any state to any other one."""
    patch.setattr(ledger, "STEP_TRANSITIONS", dict.fromkeys(StepState, frozenset(StepState)))


# --- What cannot be recorded -----------------------------------------------------------------------------------------------


@noticed_by("transactions/test_faults.py::TestFullDisk::test_it_refuses_writing_requests_and_nothing_else")
def unrecorded_intent(patch: Patch) -> None:
    """A step is done though its intent is not in the journal."""
    _unconcerned(patch, Transaction, "_intend", MpfError)


@noticed_by("transactions/test_faults.py::TestFullDisk::test_a_key_that_cannot_be_claimed_is_no_request")
def unrecorded_key(patch: Patch) -> None:
    """A request runs though its key is not in the journal."""
    _unconcerned(patch, Transaction, "claim", StoreUnavailable)


@noticed_by("transactions/test_faults.py::test_a_lock_whose_answer_is_lost_is_no_reason_to_go_on_and_is_not_kept")
def unrecorded_lock(patch: Patch) -> None:
    """A request goes on though nobody knows whether it has its lock."""
    _unconcerned(patch, Transaction, "lock", MpfError)


@noticed_by("transactions/test_faults.py::TestFullDisk::test_a_decision_that_has_no_room_commits_nothing")
def unrecorded_decision(patch: Patch) -> None:
    """The commits run though the decision is not in the journal."""
    _unconcerned(patch, Transaction, "_decide", InDoubt)


@noticed_by(
    "transactions/test_faults.py::TestFullDisk::test_a_rollback_that_has_no_room_goes_on_and_is_not_said_to_have_ended"
)
def unrecorded_end(patch: Patch) -> None:
    """An end is told though it is not in the journal."""

    def end(self: Transaction, state: TransactionState) -> None:
        self._ledger.to(state)
        with suppress(StoreUnavailable):
            self._ledger.save()

    patch.setattr(Transaction, "_end", end)


# --- Rollback and commit ---------------------------------------------------------------------------------------------------


@noticed_by("transactions/test_ending.py::test_no_catch_hides_a_failed_undo")
def catch_anyway(patch: Patch) -> None:
    """A catch runs whatever became of the undo before it."""
    rollback = Transaction.rollback
    patch.setattr(Transaction, "rollback", lambda self, to=0: rollback(self, to) or True)


@noticed_by("transactions/test_ending.py::TestTwoPhase::test_all_are_asked_before_the_first_commit")
def asked_one_by_one(patch: Patch) -> None:
    """A two-phase step is asked whether it can commit when the commits of those before it have run."""
    commit = Closing._commit

    def ask_and_commit(self: Closing, step: StepRecord) -> None:
        if step.two_phase:
            self._means.provider(step.provider_source).prepare_commit(*self._call(step))
        commit(self, step)

    patch.setattr(Transaction, "prepare_commit", lambda self: None)
    patch.setattr(Closing, "_commit", ask_and_commit)


@noticed_by("transactions/test_ending.py::TestTwoPhase::test_a_failed_commit_is_in_doubt_and_the_others_run")
def stop_at_a_failed_commit(patch: Patch) -> None:
    """A commit that fails stops those behind it."""

    def commit_all(self: Closing) -> TransactionState:
        for step in self._ledger.steps:
            self._commit(step)
            if step.state is StepState.IN_DOUBT:
                return TransactionState.IN_DOUBT
        return TransactionState.COMMITTED

    patch.setattr(Closing, "commit_all", commit_all)


@noticed_by("transactions/test_ending.py::test_a_failing_undo_is_tried_again_and_never_stops_the_others")
def stop_at_a_failed_undo(patch: Patch) -> None:
    """An undo that fails stops those behind it."""

    def rollback(self: Closing, after: int = 0) -> bool:
        return all(self._undo(step) for step in reversed(self._ledger.steps[after:]))

    patch.setattr(Closing, "rollback", rollback)


def _attempt(self: Closing, step: StepRecord, act: Callable[[Provider, CallContext, Change], T]) -> T:
    return act(self._means.provider(step.provider_source), *self._call(step))


@noticed_by("transactions/test_ending.py::TestRecovery::test_an_unknown_format_is_not_guessed_at")
def any_format(patch: Patch) -> None:
    """A provider gets changes whose format it does not know."""
    patch.setattr(Closing, "_attempt", _attempt)


@noticed_by(
    "transactions/test_tampering.py::test_a_changed_record_is_not_executed_by_recovery_or_retry"
    "[UPDATE transactions SET caller = 'somebody else']"
)
def any_record(patch: Patch) -> None:
    """Records that do not verify are executed."""
    patch.setattr(Closing, "_attempt", _attempt)


# --- Recovery and operators ------------------------------------------------------------------------------------------------


@noticed_by("transactions/test_recovery.py::TestUncertain::test_a_call_that_has_no_time_limit_may_be_under_way_for_ever")
def undone_under_way(patch: Patch) -> None:
    """Nobody minds whether a call may still be under way."""
    patch.setattr(Recovery, "_may_be_running", lambda self, record: False)


@noticed_by("transactions/test_faults.py::test_a_rollback_that_may_be_another_engines_waits")
def never_in_doubt(patch: Patch) -> None:
    """A rollback goes on without the store, whoever may have adopted the transaction."""
    _unconcerned(patch, Transaction, "_make_sure", InDoubt)


@noticed_by("transactions/test_faults.py::TestServer::test_a_rollback_waits_while_the_line_is_cut")
def sure_without_a_server(patch: Patch) -> None:
    """An engine takes its lock in a server for its own while the server does not answer."""
    patch.setattr(ServerLiveness, "is_sure", lambda self: True)


@noticed_by("transactions/test_left_behind.py::TestSettling::test_nobody_resolves_what_is_being_retried")
def resolve_anything(patch: Patch) -> None:
    """A transaction is resolved in whatever state it is."""
    patch.setattr(mpf_core.transactions, "UNSETTLED", frozenset(TransactionState))


# --- Engines on a server ---------------------------------------------------------------------------------------------------

_LATE = "store/test_engines.py::test_an_engine_that_was_claimed_while_the_server_was_away_writes_nothing_more[fast]"


@noticed_by(_LATE)
def taken_again_unseen(patch: Patch) -> None:
    """A new session takes the lock again, whether or not the engine was recovered while there was none."""

    def take_again(self: ServerLiveness, cursor: Cursor) -> None:
        for engine in self._held:
            self._take(cursor, engine)
        if self._held:
            self._remember(cursor)

    patch.setattr(ServerLiveness, "_take_again", take_again)


@noticed_by(_LATE)
def anybodys_session(patch: Patch) -> None:
    """Whoever has our lock is taken for a former session of ours, and ended."""
    take = ServerLiveness._take

    class Like:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    def take_from_anybody(self: ServerLiveness, cursor: Cursor, engine: str) -> None:
        self._session = Like()  # type: ignore[assignment]
        take(self, cursor, engine)

    patch.setattr(ServerLiveness, "_take", take_from_anybody)


@noticed_by(_LATE)
def a_lost_engine_goes_on(patch: Patch) -> None:
    """An engine that was recovered begins new transactions under its old id."""
    made = SqlJournal.__init__

    def without_the_lost(self: SqlJournal, *arguments: Any) -> None:
        made(self, *arguments[:3])

    patch.setattr(SqlJournal, "__init__", without_the_lost)


# --- Safe resend -----------------------------------------------------------------------------------------------------------


@noticed_by("transactions/test_resend.py::test_a_finished_request_returns_its_stored_response")
def claimed_by_everybody(patch: Patch) -> None:
    """A key is given to whoever asks."""
    claim = SqlJournal.claim

    def take(self: SqlJournal, transaction: TransactionRecord) -> TransactionRecord | None:
        with self._db.write() as cursor:
            cursor.execute("DELETE FROM request_keys")
        return claim(self, transaction)

    patch.setattr(SqlJournal, "claim", take)


@noticed_by("transactions/test_resend.py::test_another_body_is_refused")
def same_digest(patch: Patch) -> None:
    """All requests look the same."""
    patch.setattr(SqlStore, "digest", lambda self, data: b"the same")


@noticed_by("transactions/test_resend.py::test_a_stored_response_is_given_only_to_who_is_still_allowed")
def authorized_once(patch: Patch) -> None:
    """A stored response is given to whoever was allowed to have it."""
    patch.setattr(Execution, "authorize_again", lambda self, calls, security: None)


# --- What is on the disk ---------------------------------------------------------------------------------------------------


def _unsynced(patch: Patch, kind: type[Database]) -> None:
    write = kind.write
    patch.setattr(kind, "write", lambda self, *, sync=True: write(self, sync=False))


@noticed_by("store/test_database.py::TestSqlite::test_durability_is_as_asked_for")
def unsynced_sqlite(patch: Patch) -> None:
    """SQLite does not wait for the disk."""
    _unsynced(patch, SqliteDatabase)


@noticed_by("store/test_database.py::TestPostgresql::test_durability_is_as_asked_for")
def unsynced_postgresql(patch: Patch) -> None:
    """PostgreSQL does not wait for the disk."""
    _unsynced(patch, PostgresDatabase)


@noticed_by("transactions/test_ending.py::test_undo_data_is_encrypted_and_sensitive_2_opts_out")
def in_clear(patch: Patch) -> None:
    """Everything is authenticated, and nothing encrypted."""
    seal = DataKey.seal
    patch.setattr(DataKey, "seal", lambda self, plaintext, bound, clear=False: seal(self, plaintext, bound, True))


@noticed_by("store/test_database.py::TestMigrations::test_a_newer_store_is_refused_and_left_alone[sqlite]")
def any_schema(patch: Patch) -> None:
    """A store that is there is used, whatever its version."""
    upgrade = urls.upgrade

    def only_new_ones(database: Database) -> None:
        with database.read() as cursor:
            there = cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        if there is None:
            upgrade(database)

    patch.setattr(urls, "upgrade", only_new_ones)


# --- Observers -------------------------------------------------------------------------------------------------------------


@noticed_by("transactions/test_observers.py::test_a_failing_observer_changes_nothing")
def told_on_the_way(patch: Patch) -> None:
    """Observers are told by the request's own thread."""

    def tell(self: Observing, observers: Sequence[HookCaller], event: Event) -> None:
        for observer in observers:
            observer(event=event)

    patch.setattr(Observing, "tell", tell)


@noticed_by("transactions/test_observers.py::test_a_slow_observer_delays_a_little_and_changes_nothing")
def waited_for(patch: Patch) -> None:
    """A request's response waits until its events were delivered, however long that takes."""
    patch.setattr(Observing, "wait", lambda self: self._flushed(60))
