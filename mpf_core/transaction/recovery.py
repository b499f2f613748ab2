"""Bringing the transactions of engines that are gone to their end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mpf_core.log import logger
from mpf_core.provider import Json
from mpf_core.store.port import AuditEntry, Fenced, Query, StepRecord, Store, StoreUnavailable, TransactionRecord
from mpf_core.transaction.closing import Closing, Means, Tell
from mpf_core.transaction.ledger import Ledger
from mpf_core.transaction.states import (
    OPEN_STATES,
    OPEN_TRANSACTIONS,
    UNSETTLED,
    TransactionState,
)
from mpf_core.transaction.transaction import StepOutcome, outcomes

#: Topic of the outbox under which operators are told of a transaction that waits for them.
UNSETTLED_TOPIC = "transaction.unsettled"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A transaction that was brought to its end, or as far as it goes."""

    transaction_id: str
    procedure: str
    state: TransactionState
    steps: tuple[StepOutcome, ...]


class Recovery:
    """Recovers for one engine.

    ``means`` gives what closing needs, ``engine`` this engine's id in the store, ``teller`` the function that tells
    observers of a transaction. One recovery runs at a time.
    """

    def __init__(
        self, store: Store, means: Callable[[], Means], engine: Callable[[], str], teller: Callable[[str], Tell]
    ) -> None:
        self._store = store
        self._means = means
        self._engine = engine
        self._teller = teller
        self._one = threading.Lock()
        self._abandoned: set[str] = set()

    def abandon(self, transaction_id: str) -> None:
        """Leave a transaction of this engine, the end of which could not be recorded, to the next recovery."""
        self._abandoned.add(transaction_id)

    def run(self, stop: threading.Event | None = None) -> Iterator[Recovered]:
        """Recover everything that nobody works on, one transaction at a time, until ``stop`` is set.

        Raises StoreUnavailable; what was recovered until then stays recovered.
        """
        with self._one:
            waiting = [*self._abandoned, *self._adopt()]
            for transaction_id in waiting:
                if stop is not None and stop.is_set():
                    self._abandoned.update(waiting[waiting.index(transaction_id) :])
                    return
                self._abandoned.discard(transaction_id)
                try:
                    recovered = self._finish(transaction_id)
                except Fenced:  # somebody else adopted it, which is as good
                    continue
                except Exception as error:
                    self._abandoned.add(transaction_id)
                    if isinstance(error, StoreUnavailable):
                        self._abandoned.update(waiting[waiting.index(transaction_id) :])
                        raise
                    # One that cannot be finished (its master key is not given, say) does not stand in the way of the others.
                    logger(transaction=transaction_id).error("recovery.failed", exc_info=True)
                    continue
                except BaseException:
                    self._abandoned.update(waiting[waiting.index(transaction_id) :])
                    raise
                if recovered is not None:
                    yield recovered

    def retry(self, transaction_id: str, by: str) -> Recovered | None:
        """Run the failed undos or commits of an unsettled transaction again; ``None`` when it is not (any more) one."""
        journal = self._store.journal
        with self._one:
            record = journal.transaction(transaction_id)
            if record is None or record.state not in UNSETTLED:
                return None
            me = self._engine()
            if record.engine != me and not journal.adopt(record.id, record.engine, me):
                return None
            record.engine = me
            return self._close(record, "retry", {"by": by})

    def _adopt(self) -> list[str]:
        """Take over the open transactions of all engines that are gone."""
        journal, engines = self._store.journal, self._store.engines
        me = self._engine()
        adopted: list[str] = []
        for other in engines.others(me):
            with engines.claim(other) as claim:
                if claim is None:
                    continue
                left = False
                for record in journal.find(Query(states=OPEN_TRANSACTIONS, engine=other)):
                    if not claim.certain and self._may_be_running(record):
                        left = True
                    elif journal.adopt(record.id, other, me):
                        adopted.append(record.id)
                if not left:
                    engines.forget(other)
        return adopted

    def _may_be_running(self, record: TransactionRecord) -> bool:
        now = time.time()
        return any(
            step.state in OPEN_STATES and (step.running_until is None or step.running_until > now)
            for step in self._store.journal.steps(record.id)
        )

    def _finish(self, transaction_id: str) -> Recovered | None:
        record = self._store.journal.transaction(transaction_id)
        if record is None or record.state not in OPEN_TRANSACTIONS:
            return None
        record.engine = self._engine()
        return self._close(record, "recovery", {})

    def _close(self, record: TransactionRecord, event: str, details: dict[str, Json]) -> Recovered:
        steps = list(self._store.journal.steps(record.id))
        if not record.verified:
            for step in steps:
                step.verified = False
        ledger = Ledger(record, self._store.journal, steps)
        means = self._means()
        closing = Closing(ledger, means, self._teller(record.id))
        if record.state in {TransactionState.COMMITTING, TransactionState.IN_DOUBT}:
            if record.state is TransactionState.IN_DOUBT:
                ledger.to(TransactionState.COMMITTING)
            end = closing.commit_all()
        else:
            if record.state is not TransactionState.ROLLING_BACK:
                ledger.to(TransactionState.ROLLING_BACK)
            end = closing.undo_all()
        ledger.to(end)
        record.ended = time.time()
        line = AuditEntry(
            event,
            record.ended,
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            means.account().name,
            record.procedure,
            {**details, "state": end.value, **counted(steps)},
        )
        ledger.save(audit=[line], messages=notice(record))
        logger(transaction=record.id).warning(f"{event}.end", state=end.value, steps=len(steps))
        return Recovered(record.id, record.procedure, end, outcomes(steps))


def counted(steps: Sequence[StepRecord] | Sequence[StepOutcome]) -> dict[str, Json]:
    """How many steps ended in which state, for the audit."""
    return {state.value: number for state, number in Counter(step.state for step in steps).items()}


def notice(record: TransactionRecord) -> list[tuple[str, Json]]:
    """What is put into the outbox with the end of a transaction."""
    if record.state not in UNSETTLED:
        return []
    body: dict[str, Json] = {
        "transaction": record.id,
        "state": record.state.value,
        "procedure": record.procedure,
        "caller": record.caller,
    }
    return [(UNSETTLED_TOPIC, body)]
