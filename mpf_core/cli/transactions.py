"""``mpfctl transactions``: what was done, and settling what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click
from rich.text import Text

from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import err, out, show_json, show_rows
from mpf_core.cli.filters import filters, find_id, json_option, query, state_filters
from mpf_core.cli.state import State
from mpf_core.cli.transaction_views import (
    recovered_json,
    recovered_lines,
    transaction_json,
    transaction_table,
    view_json,
    view_lines,
)
from mpf_core.provider import Json
from mpf_core.store.port import Fenced, Query
from mpf_core.transaction.recovery import Recovered
from mpf_core.transaction.states import FINAL_STATES, UNSETTLED
from mpf_core.transactions import NotSettled

EXIT_UNSETTLED = 1


@click.group(
    short_help="See what requests did; retry or settle what failed.",
    epilog="""\b
Examples:
  mpfctl transactions list --since 2h
  mpfctl transactions list --unsettled      what waits for you
  mpfctl transactions show 3F2A77
  mpfctl transactions retry --all
  mpfctl transactions resolve 3F2A77 --because "removed the user by hand"

An ID may be given without its braces, in any case, and shortened to its first characters, six at least.
""",
)
def transactions() -> None:
    """Look at the journal, and bring to an end what could not be undone or committed.

    A request is a transaction as soon as it changes something, or has an idempotency key. None of these commands touches
    one that an engine works on; `mpfctl recover` finishes those of engines that are gone.
    """


@transactions.command(
    "list",
    short_help="List transactions, the latest first.",
    epilog="""\b
Examples:
  mpfctl transactions list --unsettled
  mpfctl transactions list --open
  mpfctl transactions list --since 2026-03-01 --until 2026-03-01 --caller alpineskihouse
  mpfctl transactions list --state rolled-back --procedure CreateSipUser --since 3d --json

\b
--json: {"transactions": [...], "more": whether --limit left some out}, and each transaction with
  id, state, caller, asserted_by (who vouched for the caller), trustee (whom it was for), procedure,
  client_transaction_id, engine, started, ended (ISO 8601, or null), duration (seconds, or null),
  code (HRESULT, or null), error, settled_by, settled_because,
  verified (false: the record was changed behind the engine's back)
""",
)
@state_filters
@filters
@json_option
@click.pass_obj
@needs("audit")
def list_(state: State, /, *, as_json: bool, limit: int, **conditions: Any) -> None:
    """List transactions, the latest first. Without --state, --open and --unsettled, in any state."""
    # One more than is shown, to know whether there are more.
    found = state.transactions.find(query(**conditions, limit=limit + 1))
    more, found = len(found) > limit, found[:limit]
    if as_json:
        shown: list[Json] = [transaction_json(record) for record in found]
        show_json({"transactions": shown, "more": more})
        return
    if found:
        show_rows(transaction_table(found))
    else:
        err().print(f"No transaction of that kind in {state.store.db.shown}.", soft_wrap=True)
    if more:
        err().print(f"There are more than {limit}: --limit shows more of them, --since and --until others.", soft_wrap=True)
    if any(not record.verified for record in found):
        err().print("Some records were changed behind the engine's back: `mpfctl transactions show` says which.")


@transactions.command(
    short_help="Show everything about one transaction.",
    epilog="""\b
Examples:
  mpfctl transactions show 3F2A77
  mpfctl transactions show {3F2A7701-9D3C-4B46-8A57-0B7C1C2D3E4F} --json

\b
--json: the keys of `list`, and
  engine_presence (alive, gone, left, or unknown), locks (keys that are held), advice, and steps, each with
  order, sequence, namespace, procedure, provider, path, identity, identity_kind, state, attempts, detail,
  started, ended, running_until, reversible, two_phase, confidential, verified, change (text: LDIF or JSON)
""",
)
@click.argument("transaction_id", metavar="ID")
@json_option
@click.pass_obj
@needs("audit")
def show(state: State, transaction_id: str, as_json: bool) -> None:
    """Show who asked, what ran as whom, what became of every step, its exact change, and what to do about it."""
    from mpf_core.store.inquiry import presence_of

    view = state.transactions.get(find_id(state, transaction_id))
    presence = presence_of(state.store, view.record.engine)
    if as_json:
        show_json(view_json(view, presence))
        return
    console = out()
    for line in view_lines(view, presence):
        console.print(line, soft_wrap=True)


@transactions.command(
    short_help="Run failed undos or commits again.",
    epilog="""\b
Examples:
  mpfctl transactions retry 3F2A77
  mpfctl transactions retry --all

\b
Exit codes: 0 all of them ended, 1 some still wait for a person, 2 wrong usage.
--json: {"results": [...], "unsettled": how many still wait}, and each result with
  id, procedure, state, settled, error (why it could not be tried, or null), steps: each with
  sequence, namespace, procedure, path, state, detail
""",
)
@click.argument("transaction_ids", metavar="ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are inconsistent or in doubt, the latest first.")
@json_option
@click.pass_context
@needs("administration")
def retry(ctx: click.Context, transaction_ids: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Run what failed again: undos of an inconsistent transaction, commits of one in doubt. As often as you like."""
    state = ctx.find_object(State)
    assert state is not None
    if bool(transaction_ids) == everything:
        raise click.UsageError("Name one ID or more, or --all.")
    if everything:
        ids = [record.id for record in state.transactions.find(Query(UNSETTLED))]
    else:
        ids = list(dict.fromkeys(find_id(state, one) for one in transaction_ids))
    console = out()
    tried = []
    for one in ids:
        tried.append(_retry(state, one))
        if not as_json:
            for line in tried[-1].lines():
                console.print(line, soft_wrap=True)
    unsettled = sum(not one.settled for one in tried)
    if as_json:
        results: list[Json] = [{**recovered_json(one.recovered), "error": one.error} for one in tried]
        show_json({"results": results, "unsettled": unsettled})
    elif not tried:
        err().print("Nothing waits for a person.")
    elif unsettled:
        err().print(f"{unsettled} not settled: remove the cause and retry, or settle by hand and `resolve`.", soft_wrap=True)
    if unsettled:
        ctx.exit(EXIT_UNSETTLED)


@transactions.command(
    short_help="Record that a person has settled a transaction.",
    epilog="""\b
Examples:
  mpfctl transactions resolve 3F2A77 --because "removed the user by hand"
  mpfctl transactions resolve 3F2A77 --because "ticket 4711" --by "Ada Lovelace"

\b
--json: the keys of `transactions list`
""",
)
@click.argument("transaction_id", metavar="ID")
@click.option("--because", required=True, metavar="TEXT", help="What was done, for whoever reads it later.")
@click.option("--by", metavar="NAME", help="Who did it, if it was not you; you are recorded beside.")
@json_option
@click.pass_context
@needs("administration")
def resolve(ctx: click.Context, transaction_id: str, because: str, by: str | None, as_json: bool) -> None:
    """Record that an inconsistent transaction, or one in doubt, was put right by hand. It lets go of its locks.

    Nothing else is done, and it cannot be retried afterwards.
    """
    state = ctx.find_object(State)
    assert state is not None
    one = find_id(state, transaction_id)
    user = system_user()
    who = by.strip() if by is not None else user
    if not because.strip() or not who:
        raise click.UsageError("Who settled it, and why, must be said: --because TEXT.")
    if who != user:
        who = f"{who} (recorded by {user})"
    try:
        record = state.transactions.resolve(one, who, because)
    except NotSettled as error:
        # Wrong usage where there is nothing to settle, exit code 1 where the transaction has not ended yet.
        ended = state.transactions.get(one).record.state in FINAL_STATES
        raise (click.UsageError if ended else click.ClickException)(f"{error}.") from error
    if as_json:
        show_json(transaction_json(record))
    else:
        out().print(f"{record.id} is resolved, by {record.settled_by}: {record.settled_because}", soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of a retry; or the transaction as it is, and why it could not be tried."""

    recovered: Recovered
    error: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the transaction has ended."""
        return self.recovered.state in FINAL_STATES

    def lines(self) -> Iterable[Text]:
        """For people."""
        return recovered_lines(self.recovered) if self.error is None else [Text(f"{self.error}.")]


def _retry(state: State, one: str) -> Retried:
    transactions = state.transactions
    try:
        return Retried(transactions.retry(one, by=system_user()))
    except NotSettled as error:
        reason = str(error)
    except Fenced:
        reason = f"{one} has been taken over by another retry or recovery: look again"
    record = transactions.get(one).record
    return Retried(Recovered(one, record.procedure, record.state, ()), reason)
