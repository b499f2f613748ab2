"""How operators see transactions: as text for people, as data for programs. Both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from mpf_core.cli.console import table
from mpf_core.cli.times import duration, iso, local, zoned
from mpf_core.errors import format_hresult
from mpf_core.printable import printable
from mpf_core.provider import Json
from mpf_core.transaction.recovery import Recovered
from mpf_core.transaction.states import FAILED_STATES, FINAL_STATES, OPEN_TRANSACTIONS, UNSETTLED, TransactionState
from mpf_core.transaction.transaction import StepOutcome
from mpf_core.transactions import StepView, TransactionView

if TYPE_CHECKING:
    from mpf_core.store.inquiry import Presence
    from mpf_core.store.port import TransactionRecord

#: Where the values of labels begin; their further lines too, so that no text can pass for a label.
_INDENT = 15
_CHANGED = "The record was changed behind the engine's back: what it says may be wrong, and it is never executed."


def transaction_json(record: TransactionRecord) -> dict[str, Json]:
    """A transaction's record with the keys that ``--help`` documents."""
    return {
        "id": record.id,
        "state": record.state.value,
        "caller": record.caller,
        "asserted_by": record.asserted_by,
        "trustee": record.trustee,
        "procedure": record.procedure,
        "client_transaction_id": record.client_transaction_id,
        "engine": record.engine,
        "started": iso(record.started),
        "ended": iso(record.ended),
        "duration": _took(record),
        "code": None if record.code is None else format_hresult(record.code),
        "error": record.error,
        "settled_by": record.settled_by,
        "settled_because": record.settled_because,
        "verified": record.verified,
    }


def view_json(view: TransactionView, presence: Presence) -> dict[str, Json]:
    """Everything about a transaction."""
    return {
        **transaction_json(view.record),
        "engine_presence": presence,
        "locks": list(view.locks),
        "steps": [_step_json(step) for step in view.steps],
        "advice": view.advice,
    }


def recovered_json(recovered: Recovered) -> dict[str, Json]:
    """What came of a recovery or a retry."""
    return {
        "id": recovered.transaction_id,
        "procedure": recovered.procedure,
        "state": recovered.state.value,
        "settled": recovered.state in FINAL_STATES,
        "steps": [
            {
                "sequence": step.sequence,
                "namespace": step.namespace,
                "procedure": step.procedure,
                "path": step.step,
                "state": step.state.value,
                "detail": step.detail,
            }
            for step in recovered.steps
        ],
    }


def transaction_table(records: Iterable[TransactionRecord]) -> Table:
    """One row for each transaction."""
    made = table("id", "started", "duration", "state", "caller", "procedure", "code", rows=())
    for record in records:
        made.add_row(
            Text(printable(record.id)),
            Text(local(record.started)),
            Text(duration(_took(record))),
            state_text(record.state),
            Text(printable(record.caller)),
            Text(printable(record.procedure)),
            Text("" if record.code is None else format_hresult(record.code)),
        )
    return made


def state_text(state: TransactionState) -> Text:
    """A state in the colour of how urgent it is."""
    return Text(state.value, "red" if state in UNSETTLED else "yellow" if state in OPEN_TRANSACTIONS else "")


def view_lines(view: TransactionView, presence: Presence) -> Iterator[Text]:
    """Everything about a transaction, line by line."""
    record = view.record
    yield Text.assemble(("Transaction ", "bold"), (printable(record.id), "bold"))
    yield Text.assemble(f"  {'State:':<{_INDENT - 2}}", state_text(record.state))
    took = f", took {duration(_took(record))}" if record.ended is not None else ""
    word = f" (on the word of {record.asserted_by})" if record.asserted_by else ""
    yield from _labelled(
        ("Procedure", record.procedure),
        ("Caller", f"{record.caller}{word}"),
        ("For", record.trustee),
        ("Client's id", record.client_transaction_id),
        ("Engine", record.engine + (f" ({presence})" if record.state in OPEN_TRANSACTIONS else "")),
        ("Started", zoned(record.started)),
        ("Ended", f"{zoned(record.ended)}{took}"),
        ("Failed with", "" if record.code is None else f"{format_hresult(record.code)} {record.error}"),
        ("Settled by", f"{record.settled_by}: {record.settled_because}" if record.settled_by else ""),
        *(("Lock", key) for key in view.locks),
    )
    if not record.verified:
        yield Text(f"  {_CHANGED}", "red")
    for step in view.steps:
        yield Text()
        yield from _step_lines(step)
    if view.advice:
        yield Text()
        yield Text.assemble(("What to do: ", "bold"), printable(view.advice))


def recovered_lines(recovered: Recovered) -> Iterator[Text]:
    """A line for a transaction that was brought to its end, and one more for each step that could not be."""
    yield Text.assemble(
        f"{printable(recovered.transaction_id)}  ",
        state_text(recovered.state),
        f"  {printable(recovered.procedure)}",
        f"  ({counted(recovered.steps)})",
    )
    for step in recovered.steps:
        if step.state in FAILED_STATES:
            reason = f"{step.namespace}::{step.procedure} {step.state.value}: {step.detail}"
            yield Text(f"  call {step.sequence}, {printable(reason)}", "red")


def counted(steps: Sequence[StepOutcome]) -> str:
    """How many steps ended how, in a few words."""
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.state.value] = counts.get(step.state.value, 0) + 1
    return ", ".join(f"{number} {state}" for state, number in counts.items()) or "no step"


def _step_json(view: StepView) -> dict[str, Json]:
    step = view.record
    return {
        "order": step.order,
        "sequence": step.sequence,
        "namespace": step.namespace,
        "procedure": step.procedure,
        "provider": step.provider_source,
        "path": step.step,
        "identity": step.identity,
        "identity_kind": step.identity_kind,
        "state": step.state.value,
        "attempts": step.attempts,
        "detail": step.detail,
        "started": iso(step.started),
        "ended": iso(step.ended),
        "running_until": iso(step.running_until),
        "reversible": step.reversible,
        "two_phase": step.two_phase,
        "confidential": step.confidential,
        "verified": step.verified,
        "change": view.change,
    }


def _step_lines(view: StepView) -> Iterator[Text]:
    step = view.record
    yield Text.assemble(
        (printable(f"Step {step.order}: {step.namespace}::{step.procedure}"), "bold"),
        "  ",
        (step.state.value, "red" if step.state in FAILED_STATES else ""),
    )
    attempts = f" after {step.attempts} attempt{'s' if step.attempts != 1 else ''}" if step.attempts else ""
    detail = f": {step.detail}" if step.detail else ""
    ways = {
        "two-phase": step.two_phase,
        "cannot be undone, by declaration": not step.reversible,
        "confidential": step.confidential,
    }
    yield from _labelled(
        ("Path", step.step),
        ("Call", f"number {step.sequence}, by provider {step.provider_source}"),
        ("Ran as", f"{step.identity} ({step.identity_kind})"),
        ("Outcome", f"{step.state.value}{attempts}{detail}"),
        ("Started", zoned(step.started)),
        ("Ended", zoned(step.ended) if step.ended is not None else ""),
        ("May run to", zoned(step.running_until) if step.ended is None and step.running_until is not None else ""),
        ("Notes", ", ".join(way for way, applies in ways.items() if applies)),
    )
    if not step.verified:
        yield Text(f"  {_CHANGED}", "red")
    yield Text("  Change:")
    for line in printable(view.change).rstrip("\n").split("\n"):
        yield Text(f"    {line}")


def _labelled(*values: tuple[str, str]) -> Iterator[Text]:
    """One line for each value that there is."""
    for label, value in values:
        if value:
            yield Text(f"  {label + ':':<{_INDENT - 2}}{printable(value).replace(chr(10), chr(10) + ' ' * _INDENT)}")


def _took(record: TransactionRecord) -> float | None:
    return None if record.ended is None else record.ended - record.started
