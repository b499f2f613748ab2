"""The errors that can come of a procedure: of its arguments and its role, of its steps, and of what they call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from mpf_core.errors import format_hresult, parse_hresult
from mpf_core.graph import RAISES, condition
from mpf_core.model import Access, Execute, Procedure, Step, Try
from mpf_core.transforms import XSL
from scripts.write_reference.book import Book, Name
from scripts.write_reference.provided import PROVIDED

_INVALID, _DENIED = "0x80070057", "0x80070005"
#: What the policy refuses besides callers without the role: kind and need of an argument.
_RELATIONS = {
    "pool": {"assigned": "the pool in {} is neither assigned to the organization, nor shared and available"},
    "sip-domain": {"claimed": "the organization may not claim the domain in {}"},
    "upn": {"owned": "the suffix in {} is another organization's"},
}
#: Raises the error that was caught again, unless it is the one that it is told to expect.
RETHROWS = ("Managed Active Directory", "RethrowError_")


@dataclass(frozen=True, slots=True)
class Raised:
    """An error: ``code`` and ``text`` as far as they are written down, the procedure that raises it, and when.

    Without a procedure, ``source`` says what raises it. ``passed_on`` is a SetError that raises again what was caught;
    ``words`` says that ``when`` is in words, and no condition of a step.
    """

    code: str
    text: str
    source: Name | str
    when: str
    passed_on: bool = False
    words: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its text may be once it is filled in; no text is any."""
        parts = re.split(r"\{[^{}]*\}", self.text)
        return re.compile(".+".join(map(re.escape, parts)) if self.text else ".*", re.DOTALL)


def errors_of(procedure: Procedure, book: Book) -> list[Raised]:
    """Everything that can come of ``procedure``, but for what the directory and the engine answer to anything."""
    return list(dict.fromkeys((*_of_arguments(procedure), *_of_role(procedure), *raised_by(procedure, book))))


def _of_arguments(procedure: Procedure) -> Iterator[Raised]:
    schema = procedure.input_schema
    if schema is None or not schema.arguments:
        return
    source = "the input schema"
    required = [one for one in schema.arguments if one.required]
    if required:
        text = "The required argument {argument} was not supplied."
        yield Raised(_INVALID, text, source, "a required argument is missing", words=True)
    if any(one.type == "string" for one in required):
        text = "The argument '{argument}' cannot be null."
        yield Raised(_INVALID, text, source, "a required argument is empty", words=True)
    yield Raised(_INVALID, "", source, "an argument is of another type or form, or is none of the procedure's", words=True)


def _of_role(procedure: Procedure) -> Iterator[Raised]:
    schema, role = procedure.input_schema, procedure.minimum_role
    if procedure.access is not Access.PUBLIC or schema is None or role is None:
        return
    source = "the policy"
    if role == "DomainAdmins":
        text = "Insufficient Privilege! Not Domain Administrator."
        yield Raised(_INVALID, text, source, "the caller is no domain administrator", words=True)
        if any(one.name == "preferredDomainController" for one in schema.arguments):
            yield Raised(_DENIED, "", "the directory", "the domain controller is not configured", words=True)
        return
    text = "Access denied: {reason}"
    yield Raised(_DENIED, text, source, f"the caller does not hold {role} over what the arguments name", words=True)
    for name, one in schema.declared.items():
        if one.kind in _RELATIONS and one.needs in _RELATIONS[one.kind]:
            yield Raised(_DENIED, text, source, _RELATIONS[one.kind][one.needs].format(name), words=True)


def raised_by(procedure: Procedure, book: Book) -> list[Raised]:
    """What ``procedure`` raises, and what the procedures that it calls raise, at any depth, unless it is caught for good."""
    found = _raised(procedure, procedure.steps, book, (procedure.full_name,))
    return list(dict.fromkeys((*_provided(procedure), *found)))


def _provided(procedure: Procedure) -> Iterator[Raised]:
    name = (procedure.namespace, procedure.name)
    return (Raised(one.code, one.text, name, one.when, words=True) for one in PROVIDED.get(name, ()))


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
                yield from (one for one in (*_provided(called), *found) if not one.passed_on)


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
