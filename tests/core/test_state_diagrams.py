"""The tables of states: the diagrams in the docs are drawn from them, and what is said of states agrees with them."""

from __future__ import annotations

import pytest

from mpf_core.store.memory import MemoryJournal
from mpf_core.store.port import StepRecord, TransactionRecord
from mpf_core.transaction.ledger import Ledger
from mpf_core.transaction.states import (
    FAILED_STATES,
    FINAL_STATES,
    OPEN_STATES,
    OPEN_TRANSACTIONS,
    REACHED_FROM,
    STEP_TRANSITIONS,
    TRANSACTION_TRANSITIONS,
    UNDO_OUTCOMES,
    UNSETTLED,
    StepState,
    TransactionState,
)
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


def test_names_of_states_are_in_the_stores_of_every_installation() -> None:
    assert [state.value for state in TransactionState] == [
        "running",
        "committing",
        "rolling-back",
        "committed",
        "rolled-back",
        "inconsistent",
        "in-doubt",
        "resolved",
    ]
    assert [state.value for state in StepState] == [
        "started",
        "done",
        "failed",
        "committed",
        "in-doubt",
        "undone",
        "nothing-to-undo",
        "undo-failed",
        "irreversible",
    ]


def test_every_transaction_is_for_an_engine_for_a_person_or_for_nobody() -> None:
    assert sorted([*OPEN_TRANSACTIONS, *UNSETTLED, *FINAL_STATES], key=list(TransactionState).index) == list(
        TransactionState
    )
    assert {state for state in TransactionState if TransactionState.RESOLVED in TRANSACTION_TRANSITIONS[state]} == UNSETTLED


def test_what_is_open_may_end_in_each_way_and_what_failed_may_fail_again() -> None:
    assert {state for state in StepState if STEP_TRANSITIONS[state] >= UNDO_OUTCOMES} == OPEN_STATES
    assert {state for state in StepState if state in STEP_TRANSITIONS[state]} == FAILED_STATES


@pytest.mark.parametrize("before", list(TransactionState))
def test_what_a_transaction_has_been_is_what_leads_to_where_it_is(before: TransactionState) -> None:
    def after(state: TransactionState, seen: frozenset[TransactionState] = frozenset()) -> set[TransactionState]:
        following = TRANSACTION_TRANSITIONS[state] - seen
        return {state}.union(*(after(one, seen | {state}) for one in following))

    assert {state for state in TransactionState if before in REACHED_FROM[state]} == after(before)
