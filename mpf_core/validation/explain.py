"""Errors of xmlschema as text for people: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable

from lxml import etree
from xmlschema import XMLSchemaChildrenValidationError, XMLSchemaValidationError
from xmlschema.validators import (
    XMLSchemaDecodeError,
    XsdAttributeGroup,
    XsdElement,
    XsdEnumerationFacets,
    XsdGroup,
    XsdPatternFacets,
)

from mpf_core import xml
from mpf_core.errors import Violation
from mpf_core.provider import Element

XDR = "urn:schemas-microsoft-com:xml-data"
XDR_HINT = (
    f"this is an XDR schema ({XDR}), as MPF 1.0 wrote them; only XSD is supported: rewrite it as "
    '<Schema name="..."><xs:schema targetNamespace="..."> with a root element executeData'
)

_ATTRIBUTE = re.compile(r"attribute ([^\s=]+)=(?:'.*?'|\".*?\"): (.*)", re.DOTALL)
_ATTRIBUTE_NOT_ALLOWED = re.compile(r"'(.+)' attribute not allowed")
_ATTRIBUTE_MISSING = re.compile(r"missing required attribute '(.+)'")
_SECRET = re.compile(r"passw|pwd|secret|credential|token", re.IGNORECASE)
_LONGEST_VALUE = 80


def explain(error: XMLSchemaValidationError, file: str = "") -> Violation:
    """One error of xmlschema as a violation, with the XPath and the line of the element or attribute it is about."""
    found: object = error.elem
    element = found if isinstance(found, etree._Element) else None
    path = xml.xpath_of(element) if element is not None else (error.path or "")
    if isinstance(error, XMLSchemaChildrenValidationError) and element is not None:
        if error.invalid_tag is None:
            return Violation(_incomplete(error, element), path, xml.line_of(element), file)
        child = list(element.iterchildren())[error.index]
        return Violation(_unexpected(error, element, child), xml.xpath_of(child), xml.line_of(child), file)
    message = (error.reason or "").strip()
    attribute = _ATTRIBUTE.match(message)
    if attribute:
        path, message = f"{path}/@{attribute[1]}", attribute[2]
    elif isinstance(error.validator, XsdAttributeGroup):
        message = _attribute(error.validator, message)
        return Violation(message, path, error.sourceline, file)
    return Violation(_value(error, message, path), path, error.sourceline, file)


def is_secret(name: str) -> bool:
    """Whether a value of that name must not be repeated in a message."""
    return _SECRET.search(name) is not None


def local_name(tag: object) -> str:
    """The name without its namespace."""
    return str(tag).rpartition("}")[2]


def summary(violations: list[Violation]) -> str:
    """The first violation, and how many more there are, as one sentence for an error's description."""
    first = violations[0]
    place = f"{first.path} (line {first.line}): " if first.line and first.path else first.path and f"{first.path}: "
    more = len(violations) - 1
    text = f"{place}{first.message}".rstrip(".")
    if text.endswith("?"):
        return f"{text} (And {more} more mistake{'s' if more > 1 else ''}.)" if more else text
    return f"{text} (and {more} more mistake{'s' if more > 1 else ''})." if more else f"{text}."


def _unexpected(error: XMLSchemaChildrenValidationError, parent: Element, child: Element) -> str:
    name = local_name(child.tag)
    if str(child.tag).startswith(f"{{{XDR}}}"):
        return XDR_HINT
    declared = _occurrences(error.validator)
    expected = _names(error.expected or ())
    count = sum(1 for _ in parent.iterchildren(child.tag))
    if child.tag not in declared:
        present = {local_name(sibling.tag) for sibling in parent if sibling.tag in declared}
        once = isinstance(error.validator, XsdGroup) and error.validator.model == "all"
        possible = [each for each in map(local_name, declared) if not (once and each in present)]
        close = difflib.get_close_matches(name, [each for each in possible if each != name], 1)
        text = f"The element '{local_name(parent.tag)}' has invalid child element '{name}'."
        if possible:
            text += f" List of possible elements expected: '{', '.join(possible)}'."
        else:
            text += " It takes no child elements."
        if close:
            text += f" Did you mean '{close[0]}'?"
        elif name in map(local_name, declared):
            text += f" This one is in the namespace '{etree.QName(child).namespace or ''}'."
        return text
    most = declared[str(child.tag)]
    if count > most:
        return f"The element '{name}' is given {count} times; it may be given {_times(most)}."
    if expected and name not in expected:
        return f"The element '{name}' is out of place: {_one_of(expected)} must come first."
    return f"The element '{name}' is out of place here."


def _incomplete(error: XMLSchemaChildrenValidationError, parent: Element) -> str:
    names = _names(error.expected or ())
    inside = f"The element '{local_name(parent.tag)}' is not complete"
    if not names:
        return f"{inside}."
    if isinstance(error.validator, XsdGroup) and error.validator.model == "all":
        return f"{inside}: {_list(names)} {'is' if len(names) == 1 else 'are'} missing."
    return f"{inside}: {_one_of(names)} must follow."


def _attribute(group: XsdAttributeGroup, reason: str) -> str:
    refused = _ATTRIBUTE_NOT_ALLOWED.match(reason)
    if refused:
        allowed = [name for name in group if name]
        close = difflib.get_close_matches(refused[1], allowed, 1)
        known = f"allowed are {_list(allowed)}" if allowed else "this element has no attributes"
        hint = f". Did you mean '{close[0]}'?" if close else "."
        return f"The attribute '{refused[1]}' is not allowed here; {known}{hint}"
    missing = _ATTRIBUTE_MISSING.match(reason)
    return f"The attribute '{missing[1]}' is missing." if missing else reason


def _value(error: XMLSchemaValidationError, reason: str, path: str) -> str:
    found: object = error.obj
    if found is None or isinstance(found, etree._Element | etree._Attrib):
        return _sentence(reason)
    if is_secret(path.rpartition("/")[2]):
        return "The value is not valid."
    text = str(found)
    value = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
    validator = error.validator
    if isinstance(validator, XsdEnumerationFacets):
        allowed = [str(each) for each in validator.enumeration]
        close = difflib.get_close_matches(text, allowed, 1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        return f"The value '{value}' is not allowed; allowed are {_list(allowed)}.{hint}"
    if not text:
        return "The value must not be empty."
    if isinstance(validator, XsdPatternFacets):
        return f"The value '{value}' does not match the pattern {' or '.join(validator.regexps)}."
    name = getattr(validator, "name", None)
    if isinstance(error, XMLSchemaDecodeError) and name:
        reason = f"it is not of the type {local_name(name)}"
    return f"The value '{value}' is not valid: {reason.rstrip('.')}."


def _occurrences(particle: object) -> dict[str, float]:
    """How often each child element may occur in a content model, at most."""
    if isinstance(particle, XsdElement):
        return {particle.name: math.inf if particle.max_occurs is None else particle.max_occurs}
    found: dict[str, float] = {}
    if isinstance(particle, XsdGroup):
        for item in particle:
            for name, most in _occurrences(item).items():
                before = found.get(name, 0)
                found[name] = max(before, most) if particle.model == "choice" else before + most
        if particle.max_occurs != 1:
            found = {name: math.inf if particle.max_occurs is None else most for name, most in found.items()}
    return found


def _names(particles: Iterable[object]) -> list[str]:
    names = [local_name(particle.name) for particle in particles if isinstance(particle, XsdElement)]
    return list(dict.fromkeys(names))


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _one_of(names: list[str]) -> str:
    return f"'{names[0]}'" if len(names) == 1 else f"one of {_list(names)}"


def _times(most: float) -> str:
    return "once" if most == 1 else f"{most:.0f} times"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
