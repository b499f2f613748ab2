"""Between Python values and the elements of executeData, for tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from lxml import etree

from mpf_core.provider import Element
from mpf_core.redaction import secret_free

#: Output as a test writes it: nothing, XML (one element or several), an element, or a mapping of names to such values.
Values: TypeAlias = "str | Element | Sequence[Element] | Mapping[str, Values] | None"


def elements(values: Values) -> list[Element]:
    """The elements for some output. In a mapping a key names an element, ``@key`` an attribute of the element around it.

    A list stands for several elements of that name. Raises ValueError for text that is no XML.
    """
    if values is None:
        return []
    if isinstance(values, str):
        try:
            return list(etree.fromstring(f"<output>{values}</output>"))
        except etree.XMLSyntaxError as error:
            raise ValueError(f"no XML: {values!r} ({error})") from error
    if isinstance(values, etree._Element):
        return [copy.deepcopy(values)]
    if isinstance(values, Mapping):
        return [element for name, value in values.items() for element in _named(name, value)]
    return [copy.deepcopy(one) for one in values]


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
    elif value is not None:
        element.text = str(value)
    yield element


def text_arguments(data: Element) -> dict[str, str]:
    """The children of executeData that hold nothing but text, by name."""
    return {str(child.tag): (child.text or "").strip() for child in data.iterchildren(etree.Element) if len(child) == 0}


def canonical(data: Element) -> str:
    """executeData as canonical XML, with secrets masked and without white space around elements."""
    text: str = etree.canonicalize(etree.tostring(secret_free(data), encoding="unicode"), strip_text=True)
    return text
