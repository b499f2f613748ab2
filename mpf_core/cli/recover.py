"""``mpfctl recover``: bring the transactions of engines that are gone to their end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import click

from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import err, out, say_at_once, show_json
from mpf_core.cli.filters import json_option
from mpf_core.cli.signals import Stopping, stopping
from mpf_core.cli.state import State
from mpf_core.cli.transaction_views import recovered_json, recovered_lines
from mpf_core.provider import Json
from mpf_core.store.port import StoreUnavailable
from mpf_core.transaction.recovery import Recovered
from mpf_core.transaction.states import FINAL_STATES, OPEN_TRANSACTIONS

if TYPE_CHECKING:
    from mpf_core.store.opening import SqlStore

EXIT_UNSETTLED = 1
_PROGRESS_SECONDS = 2.0


@click.command(
    short_help="Finish the transactions of engines that are gone.",
    epilog="""\b
Examples:
  mpfctl recover
  mpfctl recover --json
  mpfctl recover --watch        until Ctrl-C, looking every engine.recovery_interval seconds
  mpfctl recover --gone 5f0c1d2e3b4a59687a8b9c0d1e2f3a4b

\b
Exit codes: 0 all of them ended, 1 some wait for a person now, 2 usage or configuration, 130 and 143 after Ctrl-C and
SIGTERM (the transaction at hand is finished first; with --watch, that is no reason for another code than 0 or 1).
--json: {"recovered": [...], "open": how many are open still}, and each recovered transaction with
  id, procedure, state, settled, steps: each with sequence, namespace, procedure, path, state, detail
With --watch, --json prints a line with one recovered transaction whenever there is one.
""",
)
@click.option("--watch", is_flag=True, help="Go on looking, until Ctrl-C.")
@click.option(
    "--gone",
    multiple=True,
    metavar="ENGINE",
    help="You know that this engine's process has ended (its machine is lost, say): no time-out of its calls is waited for.",
)
@json_option
@click.pass_context
@needs("administration")
def recover(ctx: click.Context, watch: bool, gone: tuple[str, ...], as_json: bool) -> None:
    """Undo, or finish to commit, what engines that are gone have left behind. One that lives is never disturbed.

    Running engines do this by themselves, in the background; so does the next one that starts.
    """
    state = ctx.find_object(State)
    assert state is not None
    _check_gone(state.store, gone)
    # Not `Engine.start`: what its background thread recovers could not be shown here.
    with stopping(lambda: say_at_once("Stopping after the transaction at hand; Ctrl-C once more stops at once.")) as wish:
        recovered = (_watch if watch else _once)(state, wish, gone, as_json)
    if wish.signal is not None and not watch:
        ctx.exit(wish.exit_code)
    if any(one.state not in FINAL_STATES for one in recovered):
        ctx.exit(EXIT_UNSETTLED)


def _check_gone(store: SqlStore, gone: Sequence[str]) -> None:
    """Refuse to call an engine gone that is not known, or that holds its lock."""
    from mpf_core.store.inquiry import presence_of

    for engine in gone:
        match presence_of(store, engine):
            case "unknown":
                raise click.UsageError(f"There is no engine {engine}; `mpfctl store info` has the ids.")
            case "alive":
                raise click.UsageError(f"The engine {engine} holds its lock: it lives, or another one is recovering it.")


def _once(state: State, wish: Stopping, gone: Sequence[str], as_json: bool) -> Sequence[Recovered]:
    """One round, with progress and a summary."""
    console = out()
    recovered = []
    said = time.monotonic()
    before = _open(state)
    if before and not as_json:
        err().print(f"{before} open; those whose engine lives are left alone.")
    for one in _round(state, wish, gone):
        recovered.append(one)
        if not as_json:
            for line in recovered_lines(one):
                console.print(line, soft_wrap=True)
        if time.monotonic() - said >= _PROGRESS_SECONDS:
            said = time.monotonic()
            err().print(f"{len(recovered)} of at most {before} recovered ...")
    still_open = _open(state)
    if as_json:
        shown: list[Json] = [recovered_json(one) for one in recovered]
        show_json({"recovered": shown, "open": still_open})
    else:
        err().print(_summary(recovered, still_open), soft_wrap=True)
    return recovered


def _watch(state: State, wish: Stopping, gone: Sequence[str], as_json: bool) -> Sequence[Recovered]:
    """Rounds until a signal comes. A store that does not answer is asked again."""
    console = out()
    recovered: list[Recovered] = []
    interval = state.config.engine.recovery_interval
    err().print(f"Looking every {interval:g} seconds; Ctrl-C ends it.")
    while not wish.event.is_set():
        try:
            for one in _round(state, wish, gone):
                recovered.append(one)
                if as_json:
                    click.echo(json.dumps(recovered_json(one)))
                else:
                    for line in recovered_lines(one):
                        console.print(line, soft_wrap=True)
        except StoreUnavailable as error:
            err().print(f"The store does not answer; it is asked again. {error}", soft_wrap=True)
        wish.event.wait(interval)
    err().print(_summary(recovered, None), soft_wrap=True)
    return recovered


def _round(state: State, wish: Stopping, gone: Sequence[str]) -> Iterator[Recovered]:
    """What is recovered until everything is, or a signal comes."""
    with closing(state.engine.recover(gone=gone, by=system_user())) as found:
        for one in found:
            yield one
            if wish.event.is_set():
                return


def _open(state: State) -> int:
    from mpf_core.store.inquiry import counts_of

    return sum(number for found, number in counts_of(state.store).items() if found in OPEN_TRANSACTIONS)


def _summary(recovered: Sequence[Recovered], still_open: int | None) -> str:
    counts: dict[str, int] = {}
    for one in recovered:
        counts[one.state.value] = counts.get(one.state.value, 0) + 1
    ended = ", ".join(f"{number} {state}" for state, number in counts.items())
    parts = [f"Recovered {len(recovered)}: {ended}." if recovered else "Nothing to recover."]
    if any(one.state not in FINAL_STATES for one in recovered):
        parts.append("Some wait for a person: mpfctl transactions list --unsettled")
    if still_open:
        parts.append(f"{still_open} open still: their engines live, or a call of theirs may still be under way.")
    return " ".join(parts)
