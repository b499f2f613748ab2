"""Where something can be read: of each place, all that there is."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mpf_core.cli.traces import show_trace
from mpf_core.store.keys import MasterKeys, read_key_file
from mpf_core.store.port import Query
from tests.security.canaries.parrot import (
    CALLER,
    with_variables,
)
from tests.security.canaries.world import ACCOUNT, KEY, REQUESTS, World


def logs(world: World) -> str:
    return "\n".join(world.logged.lines)


def audit(world: World) -> str:
    return "\n".join(map(repr, world.engine.store.audit.lines()))


def files(world: World) -> bytes:
    return b"\n".join(path.read_bytes() for path in world.folder.glob("mpf.db*") if path.is_file())


def events(world: World) -> str:
    return (world.folder / "events.jsonl").read_text() + repr(world.parrot.events)


def responses(world: World) -> bytes:
    return b"\n".join(result.document for result in world.results)


def errors(world: World) -> str:
    """Texts, and tracebacks with the variables of every frame; those of a configuration hold its files, of course."""
    raised = [one.error for one in (*world.results, *world.plans) if one.error is not None]
    texts = [f"{error} {error!r} {vars(error)}" for error in (*raised, *world.problems)]
    tracebacks = [line for error in world.problems for line in traceback.format_exception(error)]
    return "\n".join([*texts, *tracebacks, *map(with_variables, raised)])


def trace_as_text(world: World) -> str:
    with contextlib.redirect_stderr(io.StringIO()) as written:
        for trace in world.traces:
            show_trace(trace, as_json=False)
    return written.getvalue()


def trace_as_json(world: World) -> str:
    with contextlib.redirect_stderr(io.StringIO()) as written:
        for trace in world.traces:
            show_trace(trace, as_json=True)
    return written.getvalue()


def trace_as_spans(world: World) -> str:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for trace in world.traces:
        trace.export(provider.get_tracer("mpf"))
    provider.shutdown()
    return "\n".join(f"{span.to_json()}{span.status.description}" for span in exporter.get_finished_spans())


def plans(world: World) -> str:
    return "\n".join(f"{plan!r}\n" + "\n".join(step.change for step in plan.steps) for plan in world.plans)


def recording(world: World) -> str:
    world.recorder.save(world.folder / "recording.json")
    return (world.folder / "recording.json").read_text() + repr(world.recorder.exchanges)


def objects(world: World) -> str:
    """``repr`` and ``str`` of whatever a program gets into its hands."""
    engine = world.engine
    views = [engine.transactions.get(record.id) for record in engine.transactions.find()]
    found: list[object] = [
        CALLER,
        engine,
        engine.config,
        engine.plugins,
        engine.services,
        engine.store,
        engine.administration,
        engine.administration.stored_credentials(),
        engine.runtime.credentials("file"),
        engine.namespaces,
        read_key_file(world.folder / "mpf.key"),
        MasterKeys([KEY]),
        *views,
        *(step.record for view in views for step in view.steps),
        *engine.store.journal.find(Query()),
        *world.results,
        *world.plans,
        *world.traces,
        *(span for trace in world.traces for call in trace.calls for span in call.walk()),
        *world.policy.calls,
        *(one.caller for one in world.policy.calls),
        *(one.identity for one in world.policy.calls),
        *world.parrot.provider.contexts,
        *(one.identity for one in world.parrot.provider.contexts),
        *world.recorder.exchanges,
    ]
    return "\n".join(f"{one!r} {one}" for one in found)


def views(world: World) -> str:
    """What an operator reads of changes and outcomes."""
    found = [world.engine.transactions.get(record.id) for record in world.engine.transactions.find()]
    return "\n".join(f"{step.change} {step.record.detail}" for view in found for step in view.steps)


IN_PROCESS: dict[str, Callable[[World], str | bytes]] = {
    one.__name__: one
    for one in (
        logs,
        audit,
        files,
        events,
        responses,
        errors,
        trace_as_text,
        trace_as_json,
        trace_as_spans,
        plans,
        recording,
        objects,
        views,
    )
}
COMMANDS = {
    "submit": ("-vv", "submit", "-", "--as", CALLER.name, "--trace"),
    "submit --trace json": ("--verbose", "submit", "-", "--as", CALLER.name, "--trace", "json"),
    "plan": ("-vv", "plan", "-", "--as", CALLER.name),
    "plan --json": ("plan", "-", "--as", CALLER.name, "--json"),
    "transactions list": ("transactions", "list"),
    "transactions list --json": ("transactions", "list", "--json"),
    "transactions show": ("transactions", "show", "{unsettled}"),
    "transactions show --json": ("transactions", "show", "{unsettled}", "--json"),
    "transactions retry": ("-vv", "transactions", "retry", "{unsettled}"),
    "audit list": ("audit", "list", "--limit", "1000"),
    "audit elevations": ("audit", "elevations"),
    "audit export": ("audit", "export", "-"),
    "credentials list": ("credentials", "list"),
    "audit verify": ("-vv", "audit", "verify"),
    "audit prune": ("audit", "prune", "--before", "2020-01-01"),
    "store info": ("store", "info"),
    "store prune": ("-vv", "store", "prune"),
    "recover": ("-vv", "recover"),
    "recover --json": ("recover", "--json"),
    "graph": ("graph", "Parrot::Say"),
    "directory show": ("-vv", "--config", "directory.toml", "directory", "show", str(ACCOUNT)),
    "directory export": ("--config", "directory.toml", "directory", "export"),
    "directory check": ("--config", "directory.toml", "directory", "check"),
    "plugins": ("plugins", "list"),
}


def written(world: World, command: str) -> str:
    """What a command writes, for every request where it takes one."""
    arguments = [world.unsettled if one == "{unsettled}" else one for one in COMMANDS[command]]
    inputs = REQUESTS.values() if "-" in arguments and "--as" in arguments else [""]
    return "\n".join(world.mpfctl(*arguments, stdin=text) for text in inputs)


def as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
