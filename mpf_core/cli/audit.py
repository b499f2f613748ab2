"""``mpfctl audit``: who did what, and whether the record of it is whole."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import click
from click.exceptions import NoArgsIsHelpError
from rich.text import Text

from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import err, out, show_json, show_rows, table
from mpf_core.cli.elevations import elevations_command
from mpf_core.cli.filters import filters, json_option
from mpf_core.cli.state import State
from mpf_core.cli.times import MOMENT_HELP, Moment, local
from mpf_core.printable import printable
from mpf_core.provider import Json
from mpf_core.store.port import AuditEntry, AuditLine

EXIT_NOT_SOUND = 1
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_LINE_KEYS = """number, hash, event, at (seconds since the epoch), transaction_id, caller, asserted_by, trustee, identity,
  procedure, details (an object of names, codes and outcomes)"""


@click.group(
    short_help="See who did what, and check that nothing is missing.",
    invoke_without_command=True,
    epilog="""\b
Examples:
  mpfctl audit list --since 1d
  mpfctl audit elevations --since 1d
  mpfctl audit verify
  mpfctl audit export audit.jsonl
  mpfctl audit prune --before 2026-01-01
""",
)
@click.option("--elevations", "only_elevations", is_flag=True, help="The same as the command `elevations`.")
@click.pass_context
def audit(ctx: click.Context, only_elevations: bool) -> None:
    """Read the audit: every request's begin and end, refusals, elevations, recoveries, retries and settlements.

    Its lines are chained by a keyed hash, so that none can be removed, changed or moved without being noticed.
    """
    if ctx.invoked_subcommand is not None:
        if only_elevations:
            raise click.UsageError("--elevations goes without a command; `mpfctl audit elevations` takes more options.")
    elif only_elevations:
        elevations_command.main(args=[], obj=ctx.obj, standalone_mode=False, parent=ctx, prog_name="elevations")
    else:
        raise NoArgsIsHelpError(ctx)


audit.add_command(elevations_command)


@audit.command(
    "list",
    short_help="List lines of the audit, the latest last.",
    epilog=f"""\b
Examples:
  mpfctl audit list --since 2h
  mpfctl audit list --event request.refused --caller fourthcoffee
  mpfctl audit list --transaction 3F2A77 --json

\b
--json: {{"lines": [...], "more": whether --limit left earlier ones out}}, and each line with
  {_LINE_KEYS}
""",
)
@click.option("--event", "events", multiple=True, metavar="NAME", help="With this event. May be repeated.")
@click.option(
    "--transaction", "transaction_id", default="", metavar="ID", help="Of this transaction; its beginning is enough."
)
@filters
@json_option
@click.pass_obj
@needs("audit")
def list_(
    state: State,
    *,
    events: tuple[str, ...],
    transaction_id: str,
    caller: str,
    procedure: str,
    since: float | None,
    until: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the audit, the latest line last."""
    beginning = "{" + transaction_id.strip().strip("{}").upper()

    def wanted(entry: AuditEntry) -> bool:
        return (
            (not events or entry.event in events)
            and (not transaction_id or entry.transaction_id.upper().startswith(beginning))
            and caller.lower() in entry.caller.lower()
            and procedure.lower() in entry.procedure.lower()
            and (since is None or entry.at >= since)
            and (until is None or entry.at <= until)
        )

    store = state.store
    latest = deque((line for line in store.audit.lines() if wanted(line.entry)), maxlen=limit + 1)
    found = list(latest)[-limit:]
    if as_json:
        shown: list[Json] = [json.loads(text) for text in _exported(found)]
        show_json({"lines": shown, "more": len(latest) > limit})
        return
    if not found:
        err().print(f"No such line in {store.db.shown}.", soft_wrap=True)
        return
    show_rows(table("line", "time", "event", "transaction", "caller", "ran as", "procedure", "", rows=map(_row, found)))
    if len(latest) > limit:
        err().print(f"There are earlier ones: --limit shows more than {limit}.", soft_wrap=True)


@audit.command(
    short_help="Check that no line is missing, changed or moved.",
    epilog="""\b
Examples:
  mpfctl audit verify
  mpfctl audit verify --expect 0f3c...   a hash that an earlier `verify` has printed

\b
Exit codes: 0 it is sound, 1 it is not, 2 usage or configuration.
--json: sound, findings (texts), lines (how many), first, last (numbers, or null), head (the last line's hash, or null),
  expected (null, or an object with hash and number; the number is null if no line has that hash)
""",
)
@click.option("--expect", metavar="HASH", help="A hash that was noted earlier: is it still in the chain?")
@json_option
@click.pass_context
@needs("audit")
def verify(ctx: click.Context, expect: str | None, as_json: bool) -> None:
    """Check the whole chain, and print its end, to be noted somewhere else.

    Whoever can put the whole store back to an older copy leaves a chain that is sound: only a noted hash finds that out.
    """
    state = ctx.find_object(State)
    assert state is not None
    if expect is not None and not _HASH.fullmatch(expect.strip()):
        raise click.UsageError("--expect needs a hash of 64 hexadecimal digits, as `mpfctl audit verify` prints it.")
    store = state.store
    noted = expect.strip().lower() if expect is not None else None
    findings = list(store.audit.verify())
    count, first, last, number = 0, None, None, None
    for line in store.audit.lines():
        count, first, last = count + 1, first or line, line
        if line.hash == noted:
            number = line.number
    if noted is not None and number is None:
        findings.append(f"no line has the hash {noted}: it was pruned, or the store is an older copy, or another one")
    if as_json:
        show_json(
            {
                "sound": not findings,
                "findings": findings,
                "lines": count,
                "first": None if first is None else first.number,
                "last": None if last is None else last.number,
                "head": None if last is None else last.hash,
                "expected": None if noted is None else {"hash": noted, "number": number},
            }
        )
    else:
        console = out()
        for finding in findings:
            console.print(Text(printable(f"NOT SOUND: {finding}."), "red"), soft_wrap=True)
        span = f", {first.number} to {last.number}" if first is not None and last is not None else ""
        console.print(f"{'Sound' if not findings else 'Checked'}: {count} lines{span}.", soft_wrap=True)
        if number is not None:
            console.print(f"The expected hash is line {number}'s.")
        if last is not None:
            console.print(f"Its end, to be noted elsewhere: {last.hash}", soft_wrap=True)
    if findings:
        ctx.exit(EXIT_NOT_SOUND)


@audit.command(
    short_help="Write the audit to a file, as JSON Lines.",
    epilog=f"""\b
Examples:
  mpfctl audit export audit.jsonl
  mpfctl audit export - --after 1200 | gzip > since-line-1200.jsonl.gz

\b
Each line is an object with
  {_LINE_KEYS}
--json: file, lines (how many), last (the last one's number, or null), head (its hash, or null)
""",
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="NUMBER", help="Only lines after this one.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
@click.pass_obj
@needs("audit")
def export(state: State, file: Path, after: int, force: bool, as_json: bool) -> None:
    """Write all lines to FILE (- for standard output), for its owner's eyes only."""
    to_standard_output = str(file) == "-"
    if to_standard_output and as_json:
        raise click.UsageError("--json and FILE - both want standard output.")
    lines = state.store.audit.lines(after)
    count, last = 0, None

    def counted() -> Iterator[AuditLine]:
        nonlocal count, last
        for line in lines:
            count, last = count + 1, line
            yield line

    if to_standard_output:
        for text in _exported(counted()):
            click.echo(text.encode("utf-8"), nl=False)
        sys.stdout.flush()
    else:
        with _private(file, replace=force) as stream:
            stream.writelines(_exported(counted()))
    if as_json:
        head = (None, None) if last is None else (last.number, last.hash)
        show_json({"file": str(file), "lines": count, "last": head[0], "head": head[1]})
    else:
        end = "" if last is None else f", up to number {last.number}, with the hash {last.hash}"
        err().print(f"Wrote {count} lines{end}.", soft_wrap=True)


@audit.command(
    short_help="Remove old lines.",
    epilog="""\b
Examples:
  mpfctl audit prune --before 2026-01-01
  mpfctl audit prune --before 52w --json

\b
--json: removed (how many), before (ISO 8601)
""",
)
@click.option("--before", type=Moment(), required=True, metavar="TIME", help=f"Lines older than this: {MOMENT_HELP}.")
@json_option
@click.pass_obj
@needs("administration")
def prune(state: State, before: float, as_json: bool) -> None:
    """Remove the oldest lines. The rest can still be verified, and a new line tells who did it. Export them before."""
    from mpf_core.cli.times import iso

    if before > time.time():
        raise click.UsageError("--before is in the future.")
    removed = state.store.audit.prune(before, system_user())
    if as_json:
        show_json({"removed": removed, "before": iso(before)})
    else:
        out().print(f"Removed {removed} lines from before {local(before)}.", soft_wrap=True)


def _exported(lines: Iterable[AuditLine]) -> Iterator[str]:
    from mpf_core.store.audit import export_lines

    return export_lines(lines)


def _row(line: AuditLine) -> tuple[str, ...]:
    entry = line.entry
    details = " ".join(f"{name}={value}" for name, value in entry.details.items())
    word = f" (by {entry.asserted_by})" if entry.asserted_by else ""
    shown = (entry.event, entry.transaction_id, f"{entry.caller}{word}", entry.identity, entry.procedure, details)
    event, *others = (printable(text) for text in shown)
    return (str(line.number), local(entry.at), event, *others)


@contextlib.contextmanager
def _private(file: Path, *, replace: bool) -> Iterator[IO[str]]:
    """A new file that only its owner may read, complete or not there at all. A usage error if it is there already."""
    if file.exists() and not replace:
        raise click.UsageError(f"{file} is there already: --force replaces it.")
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
