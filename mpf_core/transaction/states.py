"""The states of transactions and steps, and the legal transitions between them: as data."""

from __future__ import annotations

from enum import Enum


class TransactionState(Enum):
    """Where a transaction is. The last three are ends."""

    RUNNING = "running"
    COMMITTING = "committing"
    ROLLING_BACK = "rolling-back"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled-back"
    INCONSISTENT = "inconsistent"


class StepState(Enum):
    """Where one write call is.

    A step is *started* when its intent is recorded. Every started step of a transaction that does not commit ends in
    exactly one of UNDONE, NOTHING_TO_UNDO, UNDO_FAILED and IRREVERSIBLE.
    """

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    COMMITTED = "committed"
    IN_DOUBT = "in-doubt"
    UNDONE = "undone"
    NOTHING_TO_UNDO = "nothing-to-undo"
    UNDO_FAILED = "undo-failed"
    IRREVERSIBLE = "irreversible"


_UNDO_OUTCOMES = frozenset({StepState.UNDONE, StepState.NOTHING_TO_UNDO, StepState.UNDO_FAILED, StepState.IRREVERSIBLE})

STEP_TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.STARTED: frozenset({StepState.DONE, StepState.FAILED}) | _UNDO_OUTCOMES,
    StepState.DONE: frozenset({StepState.COMMITTED, StepState.IN_DOUBT}) | _UNDO_OUTCOMES,
    StepState.FAILED: _UNDO_OUTCOMES,
    StepState.UNDO_FAILED: frozenset({StepState.UNDONE, StepState.NOTHING_TO_UNDO}),
    StepState.IN_DOUBT: frozenset({StepState.COMMITTED}),
    StepState.COMMITTED: frozenset(),
    StepState.UNDONE: frozenset(),
    StepState.NOTHING_TO_UNDO: frozenset(),
    StepState.IRREVERSIBLE: frozenset(),
}

TRANSACTION_TRANSITIONS: dict[TransactionState, frozenset[TransactionState]] = {
    TransactionState.RUNNING: frozenset({TransactionState.COMMITTING, TransactionState.ROLLING_BACK}),
    TransactionState.COMMITTING: frozenset({TransactionState.COMMITTED, TransactionState.INCONSISTENT}),
    TransactionState.ROLLING_BACK: frozenset({TransactionState.ROLLED_BACK, TransactionState.INCONSISTENT}),
    TransactionState.COMMITTED: frozenset(),
    TransactionState.ROLLED_BACK: frozenset(),
    TransactionState.INCONSISTENT: frozenset(),
}

#: States of a step that a rollback still has to deal with.
OPEN_STATES = frozenset({StepState.STARTED, StepState.DONE, StepState.FAILED})
