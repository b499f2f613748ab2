"""The store in memory: as durable as the process. For tests, trials and read-only work."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from mpf_core.store.port import StepRecord, TransactionRecord


class MemoryJournal:
    """Keeps the latest ``keep`` finished transactions, so that a long-running engine does not grow."""

    def __init__(self, keep: int = 1000) -> None:
        self._keep = keep
        self._mutex = threading.Lock()
        self._running: dict[str, TransactionRecord] = {}
        self._finished: OrderedDict[str, TransactionRecord] = OrderedDict()
        self._steps: dict[str, list[StepRecord]] = {}
        self._locks: dict[str, str] = {}

    def begin(self, transaction: TransactionRecord) -> None:
        """See `Journal.begin`."""
        with self._mutex:
            self._running[transaction.id] = transaction

    def intend(self, step: StepRecord) -> None:
        """See `Journal.intend`."""
        with self._mutex:
            self._steps.setdefault(step.transaction_id, []).append(step)

    def update(self, step: StepRecord) -> None:
        """See `Journal.update`. The record is shared, so there is nothing left to do."""

    def finish(self, transaction: TransactionRecord) -> None:
        """See `Journal.finish`."""
        with self._mutex:
            self._running.pop(transaction.id, None)
            self._finished[transaction.id] = transaction
            while len(self._finished) > self._keep:
                oldest, _ = self._finished.popitem(last=False)
                self._steps.pop(oldest, None)

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """See `Journal.transaction`."""
        with self._mutex:
            return self._running.get(transaction_id) or self._finished.get(transaction_id)

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """See `Journal.steps`."""
        with self._mutex:
            return tuple(self._steps.get(transaction_id, ()))

    def lock(self, key: str, transaction_id: str) -> bool:
        """See `Journal.lock`."""
        with self._mutex:
            return self._locks.setdefault(key, transaction_id) == transaction_id

    def unlock_all(self, transaction_id: str) -> None:
        """See `Journal.unlock_all`."""
        with self._mutex:
            for key in [key for key, holder in self._locks.items() if holder == transaction_id]:
                del self._locks[key]
