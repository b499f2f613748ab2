"""The operator's view: which transactions there are, what they did, and settling those that wait for a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mpf_core import redaction
from mpf_core.provider import Change, Provider, as_text
from mpf_core.store.port import AuditEntry, Fenced, Query, StepRecord, Store, TransactionRecord
from mpf_core.transaction.recovery import Recovered, Recovery
from mpf_core.transaction.states import (
    OPEN_TRANSACTIONS,
    UNSETTLED,
    StepState,
    TransactionState,
)

_ADVICE: dict[TransactionState, str] = {
    TransactionState.RUNNING: "It is running, or its engine is gone and `mpfctl recover` has not seen it yet.",
    TransactionState.COMMITTING: "It is being committed, or its engine is gone: `mpfctl recover` finishes the commits.",
    TransactionState.ROLLING_BACK: "It is being rolled back, or its engine is gone: `mpfctl recover` goes on with it.",
    TransactionState.INCONSISTENT: "Some steps could not be undone. Remove the cause, then `mpfctl transactions retry "
    "{id}`; or put things right by hand and say so: `mpfctl transactions resolve {id} --because TEXT`.",
    TransactionState.IN_DOUBT: "It is decided and some commits failed. Remove the cause, then `mpfctl transactions "
    "retry {id}`; or finish it by hand and say so: `mpfctl transactions resolve {id} --because TEXT`.",
}


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as an operator sees it: its record, and the exact change as text (LDIF for directory changes)."""

    record: StepRecord
    change: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A transaction as an operator sees it. ``advice`` says what to do about it; empty when there is nothing to do."""

    record: TransactionRecord
    steps: tuple[StepView, ...]
    locks: tuple[str, ...]
    advice: str


class NotSettled(Exception):  # noqa: N818 - what it is not
    """The transaction is not one that can be retried or resolved; the text says why."""


class Transactions:
    """Reads the journal and settles transactions. Errors: KeyError for an unknown id, NotSettled, StoreUnavailable."""

    def __init__(self, store: Store, recovery: Recovery, provider: Callable[[str], Provider]) -> None:
        self._store = store
        self._recovery = recovery
        self._provider = provider

    def find(self, query: Query | None = None) -> Sequence[TransactionRecord]:
        """The transactions that ``query`` asks for (all, without one), latest first."""
        return self._store.journal.find(query or Query())

    def get(self, transaction_id: str) -> TransactionView:
        """Everything about one transaction. Raises KeyError."""
        record = self._record(transaction_id)
        steps = tuple(StepView(step, self._described(step)) for step in self._store.journal.steps(record.id))
        advice = _ADVICE.get(record.state, "").format(id=record.id)
        return TransactionView(record, steps, tuple(self._store.journal.locks(record.id)), advice)

    def retry(self, transaction_id: str, by: str) -> Recovered:
        """Run the failed undos or commits again, as the recovery account, for ``by``. Raises NotSettled, KeyError."""
        record = self._record(transaction_id)
        recovered = self._recovery.retry(record.id, by)
        if recovered is None:
            raise NotSettled(_why_not(self._record(transaction_id)))
        return recovered

    def resolve(self, transaction_id: str, by: str, because: str) -> TransactionRecord:
        """Record that ``by`` has settled the transaction by hand, and why; it lets go of its locks.

        Raises NotSettled, KeyError, and ValueError when ``by`` or ``because`` is empty.
        """
        if not by.strip() or not because.strip():
            raise ValueError("who settled it, and why, must be said")
        record = self._record(transaction_id)
        if record.state not in UNSETTLED:
            raise NotSettled(_why_not(record))
        record.state = TransactionState.RESOLVED
        record.settled_by, record.settled_because = by.strip(), because.strip()
        now = time.time()
        line = AuditEntry(
            "resolve",
            now,
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            "",
            record.procedure,
            {"by": record.settled_by, "because": record.settled_because},
        )
        try:
            self._store.journal.write(record, audit=[line])
        except Fenced:  # somebody else is at it
            raise NotSettled(_why_not(self._record(transaction_id))) from None
        return record

    def _record(self, transaction_id: str) -> TransactionRecord:
        record = self._store.journal.transaction(normal_id(transaction_id))
        if record is None:
            raise KeyError(transaction_id)
        return record

    def _described(self, step: StepRecord) -> str:
        if step.confidential and step.change is None:
            return "(confidential; erased when the transaction ended)"
        if not step.verified:
            return "(changed behind the engine's back; not shown)"
        unknown = step.confidential and not step.secrets  # a provider said so, and nobody knows which part is
        change = Change(step.change, reversible=step.reversible, format=step.format, confidential=unknown)
        try:
            text = self._provider(step.provider_source).describe(change)
        except Exception:  # the provider is not here, or cannot say it
            text = as_text(change)
        with redaction.hiding(step.secrets):
            return redaction.mask(text)


def normal_id(text: str) -> str:
    """A transaction id as the journal has it: an upper-case GUID in braces, whichever way it was typed."""
    return "{" + text.strip().strip("{}").upper() + "}"


def failed_steps(steps: Iterable[StepView]) -> Iterator[StepView]:
    """The steps that need a person."""
    return (step for step in steps if step.record.state in {StepState.UNDO_FAILED, StepState.IN_DOUBT})


def _why_not(record: TransactionRecord) -> str:
    if record.state in OPEN_TRANSACTIONS:
        return f"{record.id} is {record.state.value}: `mpfctl recover` brings it to its end if its engine is gone"
    return f"{record.id} is {record.state.value}: there is nothing to settle"
