"""What people see: responses on standard output, everything else on standard error, colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

import click
from lxml import etree
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from mpf_core import xml
from mpf_core.engine import Result
from mpf_core.printable import printable
from mpf_core.transaction.states import TransactionState

_WIDEST = 100_000


class _PrintableConsole(Console):
    """Escapes whatever a terminal would obey, in all that is printed: names and messages come from callers."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `rich.console.Console.render`. Colours are added later, so what is escaped here is not ours."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


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
    return _PrintableConsole(stderr=stderr, markup=False, highlight=False, emoji=False, width=width)


def table(*headings: str, rows: Iterable[Sequence[str]], indent: int = 0) -> Table:
    """A plain table without lines around it."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        made.add_column((" " * indent if number == 0 else "") + heading, overflow="fold")
    for row in rows:
        shown = (printable(cell, keep="") for cell in row)
        made.add_row(*(Text((" " * indent if number == 0 else "") + cell) for number, cell in enumerate(shown)))
    return made


def show_json(document: object) -> None:
    """A JSON document on standard output, in ASCII, so that no terminal and no locale can change or be changed by it."""
    click.echo(json.dumps(document, indent=2))


def say_at_once(text: str) -> None:
    """A line on standard error, from a signal handler: what interrupts a writing stream must not write to it."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


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
