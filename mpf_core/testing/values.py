"""Between Python values and the elements of executeData, for tests."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from lxml import etree

from mpf_core.provider import Element
from mpf_core.redaction import MASK, secret_free

#: Output as a test writes it: nothing, XML (one element or several), an element, or a mapping of names to such values.
Values: TypeAlias = "str | Element | Sequence[Element] | Mapping[str, Values] | None"


def elements(values: Values) -> list[Element]:
    """The elements for some output. In a mapping a key names an element, ``@key`` an attribute of the element around it.

    A list stands for several elements of that name. Raises ValueError for text that is no XML or is around the elements,
    TypeError for anything else.
    """
    if values is None:
        return []
    if isinstance(values, str):
        try:
            root = etree.fromstring(f"<output>{values}</output>")
        except etree.XMLSyntaxError as error:
            raise ValueError(f"no XML: {values!r} ({error})") from error
        if any(text and text.strip() for text in (root.text, *(child.tail for child in root))):
            raise ValueError(f"no element is around a part of the text: {values!r}")
        return list(root.iterchildren(etree.Element))
    if isinstance(values, etree._Element):
        return [copy.deepcopy(values)]
    if isinstance(values, Mapping):
        return [element for name, value in values.items() for element in _named(name, value)]
    given: object = values
    if not isinstance(given, list | tuple) or not all(isinstance(one, etree._Element) for one in given):
        raise TypeError(f"no output: {values!r}; it is XML, an element, a list of them, or a mapping")
    return [copy.deepcopy(one) for one in given]


def _named(name: str, value: object) -> Iterator[Element]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _named(name, one)
        return
    element = etree.Element(name)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.startswith("@"):
                element.set(key[1:], str(inner))
            else:
                element.extend(_named(key, inner))
    elif isinstance(value, bytes):
        raise TypeError(f"'{name}' is bytes: say how they are written, in base64 for example")
    elif value is not None:
        element.text = str(value)
    yield element


def text_arguments(data: Element) -> dict[str, str]:
    """The children of executeData that hold nothing but text, by name."""
    return {str(child.tag): (child.text or "").strip() for child in data.iterchildren(etree.Element) if len(child) == 0}


def fits(recorded: str, document: str) -> bool:
    """Whether two documents are the same but for white space around elements, and for what is masked in the first."""
    return _fits(etree.fromstring(recorded), etree.fromstring(document))


def _fits(recorded: Element, found: Element) -> bool:
    ours, theirs = list(recorded.iterchildren(etree.Element)), list(found.iterchildren(etree.Element))
    return (
        recorded.tag == found.tag
        and recorded.attrib.keys() == found.attrib.keys()
        and all(_like(str(value), str(found.attrib[name])) for name, value in recorded.attrib.items())
        and _like(recorded.text or "", found.text or "")
        and len(ours) == len(theirs)
        and all(_fits(*pair) and _like(pair[0].tail or "", pair[1].tail or "") for pair in zip(ours, theirs, strict=True))
    )


def _like(recorded: str, found: str) -> bool:
    parts = [re.escape(part) for part in recorded.strip().split(MASK)]
    return re.fullmatch(".*".join(parts), found.strip(), re.DOTALL) is not None


def canonical(data: Element) -> str:
    """executeData as canonical XML, with secrets masked and without white space around elements."""
    text: str = etree.canonicalize(etree.tostring(secret_free(data), encoding="unicode"), strip_text=True)
    return text
