"""The diagrams in the docs are drawn from the tables of states."""

from __future__ import annotations

import pytest

from mpf_core.store.memory import MemoryJournal
from mpf_core.store.port import StepRecord, TransactionRecord
from mpf_core.transaction.ledger import Ledger
from mpf_core.transaction.states import STEP_TRANSITIONS, TRANSACTION_TRANSITIONS, StepState, TransactionState
from scripts import write_state_diagrams


def test_the_page_is_up_to_date() -> None:
    text = write_state_diagrams.PAGE.read_text(encoding="utf-8")
    assert text == write_state_diagrams.page(text)


@pytest.mark.parametrize("before", list(TransactionState))
@pytest.mark.parametrize("after", list(TransactionState))
def test_only_legal_transitions_of_a_transaction_are_possible(before: TransactionState, after: TransactionState) -> None:
    record = TransactionRecord("t", "c", "p", 0.0, before)
    ledger = Ledger(record, MemoryJournal())
    if after in TRANSACTION_TRANSITIONS[before]:
        ledger.to(after)
        assert record.state is after
    else:
        with pytest.raises(AssertionError, match="illegal"):
            ledger.to(after)
        assert record.state is before


@pytest.mark.parametrize("before", list(StepState))
@pytest.mark.parametrize("after", list(StepState))
def test_only_legal_transitions_of_a_step_are_possible(before: StepState, after: StepState) -> None:
    step = StepRecord("t", 1, 1, "n", "p", "s", "x", {}, 1, state=before)
    ledger = Ledger(TransactionRecord("t", "c", "p", 0.0), MemoryJournal(), [step])
    if after in STEP_TRANSITIONS[before]:
        ledger.move(step, after)
        assert step.state is after
    else:
        with pytest.raises(AssertionError, match="illegal"):
            ledger.move(step, after)
        assert step.state is before
