"""``mpfctl store``: what is in the store, who uses it, and its upkeep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.text import Text

from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import err, out, show_json, show_rows, table
from mpf_core.cli.filters import json_option
from mpf_core.cli.state import State
from mpf_core.cli.times import MOMENT_HELP, Moment, iso, local
from mpf_core.cli.transaction_views import state_text
from mpf_core.printable import printable
from mpf_core.provider import Json

if TYPE_CHECKING:
    from mpf_core.store.inquiry import EngineView, StoreView
    from mpf_core.store.opening import SqlStore
    from mpf_core.store.rotation import Rewrapped

EXIT_UNFINISHED = 1
_DAY = 86_400.0
_PROGRESS_SECONDS = 2.0


@click.group(
    short_help="See what is in the store; change its key; tidy up.",
    epilog="""\b
Examples:
  mpfctl store info
  mpfctl store rotate
  mpfctl store prune
""",
)
def store() -> None:
    """Look after the store that [store] in the configuration names: journal, locks, audit and runtime configuration."""


@store.command(
    short_help="Show what is in the store and which engines live.",
    epilog="""\b
Examples:
  mpfctl store info
  mpfctl store info --json

\b
--json: url (without password), version (of its tables), keys (ids of the master keys, the one in use first),
  key_file (or null), transactions (an object: how many in which state), audit_lines,
  undelivered (messages in the outbox), engines: each with
  id, name, host, pid, started, presence (alive, gone, left), master_key
""",
)
@json_option
@click.pass_obj
@needs("audit")
def info(state: State, as_json: bool) -> None:
    """Show where the store is, its version and key, how many transactions are in which state, and its engines."""
    from mpf_core.store.inquiry import look_at

    view = look_at(state.store)
    if as_json:
        show_json(_view_json(view))
        return
    console = out()
    for line in _view_lines(view):
        console.print(line, soft_wrap=True)
    if view.engines:
        headings = ("engine", "name", "", "host", "pid", "since", "master key")
        show_rows(table(*headings, rows=map(_engine_row, view.engines), indent=2))


@store.command(
    short_help="Give the store a new master key.",
    epilog="""\b
Examples:
  mpfctl store rotate

\b
Exit codes: 0 done, 1 the old key is still needed (the message says why), 2 usage or configuration.
--json: master_key (the id of the one in use), rewrapped, unchanged, unreadable (how many data keys),
  waiting (ids of living engines that use an older key), finished
""",
)
@json_option
@click.pass_context
@needs("administration")
def rotate(ctx: click.Context, as_json: bool) -> None:
    """Make a new master key in the key file and wrap every data key with it. Run it again if it was interrupted.

    Where a stored credential has the keys ([store] key), put a new one in front of the old one there first: 32 random
    bytes as base64. Then this wraps everything with it, and the old one may be removed once it has ended with exit code 0.
    """
    state = ctx.find_object(State)
    assert state is not None
    opened = state.store
    done = _rotate(opened)
    finished = not done.waiting and not done.unreadable
    if as_json:
        waiting: list[Json] = list(done.waiting)
        show_json(
            {
                "master_key": done.master_key,
                "rewrapped": done.rewrapped,
                "unchanged": done.unchanged,
                "unreadable": done.unreadable,
                "waiting": waiting,
                "finished": finished,
            }
        )
    else:
        console = out()
        console.print(f"Master key {done.master_key}: {done.rewrapped} data keys wrapped anew.", soft_wrap=True)
        if opened.key_file is not None and not done.waiting:
            console.print(
                f"Back up {opened.key_file} now. Older backups of the store need the key that was in use then.",
                soft_wrap=True,
            )
    if done.waiting:
        err().print(
            f"The old key is still needed by engines that live: {', '.join(done.waiting)}. Start them again, and then run "
            "this once more.",
            soft_wrap=True,
        )
    if done.unreadable:
        err().print(
            f"{done.unreadable} data keys cannot be unwrapped with any key that was given: either an older key is missing, "
            "or the records were changed.",
            soft_wrap=True,
        )
    if not finished:
        ctx.exit(EXIT_UNFINISHED)


@store.command(
    short_help="Forget transactions that ended long ago.",
    epilog="""\b
Examples:
  mpfctl store prune
  mpfctl store prune --before 30d

\b
--json: removed (how many), before (ISO 8601)
""",
)
@click.option(
    "--before", type=Moment(), metavar="TIME", help=f"Ended before this: {MOMENT_HELP}. If not given, store.keep_days ago."
)
@json_option
@click.pass_obj
@needs("administration")
def prune(state: State, before: float | None, as_json: bool) -> None:
    """Forget transactions that have ended, with their idempotency keys. Those that wait for anything stay.

    Engines do this by themselves once a day. The audit is another matter: `mpfctl audit prune`.
    """
    now = time.time()
    if before is None:
        before = now - state.config.store.keep_days * _DAY
    elif before > now:
        raise click.UsageError("--before is in the future.")
    removed = state.store.journal.prune(before)
    if as_json:
        show_json({"removed": removed, "before": iso(before)})
    else:
        out().print(f"Removed {removed} transactions that ended before {local(before)}.", soft_wrap=True)


def _rotate(opened: SqlStore) -> Rewrapped:
    said = time.monotonic()

    def progress(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _PROGRESS_SECONDS:
            said = time.monotonic()
            err().print(f"{done} data keys ...")

    if opened.key_file is None:
        return opened.rotation.rewrap(system_user(), progress)
    return opened.rotation.rotate_file(opened.key_file, system_user(), progress)


def _view_json(view: StoreView) -> dict[str, Json]:
    return {
        "url": view.url,
        "version": view.version,
        "keys": list(view.keys),
        "key_file": None if view.key_file is None else str(view.key_file),
        "transactions": {state.value: number for state, number in view.states.items()},
        "audit_lines": view.audit_lines,
        "undelivered": view.undelivered,
        "engines": [
            {
                "id": engine.registration.id,
                "name": engine.registration.name,
                "host": engine.registration.host,
                "pid": engine.registration.pid,
                "started": iso(engine.registration.started),
                "presence": engine.presence,
                "master_key": engine.registration.master_key,
            }
            for engine in view.engines
        ],
    }


def _view_lines(view: StoreView) -> Iterator[Text]:
    first, *older = view.keys
    yield Text(f"Store:         {printable(view.url)}")
    yield Text(f"Version:       {view.version}")
    yield Text(f"Master key:    {first}" + (f" (and older: {', '.join(older)})" if older else ""))
    yield Text(f"Key from:      {view.key_file or 'the stored credential that [store] key names'}")
    counts = Text(", ").join(Text.assemble(f"{number} ", state_text(state)) for state, number in view.states.items())
    yield Text.assemble("Transactions:  ", counts if view.states else "none")
    yield Text(f"Audit:         {view.audit_lines} lines")
    yield Text(f"Undelivered:   {view.undelivered} messages")
    yield Text(f"Engines:       {'' if view.engines else 'none'}".rstrip())


def _engine_row(engine: EngineView) -> tuple[str, ...]:
    one = engine.registration
    return (
        one.id,
        printable(one.name),
        engine.presence,
        printable(one.host),
        str(one.pid),
        local(one.started),
        one.master_key,
    )
