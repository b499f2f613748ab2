"""The errors that procedures themselves raise, read from their steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from mpf_core.errors import format_hresult, parse_hresult
from mpf_core.graph import RAISES, condition
from mpf_core.model import Execute, Procedure, Step, Try
from mpf_core.transforms import XSL
from scripts.write_reference.book import Book, Name

#: Raises the error that was caught again, unless it is the one that it is told to expect.
RETHROWS = ("Managed Active Directory", "RethrowError_")


@dataclass(frozen=True, slots=True)
class Raised:
    """A SetError: ``code`` and ``text`` as far as they are written down, the procedure, when it is reached.

    ``passed_on`` says that it raises again what was caught.
    """

    code: str
    text: str
    source: Name
    when: str
    passed_on: bool = False


def raised_by(procedure: Procedure, book: Book) -> list[Raised]:
    """What ``procedure`` raises, and what the procedures that it calls raise, at any depth, unless it is caught for good."""
    return list(dict.fromkeys(_raised(procedure, procedure.steps, book, (procedure.full_name,))))


def _raised(procedure: Procedure, steps: Sequence[Step], book: Book, outer: tuple[str, ...]) -> Iterator[Raised]:
    """``outer`` are the procedures that are being looked at already: some call themselves."""
    for step in steps:
        if isinstance(step, Try):
            tried = _raised(procedure, step.body, book, outer)
            yield from (one for one in tried if not _swallows(step.catch, one))
            yield from _raised(procedure, step.catch, book, outer)
        elif isinstance(step, Execute) and (step.namespace, step.procedure) == RAISES:
            yield _read(procedure, step)
        elif isinstance(step, Execute):
            called = book.get((step.namespace, step.procedure))
            if called is not None and called.full_name not in outer:
                found = _raised(called, called.steps, book, (*outer, called.full_name))
                yield from (one for one in found if not one.passed_on)


def _read(procedure: Procedure, step: Execute) -> Raised:
    code, text = _argument(step, "hr"), _argument(step, "desc")
    when = " and ".join(condition(one) for one in step.when)
    try:
        code = format_hresult(parse_hresult(code))
    except ValueError:
        return Raised(code, text, (procedure.namespace, procedure.name), when, passed_on=True)
    return Raised(code, text, (procedure.namespace, procedure.name), when)


def _swallows(catch: Sequence[Step], error: Raised) -> bool:
    """Whether a catch lets the request go on after ``error``.

    One that calls RethrowError_ does so for the error that it expects, one that calls SetError never, any other always.
    """
    for step in catch:
        if isinstance(step, Execute) and (step.namespace, step.procedure) == RETHROWS:
            expected, text = (_argument(step, name) for name in ("expectedCode", "expectedText"))
            return expected.lower() == error.code and text in error.text
        if isinstance(step, Execute) and (step.namespace, step.procedure) == RAISES:
            return False
    return True


def _argument(step: Execute, name: str) -> str:
    """An argument of SetError: what is written down, or where it comes from, in braces."""
    literal = step.execute_data.findtext(name) if step.execute_data is not None else None
    if literal:
        return literal.strip()
    for before in step.before:
        for template in before.templates:
            for made in template.iter(name):
                return _text(made)
        if name in {before.destination_path.text, before.source_path.text.rpartition("/")[2]} and not before.templates:
            return f"{{{before.source_path.text}}}"
    return ""


def _text(element: etree._Element) -> str:
    """What a template writes, values as ``{path}``, one case of a choice behind the other."""
    text = element.text or ""
    for child in element.iterchildren(etree.Element):
        tag = child.tag
        if tag == f"{{{XSL}}}value-of":
            text += f"{{{child.get('select', '')}}}"
        elif tag == f"{{{XSL}}}choose":
            text += "/".join(_text(case) for case in child)
        else:
            text += _text(child)
        text += child.tail or ""
    return re.sub(r"\s+", " ", text).strip()
