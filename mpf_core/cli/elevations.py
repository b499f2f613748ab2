"""``mpfctl audit elevations``: which calls ran with more rights than their callers had, why, and what became of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from mpf_core.cli.callers import needs
from mpf_core.cli.console import err, show_json, show_rows, table
from mpf_core.cli.filters import filters, json_option
from mpf_core.cli.state import State
from mpf_core.cli.times import local
from mpf_core.printable import printable
from mpf_core.provider import Json
from mpf_core.store.port import AuditEntry, AuditLine

#: What is shown of a call that has not ended, or whose engine was killed before it could say so.
_UNKNOWN = "unknown"
#: The kinds whose end is recorded too.
_WITH_END = frozenset({"elevation", "execute-as"})


@dataclass(frozen=True, slots=True)
class Elevation:
    """The line that tells of an elevated call, and the one that tells of its end, if there is one by now."""

    begin: AuditLine
    end: AuditEntry | None

    @property
    def outcome(self) -> str:
        """``done``, the HRESULT that it failed with, ``interrupted`` or ``unknown``; empty for kinds without an end."""
        if self.end is not None:
            return str(self.end.details["outcome"])
        return _UNKNOWN if self.begin.entry.details["kind"] in _WITH_END else ""

    def json(self) -> Json:
        """For programs."""
        entry = self.begin.entry
        return {
            "number": self.begin.number,
            "transaction_id": entry.transaction_id,
            "caller": entry.caller,
            "asserted_by": entry.asserted_by,
            "trustee": entry.trustee,
            "identity": entry.identity,
            "kind": entry.details["kind"],
            "from": entry.details["from"],
            "to": entry.procedure,
            "step": entry.details["step"],
            "reason": entry.details["reason"],
            "begin": entry.at,
            "end": self.end.at if self.end is not None else None,
            "outcome": self.outcome,
        }


def elevations(lines: Iterable[AuditLine]) -> Iterator[Elevation]:
    """Every elevated call in these lines, in the order in which they began."""
    begun: dict[tuple[str, Json, Json], AuditLine] = {}
    ended: dict[int, AuditEntry] = {}
    order: list[AuditLine] = []
    for line in lines:
        entry = line.entry
        if entry.event == "elevation":
            begun[entry.transaction_id, entry.details["step"], entry.at] = line
            order.append(line)
        elif entry.event == "elevation.end":
            begin = begun.pop((entry.transaction_id, entry.details["step"], entry.details["began"]), None)
            if begin is not None:
                ended[begin.number] = entry
    for line in order:
        yield Elevation(line, ended.get(line.number))


@click.command(
    "elevations",
    short_help="List the calls that ran with more rights than their callers had.",
    epilog="""\b
Examples:
  mpfctl audit elevations --since 1d
  mpfctl audit elevations --caller alpineskihouse --json
  mpfctl audit --elevations             the same, the latest 50

\b
--json: {"elevations": [...], "more": whether --limit left earlier ones out}, and each with number (of its audit line),
  transaction_id, caller, asserted_by, trustee, identity, kind, from, to, step, reason, begin, end (seconds since the
  epoch; end is null if nothing tells of it), outcome (done, an HRESULT, interrupted, unknown)
""",
)
@filters
@json_option
@click.pass_obj
@needs("audit")
def elevations_command(
    state: State,
    *,
    caller: str,
    procedure: str,
    since: float | None,
    until: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the calls that ran as the service account, or as a stored one, the latest last.

    Kinds: elevation (as the service account, by a rule), execute-as (as the account that an administrator assigned),
    asserted (the service account acted for a caller whose password nobody has), reduction (back to the caller's own).
    """

    def wanted(entry: AuditEntry) -> bool:
        return (
            caller.lower() in entry.caller.lower()
            and any(procedure.lower() in name.lower() for name in (entry.procedure, str(entry.details["from"])))
            and (since is None or entry.at >= since)
            and (until is None or entry.at <= until)
        )

    found = (one for one in elevations(state.store.audit.lines()) if wanted(one.begin.entry))
    latest = deque(found, maxlen=limit + 1)
    shown = list(latest)[-limit:]
    if as_json:
        show_json({"elevations": [one.json() for one in shown], "more": len(latest) > limit})
        return
    if not shown:
        err().print("No elevated calls.")
        return
    columns = ("line", "time", "transaction", "caller", "ran as", "kind", "from", "to", "outcome", "reason")
    show_rows(table(*columns, rows=map(_row, shown)))
    if len(latest) > limit:
        err().print(f"There are earlier ones: --limit shows more than {limit}.", soft_wrap=True)


def _row(one: Elevation) -> tuple[str, ...]:
    entry, details = one.begin.entry, one.begin.entry.details
    word = f" (by {entry.asserted_by})" if entry.asserted_by else ""
    shown = (
        *(entry.transaction_id, f"{entry.caller}{word}", entry.identity, details["kind"], details["from"]),
        *(entry.procedure, one.outcome, details["reason"]),
    )
    return (str(one.begin.number), local(entry.at), *(printable(str(text)) for text in shown))
