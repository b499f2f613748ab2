"""What people see: responses on standard output, everything else on standard error, colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

import click
from lxml import etree
from rich.console import Console
from rich.measure import Measurement
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mpf_core import xml
from mpf_core.engine import Result
from mpf_core.transaction.states import TransactionState

_WIDEST = 100_000


def out() -> Console:
    """Standard output. What is not a terminal gets wide lines, which a program or a pager can cut as it likes."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool, width: int | None = None) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = width or (None if stream.isatty() else 200)
    # Text from requests and configurations is never markup, or "[red]" in a name would vanish.
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def table(*headings: str, rows: Iterable[Sequence[str]], indent: int = 0) -> Table:
    """A plain table without lines around it."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        made.add_column((" " * indent if number == 0 else "") + heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text((" " * indent if number == 0 else "") + cell) for number, cell in enumerate(row)))
    return made


def show_json(document: object) -> None:
    """A JSON document on standard output, in ASCII, so that no terminal and no locale can change or be changed by it."""
    click.echo(json.dumps(document, indent=2))


def say_at_once(text: str) -> None:
    """A line on standard error, from a signal handler: what interrupts a writing stream must not write to it."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: names and messages come from callers."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape", "surrogatepass").decode() for one in text
    )


def show_rows(rows: Table) -> None:
    """A table on standard output, each row in one line, however long, so that ids can be copied and lines searched."""
    console = _console(stderr=False, width=_WIDEST)
    console.width = max(1, Measurement.get(console, console.options, rows).maximum)
    console.print(rows, soft_wrap=True)


def indented(document: bytes) -> str:
    """An XML document with its elements indented, for reading. Only line breaks between elements are changed."""
    root = etree.fromstring(document, xml.schema_parser())
    for element in root.iter():
        if element.text and "\n" in element.text and not element.text.strip():
            element.text = None  # the layout of a request whose elements were moved elsewhere
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def coloured(document: str) -> Text:
    """XML with colours, which a console drops where it has none."""
    text = Syntax("", "xml", theme="ansi_light" if sys.platform == "win32" else "ansi_dark").highlight(document)
    text.rstrip()
    return text


def show_response(document: bytes) -> None:
    """The response on standard output: indented on a terminal, byte for byte and a line end everywhere else."""
    if sys.stdout.isatty():
        out().print(coloured(indented(document)), soft_wrap=True)
    else:
        click.echo(document)


def show_failure(result: Result) -> None:
    """One line on standard error that says why a request failed and what became of its steps."""
    if result.error is not None:
        err().print(Text(f"Failed: {result.error}", "red"), soft_wrap=True)
        if len(result.error.violations) > 1:
            for violation in result.error.violations:
                err().print(Text(f"  {violation}"), soft_wrap=True)
        err().print(rollback_text(result), soft_wrap=True)


def rollback_text(result: Result) -> str:
    """What became of the write calls of a failed request, in one sentence."""
    outcomes: dict[str, int] = {}
    for step in result.rollback:
        outcomes[step.state.value] = outcomes.get(step.state.value, 0) + 1
    if not outcomes:
        return "Nothing had been changed."
    found = ", ".join(f"{count} {state}" for state, count in outcomes.items())
    if result.state is TransactionState.ROLLED_BACK:
        return f"Rolled back: {found}."
    return f"NOT everything could be put back: {found}. Transaction {result.transaction_id}."
