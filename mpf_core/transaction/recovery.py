"""Bringing the transactions of engines that are gone to their end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
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
    StepState,
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
    observers of a transaction, and ``running`` the ids of the requests that this engine is at: whatever else it owns in the
    store has lost whoever worked on it. One transaction at a time is worked on.
    """

    def __init__(
        self,
        store: Store,
        means: Callable[[], Means],
        engine: Callable[[], str],
        teller: Callable[[str], Tell],
        running: Callable[[], Collection[str]],
    ) -> None:
        self._store = store
        self._means = means
        self._engine = engine
        self._teller = teller
        self._running = running
        self._one = threading.Lock()

    def run(self, stop: threading.Event | None = None, *, gone: Collection[str] = (), by: str = "") -> Iterator[Recovered]:
        """Recover everything that nobody works on, one transaction at a time, until ``stop`` is set.

        ``gone`` are engines of which ``by`` says that no call of theirs is under way any more; none that holds its lock is
        believed to be one.

        Raises StoreUnavailable; what was recovered until then stays recovered, and the rest is found again the next time.
        """
        self._adopt(gone, by)
        left = self._left()
        # Their rows are older ones that somebody has put back; the seals of these are right.
        put_back = self._store.audit.contradicted() if left else frozenset[str]()
        for transaction_id in left:
            if stop is not None and stop.is_set():
                return
            try:
                with self._one:
                    recovered = self._finish(transaction_id, put_back)
            except Fenced:  # somebody else adopted it, which is as good
                continue
            except StoreUnavailable:
                raise
            except Exception:
                # One that cannot be finished (its master key is not given, say) does not stand in the way of the others.
                logger(transaction=transaction_id).error("recovery.failed", exc_info=True)
                continue
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
            record.verified &= transaction_id not in self._store.audit.contradicted()
            try:
                return self._close(record, "retry", {"by": by})
            except Fenced:  # settled, or retried by somebody else, meanwhile
                return None

    def _left(self) -> list[str]:
        """The open transactions of this engine that no request of it is at, those of before first."""
        mine = self._store.journal.find(Query(states=OPEN_TRANSACTIONS, engine=self._engine()))
        running = self._running()  # asked for afterwards: one that ends meanwhile is not open any more when it is looked at
        return [record.id for record in reversed(mine) if record.id not in running]

    def _adopt(self, gone: Collection[str], by: str) -> None:
        """Take over the open transactions of all engines that are gone."""
        journal, engines = self._store.journal, self._store.engines
        me = self._engine()
        for other in engines.others(me):
            with engines.claim(other) as claim:
                if claim is None:
                    continue
                certain = claim.certain
                if not certain and other in gone:
                    line = AuditEntry("engine.gone", time.time(), caller=by, details={"engine": other})
                    self._store.audit.append([line])
                    certain = True
                for record in journal.find(Query(states=OPEN_TRANSACTIONS, engine=other)):
                    if certain or not self._may_be_running(record):
                        journal.adopt(record.id, other, me)
                engines.forget(other)

    def _may_be_running(self, record: TransactionRecord) -> bool:
        now = time.time()
        return any(
            step.state in OPEN_STATES and (step.running_until is None or step.running_until > now)
            for step in self._store.journal.steps(record.id)
        )

    def _finish(self, transaction_id: str, put_back: Collection[str]) -> Recovered | None:
        record = self._store.journal.transaction(transaction_id)
        if record is None or record.state not in OPEN_TRANSACTIONS or record.engine != self._engine():
            return None
        record.verified &= transaction_id not in put_back
        return self._close(record, "recovery", {})

    def _close(self, record: TransactionRecord, event: str, details: dict[str, Json]) -> Recovered:
        steps = list(self._store.journal.steps(record.id))
        forward = record.state in {TransactionState.COMMITTING, TransactionState.IN_DOUBT}
        _doubt(record, steps, forward=forward)
        ledger = Ledger(record, self._store.journal, steps)
        means = self._means()
        closing = Closing(ledger, means, self._teller(record.id))
        before = record.state
        begun = TransactionState.COMMITTING if forward else TransactionState.ROLLING_BACK
        if record.state is not begun:
            ledger.to(begun)
        ledger.save(sync=False)  # before anything is done: it is ours, and nobody settles it or retries it meanwhile
        try:
            ledger.to(closing.commit_all() if forward else closing.undo_all())
        except BaseException:
            if before in UNSETTLED:  # a retry that is interrupted leaves it as it was: to be retried
                ledger.to(before)
                ledger.save(sync=False)
            raise
        end = record.state
        record.ended = time.time()
        line = AuditEntry(
            event,
            record.ended,
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            means.name,
            record.procedure,
            {**details, "state": end.value, **counted(steps)},
        )
        ledger.save(audit=[line], messages=notice(record))
        logger(transaction=record.id).warning(f"{event}.end", state=end.value, steps=len(steps))
        return Recovered(record.id, record.procedure, end, outcomes(steps))


def _doubt(record: TransactionRecord, steps: list[StepRecord], *, forward: bool) -> None:
    """What cannot be as the engine wrote it does not verify: then it is shown, and nobody believes that it is over."""
    known = {step.order: step for step in steps}
    for order in range(1, max(known, default=0)):
        if order not in known:
            missing = StepRecord(record.id, order, 0, "", "", "", "(the record is missing)", None, 1, verified=False)
            steps.insert(order - 1, missing)
    for step in steps:
        if step.state is StepState.COMMITTED and not forward:
            step.state, step.verified = StepState.STARTED, False
        step.verified &= record.verified


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
