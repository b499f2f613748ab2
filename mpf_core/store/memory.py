"""The journal in memory: as durable as the process. For tests, trials and read-only work."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from mpf_core import points
from mpf_core.provider import Json
from mpf_core.store.port import AuditEntry, Fenced, IdTaken, KeyReused, Query, StepRecord, TransactionRecord
from mpf_core.transaction.states import FINAL_STATES, REACHED_FROM, TransactionState


class MemoryJournal:
    """Implements `mpf_core.store.port.Journal`; records are kept as they are, so the caller's changes are seen at once.

    ``append`` takes audit entries, ``put`` messages for the outbox. The latest ``keep`` finished transactions are kept, so
    that a long-running engine does not grow.
    """

    def __init__(
        self,
        append: Callable[[Sequence[AuditEntry]], None] = lambda _entries: None,
        put: Callable[[str, Json], None] = lambda _topic, _body: None,
        keep: int = 1000,
    ) -> None:
        self._append = append
        self._put = put
        self._keep = keep
        self._mutex = threading.RLock()
        self._transactions: dict[str, TransactionRecord] = {}
        self._owners: dict[str, str] = {}
        self._states: dict[str, TransactionState] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._steps: defaultdict[str, dict[int, StepRecord]] = defaultdict(dict)
        self._keys: dict[tuple[str, str], str] = {}
        self._locks: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self._held: defaultdict[str, set[str]] = defaultdict(set)

    def write(
        self,
        transaction: TransactionRecord,
        steps: Sequence[StepRecord] = (),
        *,
        audit: Sequence[AuditEntry] = (),
        messages: Sequence[tuple[str, Json]] = (),
        sync: bool = True,
    ) -> None:
        """See `Journal.write`."""
        if sync:
            points.reach("journal.write.before")
        with self._mutex:
            self._record(transaction)
            for step in steps:
                self._steps[transaction.id][step.order] = step
        for topic, body in messages:
            self._put(topic, body)
        if audit:
            self._append(audit)
        with self._mutex:  # after the audit, which says to whoever takes one of its locks that something may have changed
            if transaction.state in FINAL_STATES:
                self._finish(transaction.id)
        if sync:
            points.reach("journal.write.after")

    def claim(self, transaction: TransactionRecord) -> TransactionRecord | None:
        """See `Journal.claim`."""
        key = transaction.key
        assert key is not None
        with self._mutex:
            earlier = self._transactions.get(self._keys.get((key.scope, key.key), ""))
            if earlier is not None and earlier.key is not None:
                if earlier.key.digest != key.digest:
                    raise KeyReused
                if earlier.state is not TransactionState.ROLLED_BACK:
                    return earlier
            self._record(transaction)
            self._keys[key.scope, key.key] = transaction.id
        return None

    def _record(self, transaction: TransactionRecord) -> None:
        known = self._transactions.get(transaction.id)
        if known is not None and not transaction.stored:
            raise IdTaken(transaction.id)
        owner = self._owners.setdefault(transaction.id, transaction.engine)
        was = self._states.get(transaction.id, transaction.state)
        if owner != transaction.engine or was not in REACHED_FROM[transaction.state]:
            raise Fenced(transaction.id)
        self._transactions[transaction.id] = transaction
        self._states[transaction.id] = transaction.state
        transaction.stored = True

    def lock(self, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        """See `Journal.lock`."""
        with self._mutex:
            if self._owners.get(transaction.id) != transaction.engine or transaction.state in FINAL_STATES:
                raise Fenced(transaction.id)
            holders = self._locks[key]
            for holder, with_others in holders.items():
                if holder != transaction.id and not (shared and with_others):
                    return holder
            holders[transaction.id] = shared and holders.get(transaction.id, True)
            self._held[transaction.id].add(key)
        points.reach("journal.lock.after")
        return None

    def release(self, transaction_id: str) -> None:
        """See `Journal.release`."""
        with self._mutex:
            for key in self._held.pop(transaction_id, ()):
                self._locks[key].pop(transaction_id, None)
                if not self._locks[key]:
                    del self._locks[key]

    def locks(self, transaction_id: str) -> Sequence[str]:
        """See `Journal.locks`."""
        with self._mutex:
            return sorted(self._held.get(transaction_id, ()))

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """See `Journal.transaction`."""
        with self._mutex:
            return self._transactions.get(transaction_id)

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """See `Journal.steps`."""
        with self._mutex:
            found = self._steps.get(transaction_id, {})
            return tuple(found[order] for order in sorted(found))

    def find(self, query: Query) -> Sequence[TransactionRecord]:
        """See `Journal.find`."""
        with self._mutex:
            found = [record for record in self._transactions.values() if _wanted(record, query)]
        found.sort(key=lambda record: (-record.started, record.id))
        return found[: query.limit]

    def adopt(self, transaction_id: str, old: str, new: str) -> bool:
        """See `Journal.adopt`."""
        with self._mutex:
            if self._owners.get(transaction_id) != old:
                return False
            self._owners[transaction_id] = new
            # A copy: who still works with the old record is fenced.
            self._transactions[transaction_id] = replace(self._transactions[transaction_id], engine=new)
            return True

    def prune(self, before: float) -> int:
        """See `Journal.prune`."""
        with self._mutex:
            old = [
                record.id
                for record in self._transactions.values()
                if record.state in FINAL_STATES and record.ended is not None and record.ended < before
            ]
            for found in old:
                self._forget(found)
        return len(old)

    def _finish(self, transaction_id: str) -> None:
        self.release(transaction_id)
        for step in self._steps.get(transaction_id, {}).values():
            if step.confidential:
                step.change, step.saved_data, step.secrets, step.evidence, step.detail = None, None, (), {}, ""
        self._finished[transaction_id] = None
        while len(self._finished) > self._keep:
            self._forget(next(iter(self._finished)))

    def _forget(self, transaction_id: str) -> None:
        self._finished.pop(transaction_id, None)
        self._steps.pop(transaction_id, None)
        self._owners.pop(transaction_id, None)
        self._states.pop(transaction_id, None)
        record = self._transactions.pop(transaction_id, None)
        if record is not None and record.key is not None:
            place = (record.key.scope, record.key.key)
            if self._keys.get(place) == transaction_id:
                del self._keys[place]


def _wanted(record: TransactionRecord, query: Query) -> bool:
    return (
        (not query.states or record.state in query.states)
        and query.caller.lower() in record.caller.lower()
        and query.procedure.lower() in record.procedure.lower()
        and (query.since is None or record.started >= query.since)
        and (query.until is None or record.started <= query.until)
        and query.engine in {"", record.engine}
    )
