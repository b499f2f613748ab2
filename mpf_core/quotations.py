"""The forms in which others quote a text: as it is, escaped for a language, or encoded for a protocol.

An error of a server, the LDIF of a change, the ``repr`` of an argument: a secret that is looked for as it is would be
missed there.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

#: Base64 writes three bytes as four characters: where a text begins in a group, and how many characters hold others' bits.
_OFFSETS = ((0, 0), (1, 2), (2, 3))
#: Of a text this short, base64 leaves too little that is certain.
_SHORTEST = 6
_ENCODINGS = ("utf-8", "utf-16-le")
_APOSTROPHE = {"'": "&apos;", '"': "&quot;"}
_BLANKS = str.maketrans("\t\r\n", "   ")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_SPECIAL_IN_DN = re.compile(r'([,+"\\<>;=#])')
_SPECIAL_IN_FILTER = re.compile(r"[*()\\\x00]")


def quotations(text: str) -> set[str]:
    """Every form of ``text``, itself too. Texts are escaped twice at most: a message in a document in a log."""
    escaped = {text} | {again for once in _escaped(text) for again in (once, *_escaped(once))}
    return escaped.union(_otherwise(text), _octets(text), *map(_bytes, escaped)) - {""}


def alone(text: str) -> set[str]:
    """The forms of a text that is too short to be looked for within others: where one of them stands alone, it is meant."""
    whole = [base64.b64encode(text.encode(encoding, "surrogatepass")).decode("ascii") for encoding in _ENCODINGS]
    others = {*_otherwise(text), *whole, *(one.rstrip("=") for one in whole)}
    return {text, *_escaped(text), *(one for one in others if len(one) >= _SHORTEST)} - {""}


def _escaped(text: str) -> Iterator[str]:
    yield escape(text)
    yield escape(text, {'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})
    yield repr(text)[1:-1]
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield quote(text, safe="", errors="replace")


def _otherwise(text: str) -> Iterator[str]:
    """What is not escaped again: other letters, other ways to write an entity or a URL, shells, SQL, LDAP, hexadecimal."""
    yield " ".join(text.split())  # as XML Schema makes a token of it, and a normalized string
    yield text.translate(_BLANKS)
    yield text.upper()
    yield text.lower()
    yield escape(text, _APOSTROPHE)
    for number in ("&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(one if one.isalnum() and one.isascii() else number.format(ord(one)) for one in text)
    for write, safe in ((quote, ""), (quote, "/"), (quote_plus, "")):
        quoted = write(text, safe, None, "replace")
        yield quoted
        yield _PERCENT.sub(lambda found: found[0].lower(), quoted)
    yield shlex.quote(text)[1:-1] if shlex.quote(text) != text else text
    yield text.replace("'", "''")
    yield _SPECIAL_IN_DN.sub(r"\\\1", text)
    yield _SPECIAL_IN_FILTER.sub(lambda found: f"\\{ord(found[0]):02x}", text)
    yield repr(text.encode("latin-1", "replace"))[2:-1]
    for encoding in _ENCODINGS:
        octets = text.encode(encoding, "surrogatepass")
        for digits in (octets.hex(), octets.hex().upper()):
            yield digits
            for between in (" ", ":", "-"):
                yield between.join(re.findall("..", digits))
            yield "".join(f"\\{pair}" for pair in re.findall("..", digits))


def _bytes(text: str) -> Iterator[str]:
    """As Python shows bytes: in UTF-8, and in the encoding of Active Directory's passwords."""
    for encoding in _ENCODINGS:
        yield repr(text.encode(encoding, "surrogatepass"))[2:-1]


def _octets(text: str) -> Iterator[str]:
    if len(text) >= _SHORTEST:
        for encoding in _ENCODINGS:
            yield from _base64(text.encode(encoding, "surrogatepass"))


def _base64(octets: bytes) -> Iterator[str]:
    """``octets`` in base64, wherever they begin in what is encoded; without the characters that others have a part in."""
    for offset, foreign in _OFFSETS:
        encoded = base64.b64encode(bytes(offset) + octets).decode("ascii").rstrip("=")
        rest = (offset + len(octets)) % 3
        yield encoded[foreign : len(encoded) - (1 if rest else 0)]
