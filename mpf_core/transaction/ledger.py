"""The records of one transaction while it is worked on: every change of state is legal, and none is forgotten."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mpf_core.provider import Json
from mpf_core.store.port import AuditEntry, Journal, StepRecord, TransactionRecord
from mpf_core.transaction.states import STEP_TRANSITIONS, TRANSACTION_TRANSITIONS, StepState, TransactionState


class Ledger:
    """The records, and which of them are newer than the journal. A change is durable after the next `save`."""

    def __init__(self, record: TransactionRecord, journal: Journal, steps: Sequence[StepRecord] = ()) -> None:
        self.record = record
        self.steps = list(steps)
        self._journal = journal
        self._changed: dict[int, StepRecord] = {}

    def add(self, step: StepRecord) -> None:
        """A step that is about to start."""
        self.steps.append(step)
        self._changed[step.order] = step

    def move(self, step: StepRecord, state: StepState, detail: str = "") -> None:
        """Bring a step to ``state``."""
        if state not in STEP_TRANSITIONS[step.state]:
            raise AssertionError(f"illegal step transition {step.state} -> {state}")
        step.state = state
        step.detail = detail
        step.ended = time.time()
        self._changed[step.order] = step

    def touch(self, step: StepRecord) -> None:
        """A step has new evidence."""
        self._changed[step.order] = step

    def to(self, state: TransactionState) -> None:
        """Bring the transaction to ``state``."""
        if state not in TRANSACTION_TRANSITIONS[self.record.state]:
            raise AssertionError(f"illegal transaction transition {self.record.state} -> {state}")
        self.record.state = state

    def save(
        self, *, sync: bool = True, audit: Sequence[AuditEntry] = (), messages: Sequence[tuple[str, Json]] = ()
    ) -> None:
        """Write all that is new. Raises StoreUnavailable (then it is still to be written) and Fenced."""
        self._journal.write(self.record, tuple(self._changed.values()), audit=audit, messages=messages, sync=sync)
        self._changed.clear()
