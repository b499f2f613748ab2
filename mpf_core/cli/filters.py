"""The options with which operators say which transactions, or which lines of the audit, they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from mpf_core.cli.complete import complete_full_name
from mpf_core.cli.state import State
from mpf_core.cli.times import MOMENT_HELP, Moment
from mpf_core.store.port import Query
from mpf_core.transaction.states import OPEN_TRANSACTIONS, UNSETTLED, TransactionState

Command = TypeVar("Command", bound=Callable[..., Any])

#: An abbreviated id must be so long that it is no accident which transaction it means.
LEAST_OF_ID = 6
_ID = re.compile(r"[^\s{}]+")
_SHOWN_CANDIDATES = 10

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def filters(command: Command) -> Command:
    """Add what transactions and audit have in common: ``caller``, ``procedure``, ``since``, ``until`` and ``limit``."""
    for option in reversed(
        (
            click.option("--caller", default="", metavar="TEXT", help="Whose caller's name has this in it."),
            click.option(
                "--procedure",
                default="",
                metavar="TEXT",
                shell_complete=complete_full_name,
                help="Whose NAMESPACE::PROCEDURE has this in it.",
            ),
            click.option("--since", type=Moment(), metavar="TIME", help=f"Begun then or later: {MOMENT_HELP}."),
            click.option("--until", type=Moment(last=True), metavar="TIME", help="Begun then or before."),
            click.option(
                "--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="The latest N."
            ),
        )
    ):
        command = option(command)
    return command


def state_filters(command: Command) -> Command:
    """Add ``--state``, ``--open`` and ``--unsettled``, as ``states``, ``only_open`` and ``unsettled``."""
    for option in reversed(
        (
            click.option(
                "--state",
                "states",
                multiple=True,
                type=click.Choice([state.value for state in TransactionState]),
                help="In this state. May be repeated.",
            ),
            click.option("--open", "only_open", is_flag=True, help="Not ended: running, committing, rolling-back."),
            click.option("--unsettled", is_flag=True, help="Waiting for a person: inconsistent, in-doubt."),
        )
    ):
        command = option(command)
    return command


def query(
    *,
    states: Sequence[str],
    only_open: bool,
    unsettled: bool,
    caller: str,
    procedure: str,
    since: float | None,
    until: float | None,
    limit: int | None,
) -> Query:
    """The query that all these options make; states add up."""
    wanted = {TransactionState(state) for state in states}
    wanted |= OPEN_TRANSACTIONS if only_open else set()
    wanted |= UNSETTLED if unsettled else set()
    return Query(frozenset(wanted), caller, procedure, since, until, limit=limit)


def find_id(state: State, text: str) -> str:
    """The id of the only transaction that ``text`` means: an id, or its beginning, with or without braces, in any case.

    Raises ``click.UsageError`` when there is none, or more than one.
    """
    from mpf_core.store.inquiry import ids_beginning
    from mpf_core.transactions import normal_id

    body = text.strip().strip("{}")
    if not _ID.fullmatch(body):
        raise click.UsageError(f"'{text}' is no id of a transaction.")
    if len(body) < LEAST_OF_ID:
        raise click.UsageError(f"'{text}' is too short: at least the first {LEAST_OF_ID} characters of an id are needed.")
    exact = normal_id(body)
    found = ids_beginning(state.store, exact.removesuffix("}"), _SHOWN_CANDIDATES + 1)
    if exact in found:
        return exact
    if not found:
        raise click.UsageError(
            f"There is no transaction {body} in {state.store.db.shown}. Requests that only read leave none; "
            f"`mpfctl audit list --transaction {body}` finds them too."
        )
    if len(found) > 1:
        shown = "\n".join(f"  {one}" for one in found[:_SHOWN_CANDIDATES])
        more = "\n  ..." if len(found) > _SHOWN_CANDIDATES else ""
        raise click.UsageError(f"'{text}' means more than one transaction:\n{shown}{more}")
    return found[0]
