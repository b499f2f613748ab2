"""What the engine asks of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mpf_core.provider import Json
from mpf_core.transaction.states import StepState, TransactionState


@dataclass(slots=True)
class TransactionRecord:
    """One request in the journal. ``started`` and ``ended`` are seconds since the epoch."""

    id: str
    caller: str
    procedure: str
    started: float
    state: TransactionState = TransactionState.RUNNING
    ended: float | None = None


@dataclass(slots=True)
class StepRecord:
    """One write call in the journal: enough to undo it without the namespace's XML.

    ``order`` counts the write calls of the transaction from 1; ``sequence`` is the number of the call among all calls
    (executeSeqNo); ``change`` is the `Change.data`; ``detail`` says why an undo failed.
    """

    transaction_id: str
    order: int
    sequence: int
    namespace: str
    procedure: str
    provider_source: str
    step: str
    change: Json
    format: int
    state: StepState = StepState.STARTED
    evidence: dict[str, Json] = field(default_factory=dict)
    saved_data: bytes | None = None
    detail: str = ""


class Journal(Protocol):
    """Durable memory of transactions. A method that returns has made its record as durable as the store is."""

    def begin(self, transaction: TransactionRecord) -> None:
        """Record that a transaction has begun."""
        ...

    def intend(self, step: StepRecord) -> None:
        """Record a step's intent, before its effect."""
        ...

    def update(self, step: StepRecord) -> None:
        """Record the state, evidence and detail that ``step`` has now."""
        ...

    def finish(self, transaction: TransactionRecord) -> None:
        """Record the state that ``transaction`` has now, and its end."""
        ...

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """The record of that id, or ``None``."""
        ...

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """The steps of a transaction in order."""
        ...

    def lock(self, key: str, transaction_id: str) -> bool:
        """Take ``key`` for a transaction; False if another one holds it. Taking it twice is no error."""
        ...

    def unlock_all(self, transaction_id: str) -> None:
        """Release every key of a transaction that has ended."""
        ...
