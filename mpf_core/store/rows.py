"""What a transaction and its steps are as rows: which columns there are, what is authenticated, and how they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

from sqlalchemy import Table

from mpf_core.store.database import canonical
from mpf_core.store.port import StepRecord, TransactionRecord
from mpf_core.store.vault import DataKey, Tampered
from mpf_core.transaction.states import StepState

#: The part under which the outcome of a step that does not verify is sealed: it shall not verify because of that.
DOUBTFUL = "outcome of what does not verify"
#: An intent without contents.
NOTHING = canonical([None, None])

#: What of a step is authenticated together with its intent.
BOUND = (
    "sequence",
    "namespace",
    "procedure",
    "provider_source",
    "step",
    "identity",
    "identity_kind",
    "format",
    "reversible",
    "two_phase",
    "clear",
    "confidential",
)
FLAGS = {"reversible", "two_phase", "clear", "confidential"}
STEP_FACTS = ("transaction_id", *BOUND, "started", "running_until")
_bound = attrgetter(*BOUND)
#: What of a step never changes, in the order of `STEP_FACTS`.
facts_of = attrgetter(*STEP_FACTS)
OUTCOME = ("state", "attempts", "ended", "outcome")
STEP_COLUMNS = ("number", "intent", *STEP_FACTS, *OUTCOME)


def changing_of(record: TransactionRecord) -> tuple[object, ...]:
    """What of a record may have changed since it was written."""
    return (record.state, record.ended, record.code, record.error, record.response, record.settled_by)


def fixed_columns(record: TransactionRecord) -> dict[str, object]:
    """The columns that never change, but for the engine."""
    return {
        "id": record.id,
        "engine": record.engine,
        "started": record.started,
        "caller": record.caller,
        "asserted_by": record.asserted_by,
        "trustee": record.trustee,
        "procedure": record.procedure,
        "client_transaction_id": record.client_transaction_id,
    }


def sealed_part(record: TransactionRecord) -> bytes:
    """What a transaction's seal covers."""
    return canonical(
        [
            "transaction",
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            record.procedure,
            record.started,
            record.state.value,
        ]
    )


def about(record: TransactionRecord, part: str) -> bytes:
    return canonical([part, record.id])


def bound_part(step: StepRecord, part: str) -> bytes:
    """What a step's blobs are bound to."""
    return canonical([part, step.transaction_id, step.order, *_bound(step)])


def columns_of(table: Table, names: Sequence[str], row: Sequence[object]) -> dict[str, Any]:
    """A row by its columns' names. SQLite keeps values of any type anywhere: those of a wrong one are read as nothing."""
    found: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        column = table.c[name]
        expected = column.type.python_type
        fits = isinstance(value, expected) or (expected is bool and isinstance(value, int))
        found[name] = value if fits or (value is None and column.nullable) else expected()
    return found


def step_of(row: Mapping[str, Any], key: DataKey | None) -> StepRecord:
    """A step from its columns; one that does not verify has no change."""
    try:
        state, verified = StepState(row["state"]), key is not None
    except ValueError:
        state, verified = StepState.STARTED, False
    facts: dict[str, Any] = {name: bool(row[name]) if name in FLAGS else row[name] for name in STEP_FACTS}
    step = StepRecord(
        order=row["number"],
        state=state,
        attempts=row["attempts"],
        ended=row["ended"],
        change=None,
        verified=verified,
        **facts,
    )
    if key is None:
        return step
    try:
        step.change, saved, *secrets = json.loads(key.open(row["intent"], bound_part(step, "intent")))
        step.secrets = tuple(secrets[0]) if secrets else ()  # not there in what older releases wrote
        step.saved_data = None if saved is None else saved.encode("utf-8", "surrogateescape")
        if row["outcome"] is not None:
            step.evidence, step.detail = json.loads(key.open(row["outcome"], bound_part(step, "outcome")))
    except Tampered:
        step.verified, step.change, step.saved_data, step.secrets = False, None, None, ()
        with suppress(Tampered):
            _, step.detail = json.loads(key.open(row["outcome"] or b"", bound_part(step, DOUBTFUL)))
    return step
