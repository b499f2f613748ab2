"""The states of transactions and steps, and the legal transitions between them: as data.

The diagrams in docs/design/transactions.md are drawn from these tables (scripts/write_state_diagrams.py).
"""

from __future__ import annotations

from enum import Enum


class TransactionState(Enum):
    """Where a transaction is.

    RUNNING, COMMITTING and ROLLING_BACK need their engine, or recovery. INCONSISTENT (an undo failed) and IN_DOUBT (a commit
    failed) need an operator: `retry` or `resolve`. The others are final.
    """

    RUNNING = "running"
    COMMITTING = "committing"
    ROLLING_BACK = "rolling-back"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled-back"
    INCONSISTENT = "inconsistent"
    IN_DOUBT = "in-doubt"
    RESOLVED = "resolved"


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


#: How a started step of a transaction that does not commit ends.
UNDO_OUTCOMES = frozenset({StepState.UNDONE, StepState.NOTHING_TO_UNDO, StepState.UNDO_FAILED, StepState.IRREVERSIBLE})

STEP_TRANSITIONS: dict[StepState, frozenset[StepState]] = {
    StepState.STARTED: frozenset({StepState.DONE, StepState.FAILED}) | UNDO_OUTCOMES,
    StepState.DONE: frozenset({StepState.COMMITTED, StepState.IN_DOUBT}) | UNDO_OUTCOMES,
    StepState.FAILED: UNDO_OUTCOMES,
    StepState.UNDO_FAILED: frozenset({StepState.UNDONE, StepState.NOTHING_TO_UNDO, StepState.UNDO_FAILED}),
    StepState.IN_DOUBT: frozenset({StepState.COMMITTED, StepState.IN_DOUBT}),
    StepState.COMMITTED: frozenset(),
    StepState.UNDONE: frozenset(),
    StepState.NOTHING_TO_UNDO: frozenset(),
    StepState.IRREVERSIBLE: frozenset(),
}

TRANSACTION_TRANSITIONS: dict[TransactionState, frozenset[TransactionState]] = {
    TransactionState.RUNNING: frozenset(
        {TransactionState.COMMITTING, TransactionState.ROLLING_BACK, TransactionState.COMMITTED}
    ),
    TransactionState.COMMITTING: frozenset({TransactionState.COMMITTED, TransactionState.IN_DOUBT}),
    TransactionState.ROLLING_BACK: frozenset({TransactionState.ROLLED_BACK, TransactionState.INCONSISTENT}),
    TransactionState.INCONSISTENT: frozenset({TransactionState.ROLLING_BACK, TransactionState.RESOLVED}),
    TransactionState.IN_DOUBT: frozenset({TransactionState.COMMITTING, TransactionState.RESOLVED}),
    TransactionState.COMMITTED: frozenset(),
    TransactionState.ROLLED_BACK: frozenset(),
    TransactionState.RESOLVED: frozenset(),
}


def _before(state: TransactionState) -> frozenset[TransactionState]:
    found, new = frozenset[TransactionState](), frozenset({state})
    while new:
        found |= new
        new = frozenset(one for one, following in TRANSACTION_TRANSITIONS.items() if following & new) - found
    return found


#: From which states a transaction can have come to one, itself included. A store takes no other change: those between may
#: not have been recorded.
REACHED_FROM: dict[TransactionState, frozenset[TransactionState]] = {state: _before(state) for state in TransactionState}

#: States of a transaction that its engine, or recovery, brings to an end.
OPEN_TRANSACTIONS = frozenset({TransactionState.RUNNING, TransactionState.COMMITTING, TransactionState.ROLLING_BACK})
#: States of a transaction that needs a person; it keeps its locks.
UNSETTLED = frozenset({TransactionState.INCONSISTENT, TransactionState.IN_DOUBT})
#: States that never change again.
FINAL_STATES = frozenset(state for state, following in TRANSACTION_TRANSITIONS.items() if not following)

#: States of a step that a rollback still has to deal with.
OPEN_STATES = frozenset({StepState.STARTED, StepState.DONE, StepState.FAILED})
#: States of a step that a retry deals with again.
FAILED_STATES = frozenset({StepState.UNDO_FAILED, StepState.IN_DOUBT})
