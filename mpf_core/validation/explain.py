"""Errors of xmlschema as text for people: what is wrong, and what would be right.

Only `mpf_core.validation.validator` imports this, when something is wrong: xmlschema takes long to load.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable

from lxml import etree
from xmlschema import XMLSchema10, XMLSchemaChildrenValidationError, XMLSchemaValidationError
from xmlschema.validators import (
    XMLSchemaDecodeError,
    XsdAttributeGroup,
    XsdElement,
    XsdEnumerationFacets,
    XsdGroup,
    XsdPatternFacets,
)

from mpf_core import redaction, xml
from mpf_core.errors import Violation
from mpf_core.provider import Element
from mpf_core.validation.wording import XDR, XDR_HINT, is_secret, local_name

_ATTRIBUTE = re.compile(r"attribute ([^\s=]+)=(?:'.*?'|\".*?\"): (.*)", re.DOTALL)
_ATTRIBUTE_NOT_ALLOWED = re.compile(r"'(.+)' attribute not allowed")
_ATTRIBUTE_MISSING = re.compile(r"missing required attribute '(.+)'")
_LONGEST_VALUE = 80


def explainer(schema: bytes) -> XMLSchema10:
    """What finds the errors of documents of this schema."""
    return XMLSchema10(schema.decode(), allow="none")


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


def is_about_missing(error: XMLSchemaValidationError, data: Element, arguments: Collection[str]) -> bool:
    """Whether an error of ``data`` would not be there, were these children there, which are reported as missing."""
    element: object = error.elem
    if not isinstance(error, XMLSchemaChildrenValidationError) or element is not data:
        return False
    expected = {local_name(each.name) for each in error.expected or () if each.name}
    misplaced = error.invalid_tag is None or error.invalid_tag in _declared(error)
    return misplaced and not expected.isdisjoint(arguments)


def _declared(error: XMLSchemaChildrenValidationError) -> set[str]:
    iterate = getattr(error.validator, "iter_elements", tuple)
    return {each.name for each in iterate() if each.name}


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
    shown = redaction.mask(text)  # before it is cut: a part of a secret is not known for one any more
    value = shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}..."
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
