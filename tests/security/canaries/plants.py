"""A secret is put into each of the places where something can be read, to show that it would be found there."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from mpf_core import MpfError, Result
from mpf_core.planning import Plan, PlannedStep
from mpf_core.response import failure
from mpf_core.store.port import AuditEntry
from mpf_core.testing.recording import Exchange
from mpf_core.tracing import Span, Trace
from mpf_core.transaction.states import StepState, TransactionState
from mpf_core.transaction.transaction import StepOutcome
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Modification, ModifyOp
from tests.security.canaries.world import ACCOUNT, World


def put_into_logs(world: World, text: str) -> None:
    with world.listening():
        logging.getLogger("mpf").debug("it is %s", text)


def put_into_audit(world: World, text: str) -> None:
    world.engine.store.audit.append([AuditEntry("test", 0.0, procedure=text)])


def put_into_files(world: World, text: str) -> None:
    with contextlib.closing(sqlite3.connect(world.folder / "mpf.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS planted (text)")
        database.execute("INSERT INTO planted VALUES (?)", [text])


def put_into_events(world: World, text: str) -> None:
    with (world.folder / "events.jsonl").open("a") as file:
        file.write(text)


def put_into_directory(world: World, text: str) -> None:
    with EmbeddedDirectory(world.folder / "directory.db") as directory:
        directory.modify(ACCOUNT, [Modification("description", ModifyOp.REPLACE, (text,))])


def put_into_responses(world: World, text: str) -> None:
    outcome = StepOutcome(1, "Parrot", "Say", "request", StepState.UNDO_FAILED, text)
    document = failure(MpfError(0x80004005, "not that"), "{1}", TransactionState.INCONSISTENT, [outcome])
    world.results.append(Result(document, "{1}", TransactionState.INCONSISTENT))


def put_into_errors(world: World, text: str) -> None:
    """Into no text, but into a variable of a frame."""
    try:
        raise MpfError(0x80004005, "not that")
    except MpfError as error:
        world.plans.append(Plan(error=error))


def put_into_traces(world: World, text: str) -> None:
    span = Span("Parrot::Say", "request", "<executeData/>", 0.0, error=text)
    made_up = Trace()
    made_up.calls.append(span)
    world.traces.append(made_up)


def put_into_plans(world: World, text: str) -> None:
    world.plans.append(Plan((PlannedStep("Parrot::Say", "request", "", "", text),)))


def put_into_the_recording(world: World, text: str) -> None:
    world.recorder.exchanges.append(Exchange("Parrot", "Say", "<executeData/>", output=text))


def put_into_objects(world: World, text: str) -> None:
    world.policy.calls.append(world.policy.calls[0]._replace(step=text))


def put_into_views(world: World, text: str) -> None:
    """Into the change of an older release, which did not say what in it was secret."""
    journal = world.engine.store.journal
    record = journal.transaction(world.unsettled)
    assert record is not None
    step = next(one for one in journal.steps(record.id) if one.procedure == "Say")
    planted = replace(
        step, order=len(journal.steps(record.id)) + 1, change={"said": text, "folded": ""}, secrets=(), evidence={}
    )
    journal.write(record, [planted])


PLANTS: dict[str, Callable[[World, str], None]] = {
    "logs": put_into_logs,
    "audit": put_into_audit,
    "files": put_into_files,
    "events": put_into_events,
    "responses": put_into_responses,
    "errors": put_into_errors,
    "trace_as_text": put_into_traces,
    "trace_as_json": put_into_traces,
    "trace_as_spans": put_into_traces,
    "plans": put_into_plans,
    "recording": put_into_the_recording,
    "objects": put_into_objects,
    "views": put_into_views,
}
