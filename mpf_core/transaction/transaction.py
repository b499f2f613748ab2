"""One transaction: intent before effect, and undo in reverse order.

Every started step of a transaction that fails ends with exactly one outcome, and an undo that fails never stops the undo of
the steps before it (sources: spec/engine-and-runtime.md 3, spec/peers.md 0.1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from mpf_core import xml
from mpf_core.errors import Code, MpfError
from mpf_core.events import EventName
from mpf_core.log import logger
from mpf_core.provider import CallContext, Change, Output, Provider, Undo
from mpf_core.store.port import Journal, StepRecord, TransactionRecord
from mpf_core.transaction.states import (
    OPEN_STATES,
    STEP_TRANSITIONS,
    TRANSACTION_TRANSITIONS,
    StepState,
    TransactionState,
)

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


@dataclass(slots=True)
class _Step:
    record: StepRecord
    provider: Provider
    ctx: CallContext
    change: Change
    two_phase: bool


class Transaction:
    """The write calls of one request. Used by one thread. ``tell`` passes events to observers; the execution sets it."""

    def __init__(self, record: TransactionRecord, journal: Journal) -> None:
        self.record = record
        self._journal = journal
        self.tell: Callable[[EventName, dict[str, object]], None] = _tell_nobody
        self._steps: list[_Step] = []
        self._begun = False

    @property
    def id(self) -> str:
        """The transaction's id: an upper-case GUID in braces."""
        return self.record.id

    def lock(self, key: str) -> None:
        """Hold ``key`` until the transaction has ended. Raises LOCK_VIOLATION when another transaction holds it."""
        if not self._journal.lock(key, self.id):
            raise MpfError(Code.LOCK_VIOLATION, f"Another request is changing '{key}' now; send this one again later.")

    def run(  # noqa: PLR0917 - a write call is just these
        self,
        provider: Provider,
        ctx: CallContext,
        change: Change,
        source: str,
        saved_data: bytes | None,
        two_phase: bool,
    ) -> Output:
        """Record the intent of a write call, then do it. Returns the output of `Provider.apply`.

        Whatever it raises, the step is recorded as failed and will be undone: it may have done a part of its work.
        """
        if change.data is None:
            return None
        _check_json(ctx.procedure, change)
        if not self._begun:
            self._journal.begin(self.record)
            self._begun = True
        record = StepRecord(
            transaction_id=self.id,
            order=len(self._steps) + 1,
            sequence=ctx.sequence,
            namespace=ctx.namespace,
            procedure=ctx.procedure,
            provider_source=source,
            step=ctx.step,
            change=change.data,
            format=change.format,
            saved_data=saved_data,
        )
        self._journal.intend(record)
        self._steps.append(_Step(record, provider, ctx, change, two_phase))
        try:
            produced = provider.apply(ctx, change)
        except BaseException:
            self._move(record, StepState.FAILED, ctx)
            raise
        self._move(record, StepState.DONE, ctx)
        return produced

    def mark(self) -> int:
        """A point to roll back to: see `rollback`."""
        return len(self._steps)

    def rollback(self, to: int = 0) -> bool:
        """Undo every open step after the mark ``to``, last first. Returns whether all of it could be undone."""
        complete = True
        for step in reversed(self._steps[to:]):
            if step.record.state in OPEN_STATES:
                complete &= self._undo(step)
        return complete

    def commit(self) -> None:
        """Make everything final: two-phase steps are committed in forward order, all of them, whatever happens."""
        if not self._begun:
            self._end(TransactionState.COMMITTED)
            return
        self._to(TransactionState.COMMITTING)
        sound = True
        for step in self._steps:
            if step.record.state is not StepState.DONE:
                continue
            try:
                if step.two_phase:
                    step.provider.commit(step.ctx, step.change)
            except Exception as error:  # the remaining commits still run
                step.record.detail = _reason(error)
                logger(transaction=self.id).error("commit.failed", step=step.record.step, exc_info=True)
                self._move(step.record, StepState.IN_DOUBT, step.ctx)
                sound = False
            else:
                self._move(step.record, StepState.COMMITTED, step.ctx)
        self._end(TransactionState.COMMITTED if sound else TransactionState.INCONSISTENT)

    def abort(self) -> None:
        """Roll everything back and end the transaction."""
        if not self._begun:
            self._end(TransactionState.ROLLED_BACK)
            return
        self._to(TransactionState.ROLLING_BACK)
        self.rollback()
        sound = all(step.record.state is not StepState.UNDO_FAILED for step in self._steps)
        self._end(TransactionState.ROLLED_BACK if sound else TransactionState.INCONSISTENT)

    def outcomes(self) -> tuple[StepOutcome, ...]:
        """The state of every started step, in order of start."""
        return tuple(
            StepOutcome(r.sequence, r.namespace, r.procedure, r.step, r.state, r.detail)
            for r in (step.record for step in self._steps)
        )

    def release(self) -> None:
        """Let go of everything, so that a request's documents are freed at once and not by the garbage collector."""
        self._steps = []
        self.tell = _tell_nobody

    def _undo(self, step: _Step) -> bool:
        record, ctx = step.record, step.ctx
        if not step.change.reversible:
            self._move(record, StepState.IRREVERSIBLE, ctx)
            return False
        if record.saved_data is not None:
            ctx.saved_data = xml.parse(record.saved_data, limit=None)
        ctx.deadline = None  # an undo is not stopped by the request's time being over
        try:
            found = step.provider.undo(ctx, step.change)
        except Exception as error:  # one failing undo never stops the others
            record.detail = _reason(error)
            logger(transaction=self.id).error("undo.failed", step=record.step, procedure=record.procedure, exc_info=True)
            self._move(record, StepState.UNDO_FAILED, ctx)
            self.tell("step.undo_failed", {"sequence": record.sequence, "step": record.step, "reason": record.detail})
            return False
        self._move(record, StepState.UNDONE if found is Undo.UNDONE else StepState.NOTHING_TO_UNDO, ctx)
        self.tell("step.undone", {"sequence": record.sequence, "step": record.step, "outcome": record.state.value})
        return True

    def _move(self, record: StepRecord, state: StepState, ctx: CallContext) -> None:
        if state not in STEP_TRANSITIONS[record.state]:
            raise AssertionError(f"illegal step transition {record.state} -> {state}")
        record.state = state
        if ctx.evidence:
            record.evidence = dict(ctx.evidence)
        self._journal.update(record)

    def _to(self, state: TransactionState) -> None:
        if state not in TRANSACTION_TRANSITIONS[self.record.state]:
            raise AssertionError(f"illegal transaction transition {self.record.state} -> {state}")
        self.record.state = state

    def _end(self, state: TransactionState) -> None:
        if self._begun:
            self._to(state)
        else:
            self.record.state = state
        self.record.ended = time.time()
        if self._begun:
            self._journal.finish(self.record)
        self._journal.unlock_all(self.id)


def _tell_nobody(_name: EventName, _fields: dict[str, object]) -> None:
    pass


def _check_json(procedure: str, change: Change) -> None:
    try:
        _JSON.encode(change.data)
    except (TypeError, ValueError) as error:
        raise TypeError(f"Change.data of '{procedure}' must be JSON: {error}") from error


def _reason(error: Exception) -> str:
    """What may be shown: an unexpected exception's text could hold a secret, so it goes to the log only."""
    return str(error) if isinstance(error, MpfError) else f"{type(error).__name__}; the engine's log has the details"
