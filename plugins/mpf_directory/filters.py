"""Search filters: the only place where one is parsed or put together (RFC 4515).

A filter is a tree of small frozen nodes, so that the embedded directory can evaluate it and a server gets its text. The
parser is our own, because the library's turns the escaped value ``\\5c2a`` into a wildcard and drops blanks of values.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from mpf_core.errors import Code, MpfError

#: LDAP_MATCHING_RULE_IN_CHAIN: the attribute's links are followed transitively (nested group membership).
IN_CHAIN = "1.2.840.113556.1.4.1941"
#: LDAP_MATCHING_RULE_BIT_AND and BIT_OR: all, or any, of the bits of an integer are set.
BIT_AND = "1.2.840.113556.1.4.803"
BIT_OR = "1.2.840.113556.1.4.804"

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+")
_ITEM = re.compile(
    r"\ *(?P<attribute>[^=~<>:()*\\\s]+)\ *(?P<op>=|~=|>=|<=|:(?P<rule>[0-9A-Za-z.-]+):=)(?P<value>[^()\x00]*)"
)
_ESCAPE = re.compile(r"(?:\\[0-9A-Fa-f]{2})+|\\")
_SPECIAL = re.compile(r"[\\*()\x00-\x1f\x7f]")
_DEEPEST = 50


class Filter(ABC):
    """A search filter. ``str()`` is its RFC 4515 text; equal trees are equal.

    The builders check attribute names and escape values: raise E_INVALIDARG for a name that cannot be one.
    """

    __slots__ = ()

    @staticmethod
    def parse(text: str) -> Filter:
        """Read a filter; the outermost parentheses may be missing (spec: helpers-and-ad-providers.md, 3.5).

        Raises E_INVALIDARG with the position for anything that is none.
        """
        return _Parser(text).parse()

    @staticmethod
    def eq(attribute: str, value: str | bytes) -> Filter:
        """``attribute`` has ``value``."""
        return Compare(_attribute(attribute), Relation.EQUAL, value)

    @staticmethod
    def present(attribute: str) -> Filter:
        """``attribute`` has any value."""
        return Present(_attribute(attribute))

    @staticmethod
    def starts_with(attribute: str, prefix: str) -> Filter:
        """``attribute`` has a value that begins with ``prefix``; an empty prefix means `present`."""
        return Substring(_attribute(attribute), (prefix, "")) if prefix else Filter.present(attribute)

    @staticmethod
    def ends_with(attribute: str, suffix: str) -> Filter:
        """``attribute`` has a value that ends in ``suffix``, which is not empty."""
        return Substring(_attribute(attribute), ("", suffix))

    @staticmethod
    def in_chain(attribute: str, value: str) -> Filter:
        """``attribute`` leads to the object ``value`` directly or through other objects (nested groups)."""
        return Extensible(_attribute(attribute), IN_CHAIN, value)

    @staticmethod
    def and_(*filters: Filter) -> Filter:
        """All of ``filters`` hold."""
        return And(filters)

    @staticmethod
    def or_(*filters: Filter) -> Filter:
        """At least one of ``filters`` holds."""
        return Or(filters)

    @staticmethod
    def not_(inner: Filter) -> Filter:
        """``inner`` does not hold."""
        return Not(inner)

    @abstractmethod
    def __str__(self) -> str: ...


class Relation(Enum):
    """How `Compare` compares."""

    EQUAL = "="
    APPROXIMATE = "~="
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Present(Filter):
    """``(attribute=*)``"""

    attribute: str

    def __str__(self) -> str:
        return f"({self.attribute}=*)"


@dataclass(frozen=True, slots=True)
class Compare(Filter):
    """``(attribute=value)`` and its relatives. A value is bytes where its escapes are no text."""

    attribute: str
    relation: Relation
    value: str | bytes

    def __str__(self) -> str:
        return f"({self.attribute}{self.relation.value}{_escape(self.value)})"


@dataclass(frozen=True, slots=True)
class Substring(Filter):
    """``(attribute=first*...*last)``: two parts or more; the first and the last may be empty, those between are not."""

    attribute: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"({self.attribute}={'*'.join(map(_escape, self.parts))})"


@dataclass(frozen=True, slots=True)
class Extensible(Filter):
    """``(attribute:rule:=value)``"""

    attribute: str
    rule: str
    value: str | bytes

    def __str__(self) -> str:
        return f"({self.attribute}:{self.rule}:={_escape(self.value)})"


@dataclass(frozen=True, slots=True)
class And(Filter):
    """``(&...)``; true when empty."""

    filters: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"(&{''.join(map(str, self.filters))})"


@dataclass(frozen=True, slots=True)
class Or(Filter):
    """``(|...)``; false when empty."""

    filters: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"(|{''.join(map(str, self.filters))})"


@dataclass(frozen=True, slots=True)
class Not(Filter):
    """``(!...)``"""

    filter: Filter

    def __str__(self) -> str:
        return f"(!{self.filter})"


def _attribute(name: str) -> str:
    if not _ATTRIBUTE.fullmatch(name):
        raise MpfError(Code.E_INVALIDARG, f"{name!r:.100} is no attribute name")
    return name


def _escape(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return "".join(f"\\{byte:02x}" for byte in value)
    return _SPECIAL.sub(lambda found: f"\\{ord(found[0]):02x}", value)


def _unescape(text: str) -> str | bytes:
    """The value behind RFC 4515 escapes; bytes where they are no UTF-8. ValueError for a lone backslash."""
    if "\\" not in text:
        return text
    if any(found[0] == "\\" for found in _ESCAPE.finditer(text)):
        raise ValueError("a backslash needs two hexadecimal digits")
    raw = b"".join(_octets(text))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _octets(text: str) -> Iterator[bytes]:
    position = 0
    for found in _ESCAPE.finditer(text):
        yield text[position : found.start()].encode()
        yield bytes.fromhex(found[0].replace("\\", ""))
        position = found.end()
    yield text[position:].encode()


class _Parser:
    """Reads one filter; recursion is bounded, because a filter may come from a request."""

    def __init__(self, text: str) -> None:
        stripped = text.strip()
        self.text = stripped if stripped.startswith("(") else f"({stripped})"
        self.position = 0

    def parse(self) -> Filter:
        whole = self.filter(_DEEPEST)
        if self.position < len(self.text):
            raise self.error("something follows the filter")
        return whole

    def filter(self, depth: int) -> Filter:
        if depth == 0:
            raise self.error(f"more than {_DEEPEST} levels")
        self.expect("(")
        inner = self.operation(depth)
        self.expect(")")
        return inner

    def operation(self, depth: int) -> Filter:
        self.skip_blanks()
        operator = self.text[self.position : self.position + 1]
        if operator not in ("&", "|", "!"):
            return self.item()
        self.position += 1
        if operator == "!":
            return Not(self.filter(depth - 1))
        build: Callable[[tuple[Filter, ...]], Filter] = And if operator == "&" else Or
        return build(tuple(self.several(depth - 1)))

    def several(self, depth: int) -> Iterator[Filter]:
        self.skip_blanks()
        while self.text.startswith("(", self.position):
            yield self.filter(depth)
            self.skip_blanks()

    def item(self) -> Filter:
        found = _ITEM.match(self.text, self.position)
        if found is None or not _ATTRIBUTE.fullmatch(found["attribute"]):
            raise self.error("a comparison is expected")
        try:
            item = _item(found["attribute"], found["op"], found["rule"], found["value"])
        except ValueError as error:
            raise self.error(str(error)) from None
        self.position = found.end()
        return item

    def skip_blanks(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1

    def expect(self, char: str) -> None:
        self.skip_blanks()
        if not self.text.startswith(char, self.position):
            raise self.error(f"{char} is expected")
        self.position += 1

    def error(self, reason: str) -> MpfError:
        place = f"{reason} (character {self.position + 1})"
        return MpfError(Code.E_INVALIDARG, f"{self.text!r:.200} is no search filter: {place}")


def _item(attribute: str, op: str, rule: str | None, text: str) -> Filter:
    if rule:
        return Extensible(attribute, rule, _unescape(text))
    if op == "=" and text == "*":
        return Present(attribute)
    if "*" not in text:
        return Compare(attribute, Relation(op), _unescape(text))
    if op != "=":
        raise ValueError("a wildcard needs =")
    first, *between, last = (_unescape(part) for part in text.split("*"))
    parts = (first, *(part for part in between if part), last)
    if not any(parts):
        return Present(attribute)
    if not all(isinstance(part, str) for part in parts):
        raise ValueError("a wildcard needs text")
    return Substring(attribute, tuple(str(part) for part in parts))
