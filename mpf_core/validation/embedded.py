"""Reading the ``Schema`` element of a namespace file: what may stand there, and what is wrong with what does."""

from __future__ import annotations

import difflib
import re

from lxml import etree

from mpf_core import xml
from mpf_core.errors import ConfigError, Violation
from mpf_core.provider import Element
from mpf_core.validation.twin import XS, xs
from mpf_core.validation.validator import readable
from mpf_core.validation.wording import XDR, XDR_HINT

_FORBIDDEN = frozenset({xs("include"), xs("import"), xs("redefine")})
_UNRESOLVED = re.compile(r"The QName value '\{http://www\.w3\.org/2001/XMLSchema\}(\w+)' does not resolve")
_BUILT_INS = (
    *("string", "boolean", "decimal", "float", "double", "duration", "dateTime", "time", "date", "hexBinary"),
    *("base64Binary", "anyURI", "QName", "normalizedString", "token", "language", "NMTOKEN", "Name", "NCName", "ID"),
    *("integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedLong"),
    *("unsignedInt", "unsignedShort", "unsignedByte", "nonPositiveInteger", "negativeInteger", "anyType"),
)
_MAX_LINE = 65535


def read_schema(schema_element: Element, file: str) -> Element:
    """The ``xs:schema`` inside an embedded ``Schema`` element, as the root of a document of its own.

    Raises ConfigError whose ``problems`` list every mistake with file, line and XPath.
    """

    def problem(element: Element, message: str) -> ConfigError:
        violation = Violation(message, xml.xpath_of(element), xml.line_of(element), file)
        return ConfigError("The schema is wrong.", [violation])

    children = list(schema_element.iterchildren(etree.Element))
    if any(etree.QName(each).namespace == XDR for each in (schema_element, *children)):
        raise problem(schema_element, f"T{XDR_HINT[1:]}.")
    if len(children) != 1 or children[0].tag != xs("schema"):
        names = ", ".join(f"<{each.tag}>" for each in children) or "nothing"
        raise problem(schema_element, f"Schema must hold one xs:schema (of the namespace {XS}); it holds {names}.")
    embedded = children[0]
    forbidden = [
        problem(each, f"xs:{etree.QName(each).localname} is not allowed: a schema reads no other file.").problems[0]
        for each in embedded.iterchildren(*_FORBIDDEN)
    ]
    if forbidden:
        raise ConfigError("The schema is wrong.", forbidden)
    if not any(each.tag == xs("element") and each.get("name") == "executeData" for each in embedded):
        raise problem(embedded, "The schema must declare the element that calls are checked against: executeData.")
    schema = _detached(embedded)
    violations = _compile_errors(schema, embedded, file)
    if violations:
        raise ConfigError("The schema is wrong.", violations)
    return schema


def _detached(embedded: Element) -> Element:
    """A document of its own, with the prefixes that its QNames use and the lines of the file."""
    schema = etree.fromstring(xml.serialize(embedded), xml.schema_parser())
    for own, original in zip(schema.iter(), embedded.iter(), strict=True):
        own.sourceline = min(xml.line_of(original) or 1, _MAX_LINE)
    return schema


def _compile_errors(schema: Element, embedded: Element, file: str) -> list[Violation]:
    try:
        etree.XMLSchema(schema)
    except etree.XMLSchemaParseError as error:
        found = [(_hint(entry.message), entry.line or None) for entry in error.error_log] or [(str(error), None)]
        return [Violation(text, xml.xpath_of(_place(embedded, text, line)), line, file) for text, line in found]
    return []


def _place(embedded: Element, message: str, line: int | None) -> Element:
    """The element that a message of libxml2 is about: on its line, and with the name it quotes, if there is one."""
    there = [each for each in embedded.iter(etree.Element) if xml.line_of(each) == line]
    named = [each for each in there if f"{each.get('name')}'" in message]
    return next(iter(named or there), embedded)


def _hint(message: str) -> str:
    unresolved = _UNRESOLVED.search(message)
    close = difflib.get_close_matches(unresolved[1], _BUILT_INS, 1) if unresolved else []
    text = readable(message, "")
    return f"{text} Did you mean 'xs:{close[0]}'?" if close else text
