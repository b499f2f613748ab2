"""The guards of transactions, each with what switches it off in a process: the checks must notice (test_guards.py).

Those that a test of one process shows are in `tests.transactions.guards`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import bindparam, select, update

import mpf_directory.changes
from mpf_core.store import journal, rows, statements
from mpf_core.store.engines import Claimed, FileLiveness, Registration
from mpf_core.store.port import Claim, StepRecord, TransactionRecord
from mpf_core.store.tables import transactions
from mpf_core.transaction.closing import Closing
from mpf_core.transaction.states import OPEN_STATES, StepState, TransactionState
from mpf_core.transaction.transaction import Transaction
from mpf_directory.operations import Add, Modify, Operation, Rename
from mpf_directory.port import Directory, Modification, ModifyOp


def no_intent() -> None:
    """A step is recorded with the end of its transaction, and not before its effect."""

    def intend(self: Transaction, step: StepRecord) -> None:
        self._ledger.add(step)
        if not self._begun:
            self._begin()

    Transaction._intend = intend  # type: ignore[method-assign]


def forward_order() -> None:
    """Steps are undone in the order in which they were done."""

    def undo_all(self: Closing) -> TransactionState:
        for step in self._ledger.steps:
            if step.state in OPEN_STATES:
                self._undo(step)
        failed = any(step.state is StepState.UNDO_FAILED for step in self._ledger.steps)
        return TransactionState.INCONSISTENT if failed else TransactionState.ROLLED_BACK

    Closing.undo_all = undo_all  # type: ignore[method-assign]


def claims_anybody() -> None:
    """Every engine is taken for one that is gone."""

    @contextmanager
    def claim(self: FileLiveness, engine: Registration) -> Iterator[Claim | None]:
        yield Claimed(certain=True)

    FileLiveness.claim = claim  # type: ignore[method-assign]


def no_fence() -> None:
    """An engine goes on with a transaction that another has adopted."""
    own = transactions.c.id == bindparam("the_id")
    statements.FENCE_SAME = statements.FENCE_OPEN = select(transactions.c.id).where(own)
    change = update(transactions).where(own).values({name: bindparam(name) for name in statements.CHANGING})
    statements.CHANGE = dict.fromkeys(TransactionState, change)


def unfenced_rollback() -> None:
    """A rollback begins without a look at whose the transaction is."""

    def make_sure(self: Transaction) -> None:
        pass

    Transaction._make_sure = make_sure  # type: ignore[method-assign]


def unbound_records() -> None:
    """What a record is encrypted with does not say where it belongs."""
    rows.bound_part = journal.bound_part = lambda step, part: b""


def no_locks() -> None:
    """Nobody minds whose a key is."""

    def lock(self: journal.SqlJournal, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        return None

    journal.SqlJournal.lock = lock  # type: ignore[method-assign]


def blind_undo() -> None:
    """What was to be done is taken back without a look at whether it was done."""

    def undo(directory: Directory, operation: Operation, guid: UUID | None = None) -> bool:
        match operation:
            case Add():
                directory.delete(operation.dn)
            case Rename():
                directory.rename(operation.new_dn, operation.dn)
            case Modify():
                parts = []
                for attribute, change in operation.changes.items():
                    if change.added:
                        parts.append(Modification(attribute, ModifyOp.DELETE, change.added))
                    if change.removed:
                        parts.append(Modification(attribute, ModifyOp.ADD, change.removed))
                directory.modify(operation.dn, parts)
        return True

    mpf_directory.changes.undo = undo  # type: ignore[attr-defined]


def no_decision() -> None:
    """The commits run before it is durable that they shall."""

    def decide(self: Transaction) -> None:
        pass

    Transaction._decide = decide  # type: ignore[method-assign]


#: Every guard by the name of what switches it off.
GUARDS: dict[str, Callable[[], None]] = {
    guard.__name__: guard
    for guard in (
        no_intent,
        forward_order,
        claims_anybody,
        no_fence,
        unfenced_rollback,
        unbound_records,
        no_locks,
        blind_undo,
        no_decision,
    )
}
