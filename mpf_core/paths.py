"""Paths: compiled XPath, relative to a named node.

In a namespace file a path is any XPath 1.0 without extension functions. In a request it is a plain location path: child and
attribute steps, positions and simple predicates; nothing there can climb, compute, or take long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element

_NAME = r"[A-Za-z_][\w.-]*"
_LITERAL = r"(?:'[^']*'|\"[^\"]*\")"
_PREDICATE = rf"\[\s*(?:\d+|@?{_NAME}|@?{_NAME}\s*=\s*{_LITERAL})\s*\]"
_STEP = rf"(?:\.|\*|{_NAME})(?:{_PREDICATE})*"
_PLAIN = re.compile(rf"(?:{_STEP}(?:/{_STEP})*(?:/@(?:{_NAME}|\*))?|@(?:{_NAME}|\*))")
_CREATABLE = re.compile(rf"(?:{_NAME}(?:/{_NAME})*)?(?:/?@{_NAME})?")
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_FORBIDDEN_CALL = re.compile(r"[\w.-]+:[\w.-]+\s*\(|\b(?:document|unparsed-entity-uri)\s*\(")

#: An attribute or text node, as (owner element, attribute name or None, value); elements stand for themselves.
Selected: TypeAlias = "Element | Atom"


@dataclass(frozen=True, slots=True)
class Atom:
    """An attribute or a text node that a path selected, or a computed string, number or boolean (no ``owner`` then)."""

    value: str
    owner: Element | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A path and its compiled form; an empty path is the named node itself."""

    text: str
    xpath: etree.XPath | None
    creatable: tuple[str, ...] | None
    #: The name, where the path is one plain name: by far the most common path, and cheaper without XPath.
    child: str | None = None

    def select(self, node: Element) -> list[Selected]:
        """All nodes that the path selects from ``node``, in document order.

        Raises INVALID_SELECTION when XPath itself fails (an unknown variable, say).
        """
        if self.child is not None:
            return list(node.iterchildren(self.child))
        if self.xpath is None:
            return [node]
        try:
            result = self.xpath(node)
        except etree.XPathError as error:
            raise MpfError(Code.INVALID_SELECTION, f"The path '{self.text}' failed: {error}.") from error
        if isinstance(result, list):
            return [item if isinstance(item, etree._Element) else _atom(item) for item in result]
        return [Atom(_scalar(result))]

    def holds(self, node: Element) -> bool:
        """Whether the path selects something; for a computed value, XPath's ``boolean()`` of it."""
        if self.xpath is None:
            return True
        try:
            result = self.xpath(node)
        except etree.XPathError as error:
            raise MpfError(Code.INVALID_SELECTION, f"The path '{self.text}' failed: {error}.") from error
        return bool(result) and result == result  # noqa: PLR0124 - NaN is false in XPath

    def create(self, node: Element) -> Element | Atom:
        """Create the elements of a plain child path below ``node`` that are missing, and return the last one.

        Raises NOT_FOUND when the path is not plain enough to be created.
        """
        if self.creatable is None:
            raise MpfError(Code.NOT_FOUND, f"The destination path '{self.text}' selects nothing and cannot be created.")
        for name in self.creatable:
            if name.startswith("@"):
                return Atom("", node, name[1:])
            child = next(node.iterchildren(name), None)
            node = etree.SubElement(node, name) if child is None else child
        return node


def _atom(item: object) -> Atom:
    owner = item.getparent() if isinstance(item, etree._ElementUnicodeResult) else None
    attribute = str(item.attrname) if isinstance(item, etree._ElementUnicodeResult) and item.is_attribute else None
    return Atom(str(item), owner, attribute)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def check_expression(text: str) -> str | None:
    """Say what is forbidden in an XPath expression of a namespace file, or ``None``."""
    found = _FORBIDDEN_CALL.search(_STRINGS.sub("''", text))
    return f"'{found.group().rstrip('( ')}' is an extension or reads documents: not allowed" if found else None


def compile_path(text: str | None, namespaces: Mapping[str, str] | None = None, *, plain: bool = False) -> Path:
    """Compile a path. ``plain`` is for requests: PATH_NOT_ALLOWED for more than a plain location path.

    Raises ``ValueError`` with the reason for a path that is no XPath. ``user/[@x='1']``, which two samples of the original
    write, is read as ``user[@x='1']``.
    """
    text = (text or "").strip().replace("/[", "[")
    if plain:
        if text and (len(text) > 1000 or not _PLAIN.fullmatch(text)):
            raise MpfError(
                Code.PATH_NOT_ALLOWED,
                f"The path '{text}' is not allowed in a request: use child and attribute steps, positions and simple "
                "predicates such as user[@type='admin'] or user[1].",
            )
        return _compile(text, ())
    forbidden = check_expression(text)
    if forbidden:
        raise ValueError(forbidden)
    return _compile(text, tuple(sorted(namespaces.items())) if namespaces else ())


@lru_cache(maxsize=4096)
def _compile(text: str, namespaces: tuple[tuple[str, str], ...]) -> Path:
    if text in {"", "."}:
        return Path("", None, ())
    try:
        xpath = etree.XPath(text, namespaces=dict(namespaces) or None, regexp=False)
    except etree.XPathSyntaxError as error:
        raise ValueError(f"'{text}' is no XPath: {error}") from error
    creatable = None
    if _CREATABLE.fullmatch(text):
        creatable = tuple(part for part in text.replace("@", "/@").split("/") if part)
    return Path(text, xpath, creatable, text if re.fullmatch(_NAME, text) else None)
