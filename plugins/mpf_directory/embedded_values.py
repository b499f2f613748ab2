"""Values in the embedded directory: checked against their syntax, and turned into what is stored, compared and shown."""

from __future__ import annotations

import re
import sqlite3
from typing import NamedTuple

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn, fold, parse_guid
from mpf_directory.embedded_names import find
from mpf_directory.port import Value
from mpf_directory.results import Result, no_such_object
from mpf_directory.schema import Attribute, Syntax
from mpf_directory.sids import sid_to_octets, sid_to_text

Key = str | int | bytes

_INTEGER = re.compile(r"-?\d{1,19}")
_TIME = re.compile(r"\d{14}\.\d{1,6}Z")
_BITS = {Syntax.INTEGER: 31, Syntax.LARGE_INTEGER: 63}
_DN_BINARY = re.compile(r"B:(?P<length>\d{1,6}):(?P<digits>[0-9A-Fa-f]*):(?P<dn>.+)", re.IGNORECASE | re.DOTALL)


class Row(NamedTuple):
    """A value as it is stored: see the table in `embedded_store`."""

    key: Key
    data: Value | None
    target: int | None = None


def encode(db: sqlite3.Connection, attribute: Attribute, value: Value) -> Row:
    """A client's value, ready to be stored.

    Raises INVALID_ATTRIBUTE_SYNTAX for a value that is none of the attribute's syntax, CONSTRAINT_VIOLATION for one that
    is out of range, and NO_SUCH_OBJECT for a name of nothing.
    """
    if attribute.is_bytes:
        return _octets(attribute, value)
    text = _text(attribute, value)
    if attribute.syntax is Syntax.DN:
        return _named(db, text, "")
    if attribute.syntax is Syntax.DN_BINARY:
        return _dn_binary(db, attribute, text)
    return _plain(attribute, text)


def compared(db: sqlite3.Connection, attribute: Attribute, value: Value) -> Key | None:
    """The key that a stored value equal to a filter's ``value`` has; ``None`` when there can be none."""
    if attribute.is_bytes:
        return value if isinstance(value, bytes) else _octets_in_text(attribute, value)
    if attribute.syntax is Syntax.TEXT and isinstance(value, str):
        return fold(value)
    try:
        return encode(db, attribute, value).key
    except MpfError:
        return None


def shown(data: Value | None, target_dn: str | None) -> Value:
    """A stored value as a client sees it."""
    if target_dn is None:
        assert data is not None
        return data
    return f"{data}{target_dn}" if isinstance(data, str) else target_dn


def binary_prefix(digits: str) -> str:
    """What stands before the name in a DN with binary."""
    return f"B:{len(digits)}:{digits.upper()}:"


def _plain(attribute: Attribute, text: str) -> Row:
    match attribute.syntax:
        case Syntax.TEXT:
            _check_range(attribute, len(text))
            return Row(fold(text), text)
        case Syntax.INTEGER | Syntax.LARGE_INTEGER:
            number = _number(attribute, text)
            _check_range(attribute, number)
            return Row(number, str(number))
        case Syntax.BOOLEAN if text in ("TRUE", "FALSE"):
            return Row(text, text)
        case Syntax.TIME if _TIME.fullmatch(text):
            return Row(text, text)
    raise _bad(attribute, text)


def _octets_in_text(attribute: Attribute, text: str) -> bytes | None:
    """Octets in a filter: a GUID or a SID in text form, or octets that happen to be UTF-8, which a parser cannot know."""
    if attribute.key == "objectguid" and len(text) > 16:
        guid = parse_guid(text)
        return guid.bytes_le if guid else None
    if attribute.syntax is Syntax.SID and text.upper().startswith("S-1-"):
        try:
            return sid_to_octets(text)
        except ValueError:
            return None
    return text.encode()


def _octets(attribute: Attribute, value: Value) -> Row:
    if not isinstance(value, bytes):
        raise _bad(attribute, value)
    _check_range(attribute, len(value))
    if attribute.syntax is Syntax.SID:
        try:
            sid_to_text(value)
        except ValueError:
            raise _bad(attribute, value.hex()) from None
    return Row(value, value)


def _text(attribute: Attribute, value: Value) -> str:
    try:
        text = value.decode() if isinstance(value, bytes) else value
        text.encode()
    except UnicodeError:
        raise _bad(attribute, repr(value)) from None
    if not text or "\0" in text:
        raise _bad(attribute, text)
    return text


def _number(attribute: Attribute, text: str) -> int:
    if not _INTEGER.fullmatch(text) or not text.isascii():
        raise _bad(attribute, text)
    limit = 1 << _BITS[attribute.syntax]
    if not -limit <= (number := int(text)) < limit:
        raise _bad(attribute, text)
    return number


def _named(db: sqlite3.Connection, text: str, digits: str) -> Row:
    try:
        target = find(db, Dn.parse(text))
    except MpfError as error:
        raise MpfError(Result.INVALID_DN_SYNTAX, error.description) from None
    if target is None:
        raise no_such_object(text)
    if not digits:
        return Row(str(target), None, target)
    return Row(f"{digits}:{target}", binary_prefix(digits), target)


def _dn_binary(db: sqlite3.Connection, attribute: Attribute, text: str) -> Row:
    found = _DN_BINARY.fullmatch(text)
    if found is None or int(found["length"]) != len(found["digits"]) or len(found["digits"]) % 2 or not found["digits"]:
        raise _bad(attribute, text)
    _check_range(attribute, len(found["digits"]) // 2)
    return _named(db, found["dn"], found["digits"].upper())


def _check_range(attribute: Attribute, measure: int) -> None:
    too_small = attribute.lower is not None and measure < attribute.lower
    if too_small or (attribute.upper is not None and measure > attribute.upper):
        limits = f"{'' if attribute.lower is None else attribute.lower}..{attribute.upper}"
        raise MpfError(Result.CONSTRAINT_VIOLATION, f"A value of {attribute.name} is out of range ({limits}).")


def _bad(attribute: Attribute, value: object) -> MpfError:
    shown = "" if attribute.secret else f": {value!s:.100}"
    return MpfError(Result.INVALID_ATTRIBUTE_SYNTAX, f"A value of {attribute.name} has the wrong syntax{shown}")
