"""The tree of calls of a request, on standard error: the response alone is on standard output."""

from __future__ import annotations

import json

import click
from lxml import etree
from rich.text import Text
from rich.tree import Tree

from mpf_core.cli.console import err
from mpf_core.cli.times import duration
from mpf_core.printable import printable
from mpf_core.tracing import Span, Trace


def show_trace(trace: Trace, *, as_json: bool) -> None:
    """Print a trace: a tree for people, or one JSON document."""
    if as_json:
        click.echo(json_of(trace), err=True)
        return
    tree = Tree(Text(f"transaction {trace.transaction_id}", "bold"))
    for call in trace.calls:
        _grow(tree, call)
    err().print(tree, soft_wrap=True)


def json_of(trace: Trace) -> str:
    """A trace as one JSON document."""
    return json.dumps(trace.as_json(), indent=2)


def _grow(tree: Tree, span: Span) -> None:
    head = Text()
    head.append(f"{span.sequence}. {printable(span.procedure)}", "red" if span.error else "bold")
    head.append(f"  {duration(span.seconds)}", "dim")
    if span.identity:
        head.append(f"  as {printable(span.identity)} ({span.identity_kind})", "yellow" if span.elevated else "")
    branch = tree.add(head)
    if span.elevated:
        branch.add(Text(f"elevated: {printable(span.elevated)}", "yellow"))
    for sign, text in (("in ", span.data), ("out", "" if span.result == span.data else span.result)):
        for line in _lines(text):
            branch.add(Text(f"{sign} {printable(line)}", "dim"))
    for call in span.calls:
        _grow(branch, call)
    if span.error:
        branch.add(Text(f"failed: {printable(span.error)}", "red"))
    if span.outcome:
        branch.add(Text(f"write: {span.outcome}"))


def _lines(document: str) -> list[str]:
    """The children of executeData, one line each."""
    if not document:
        return []
    try:
        root = etree.fromstring(document)
    except etree.XMLSyntaxError:  # it was cut
        return [document]
    return [" ".join(etree.tostring(child, encoding="unicode", with_tail=False).split()) for child in root]
