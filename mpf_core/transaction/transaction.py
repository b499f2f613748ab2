"""One transaction of a running request: intent before effect, and undo in reverse order.

Every started step of a transaction that fails ends with exactly one outcome, and an undo that fails never stops the undo of
the steps before it (sources: spec/engine-and-runtime.md 3, spec/peers.md 0.1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mpf_core import points, redaction
from mpf_core.errors import Code, MpfError
from mpf_core.events import EventName
from mpf_core.provider import CallContext, Change, Json, Output, Provider
from mpf_core.store.port import (
    AuditEntry,
    Fenced,
    IdTaken,
    RequestKey,
    StepRecord,
    Store,
    StoreUnavailable,
    TransactionRecord,
)
from mpf_core.transaction.closing import Closing, Means
from mpf_core.transaction.ledger import Ledger
from mpf_core.transaction.states import OPEN_STATES, UNSETTLED, StepState, TransactionState

#: Audit lines, and messages for the outbox (topic and body).
Farewell: TypeAlias = tuple[Sequence[AuditEntry], Sequence[tuple[str, Json]]]

_JSON = json.JSONEncoder(allow_nan=False)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of one write call: shown in responses and to operators."""

    sequence: int
    namespace: str
    procedure: str
    step: str
    state: StepState
    detail: str = ""


class InDoubt(Exception):  # noqa: N818 - the state of the transaction
    """The transaction's end could not be recorded, so only recovery can tell what it was."""


class Transaction:
    """The write calls of one request. Used by one thread.

    ``engine`` gives the id under which this engine is registered in the store, and registers it if need be. ``tell`` passes
    events to observers, ``farewell`` gives what is recorded together with the end: audit lines, and messages for the outbox.
    """

    def __init__(self, record: TransactionRecord, store: Store, means: Means, engine: Callable[[], str]) -> None:
        self.record = record
        self.tell: Callable[[EventName, dict[str, object]], None] = _tell_nobody
        self.farewell: Callable[[TransactionState], Farewell] = _say_nothing
        self._ledger = Ledger(record, store.journal)
        self._store = store
        self._engine = engine
        self._means = means
        self._begun = False

    @property
    def id(self) -> str:
        """The transaction's id: an upper-case GUID in braces."""
        return self.record.id

    def claim(self, key: RequestKey) -> TransactionRecord | None:
        """Begin with an idempotency key, durably; or return the earlier transaction that stands in the way.

        Nothing has begun then, nor when it raises KeyReused, IdTaken or Fenced: this transaction is of no use any more.
        StoreUnavailable leaves open whether it has begun: it is to be ended all the same.
        """
        self.record.key = key
        self._begin()
        return self._store.journal.claim(self.record)

    def lock(self, key: str, *, shared: bool) -> None:
        """Hold ``key`` until the transaction has ended, alone or ``shared`` with others who only rely on it.

        Raises LOCK_VIOLATION when another transaction is in the way.
        """
        try:
            if not self._begun:
                self._begin()
                self._first(lambda: self._ledger.save(sync=False))  # so that recovery finds the lock's owner
            holder = self._store.journal.lock(key, self.record, shared=shared)
            if holder is None:
                return
            other = self._store.journal.transaction(holder)
        except StoreUnavailable as error:
            raise _unavailable() from error
        if other is not None and other.state in UNSETTLED:
            text = f"'{key}' is held by the transaction {holder}, which ended {other.state.value} and waits for an operator."
        else:
            text = f"Another request is changing '{key}' now; send this one again later."
        raise MpfError(Code.LOCK_VIOLATION, text)

    def run(  # noqa: PLR0917 - a write call is just these
        self,
        provider: Provider,
        ctx: CallContext,
        change: Change,
        source: str,
        saved_data: bytes | None,
        two_phase: bool,
        clear: bool,
    ) -> Output:
        """Record the intent of a write call, then do it. Returns the output of `Provider.apply`.

        Whatever it raises, the step is recorded as failed and will be undone: it may have done a part of its work. If the
        intent cannot be recorded, nothing is done (STORE_UNAVAILABLE).
        """
        if change.data is None:
            return None
        _check_json(ctx.procedure, change)
        now = time.time()
        secrets = redaction.hidden_in(change.data)
        confidential = change.confidential or bool(secrets)
        step = StepRecord(
            transaction_id=self.id,
            order=len(self._ledger.steps) + 1,
            sequence=ctx.sequence,
            namespace=ctx.namespace,
            procedure=ctx.procedure,
            provider_source=source,
            step=ctx.step,
            change=change.data,
            format=change.format,
            identity=ctx.identity.name,
            identity_kind=ctx.identity.kind.value,
            reversible=change.reversible,
            two_phase=two_phase,
            clear=clear and not confidential,
            confidential=confidential,
            started=now,
            running_until=None if ctx.deadline is None else now + max(0.0, ctx.deadline - time.monotonic()),
            saved_data=saved_data,
            secrets=secrets,
        )
        self._intend(step)
        ctx.flush = lambda: self._checkpoint(step, ctx)
        try:
            points.reach("provider.apply.before")
            produced = provider.apply(ctx, change)
            points.reach("provider.apply.after")
        except BaseException:
            self._outcome(step, StepState.FAILED, ctx)
            raise
        finally:
            ctx.flush = _flush_nothing  # it would keep the context, which it knows, and with that the request's documents
        self._outcome(step, StepState.DONE, ctx)
        return produced

    def mark(self) -> int:
        """A point to roll back to: see `rollback`."""
        return len(self._ledger.steps)

    def rollback(self, to: int) -> bool:
        """Undo every open step after the mark ``to``, last first. Returns whether all of it could be undone.

        Raises Fenced when the transaction is another engine's by now, and InDoubt when that cannot be told: then nothing
        is undone here.
        """
        self._make_sure()
        return self._closing().rollback(to)

    def prepare_commit(self) -> None:
        """Ask the two-phase steps whether they can commit. Raises what a provider raises: nothing is decided yet."""
        self._closing().prepare_commit()

    def commit(self) -> None:
        """Make everything final: two-phase steps are committed in forward order, all of them, whatever happens.

        Raises InDoubt when the decision or the end could not be recorded.
        """
        end = TransactionState.COMMITTED
        self._ledger.to(TransactionState.COMMITTING)  # from now on nothing is rolled back here, whatever interrupts it
        if any(step.two_phase and step.state is StepState.DONE for step in self._ledger.steps):
            self._decide()
            end = self._closing().commit_all()
        else:
            for step in self._ledger.steps:
                if step.state is StepState.DONE:
                    self._ledger.move(step, StepState.COMMITTED)
        self._end(end)

    def abort(self) -> None:
        """Roll everything back and end the transaction. Raises Fenced, and InDoubt when the end could not be recorded."""
        self._ledger.to(TransactionState.ROLLING_BACK)
        self._make_sure()
        self._closing().rollback()
        failed = any(step.state is StepState.UNDO_FAILED for step in self._ledger.steps)
        self._end(TransactionState.INCONSISTENT if failed else TransactionState.ROLLED_BACK)

    def outcomes(self) -> tuple[StepOutcome, ...]:
        """The state of every started step, in order of start."""
        return outcomes(self._ledger.steps)

    def let_go(self) -> None:
        """Drop who made it, so that a request's documents are freed at once and not by the garbage collector."""
        self.farewell = _say_nothing

    def _closing(self) -> Closing:
        return Closing(self._ledger, self._means, self.tell)

    def _make_sure(self) -> None:
        """Before anything is undone: it is still ours to undo."""
        if not any(step.state in OPEN_STATES for step in self._ledger.steps):
            return
        try:
            self._ledger.save(sync=False)
        except StoreUnavailable as error:
            if not self._store.engines.is_sure():
                raise InDoubt from error

    def _begin(self) -> None:
        self.record.engine = self._engine()
        self._begun = True

    def _first(self, save: Callable[[], None]) -> None:
        """The first time that the transaction is written. Raises what ``save`` does; KEY_REUSED for a taken id."""
        try:
            save()
        except IdTaken as error:
            self._begun = False
            raise id_taken(self.id) from error

    def _intend(self, step: StepRecord) -> None:
        self._ledger.add(step)
        try:
            if not self._begun:
                self._begin()
                self._first(self._ledger.save)
            else:
                self._ledger.save()
        except (StoreUnavailable, MpfError) as error:
            self._ledger.move(step, StepState.NOTHING_TO_UNDO, "its intent could not be recorded, so it was not done")
            if isinstance(error, MpfError):
                raise
            raise _unavailable() from error

    def _checkpoint(self, step: StepRecord, ctx: CallContext) -> None:
        step.evidence = dict(ctx.evidence)
        self._ledger.touch(step)
        try:
            self._ledger.save()
        except StoreUnavailable as error:
            raise _unavailable() from error

    def _outcome(self, step: StepRecord, state: StepState, ctx: CallContext) -> None:
        if ctx.evidence:
            step.evidence = dict(ctx.evidence)
        self._ledger.move(step, state)

    def _decide(self) -> None:
        try:
            self._ledger.save()
        except Fenced:
            raise
        except Exception as error:
            # Nobody knows whether it was written. Nothing is committed and nothing undone until recovery has looked.
            raise InDoubt from error

    def _end(self, state: TransactionState) -> None:
        before = self.record.state
        self._ledger.to(state)
        self.record.ended = time.time()
        audit, messages = self.farewell(state)
        try:
            if self._begun:
                lasting = bool(self._ledger.steps) or self.record.key is not None
                self._ledger.save(sync=lasting, audit=audit, messages=messages)
            elif audit:
                self._store.audit.append(audit)
        except Exception as error:
            self.record.state = before
            if isinstance(error, Fenced):
                raise
            raise InDoubt from error


def outcomes(steps: list[StepRecord]) -> tuple[StepOutcome, ...]:
    """The state of every step in order of start."""
    return tuple(StepOutcome(s.sequence, s.namespace, s.procedure, s.step, s.state, s.detail) for s in steps)


def id_taken(transaction_id: str) -> MpfError:
    """The error for a new transaction with the id of another one."""
    return MpfError(Code.KEY_REUSED, f"There has been a transaction {transaction_id} before; an id is used once.")


def _tell_nobody(_name: EventName, _fields: dict[str, object]) -> None:
    pass


def _flush_nothing() -> None:
    pass


def _say_nothing(_state: TransactionState) -> Farewell:
    return (), ()


def _unavailable() -> MpfError:
    return MpfError(
        Code.STORE_UNAVAILABLE, "The store cannot record what is about to be done, so it is not done; see the engine's log."
    )


def _check_json(procedure: str, change: Change) -> None:
    """An undo in another process gets what was written: tuples and keys that are no text would be something else there."""
    try:
        written = json.loads(_JSON.encode(change.data))
    except (TypeError, ValueError) as error:
        raise TypeError(f"Change.data of '{procedure}' must be JSON: {error}") from error
    if written != change.data:
        raise TypeError(f"Change.data of '{procedure}' must be JSON: lists (no tuples), and objects whose keys are texts")
