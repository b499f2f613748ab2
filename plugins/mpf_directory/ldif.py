"""LDIF, the text form of directory data (RFC 2849)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

from mpf_directory.port import Entry, Value

#: RFC 2849, SAFE-STRING; encoded too is text with a blank at the end, because editors lose such blanks, or with control
#: characters, which terminals obey.
_SAFE = re.compile(r"(?![ :<])[\t\x20-\x7e]*(?<! )")
_WIDTH = 76


def attribute_lines(name: str, values: Iterable[Value]) -> Iterator[str]:
    """The lines, without line ends, of an attribute: one value each, encoded where it is no safe text, and folded."""
    for value in values:
        if isinstance(value, str) and _SAFE.fullmatch(value):
            line = f"{name}: {value}"
        else:
            octets = value.encode() if isinstance(value, str) else value
            line = f"{name}:: {base64.b64encode(octets).decode('ascii')}"
        yield line[:_WIDTH]
        for start in range(_WIDTH, len(line), _WIDTH - 1):
            yield f" {line[start : start + _WIDTH - 1]}"


def entry_record(entry: Entry) -> str:
    """One entry as a record with a line end: its name, objectClass, then the other attributes by name."""
    lines = [*attribute_lines("dn", [str(entry.dn)]), *attribute_lines("objectClass", entry.values("objectClass"))]
    for name in sorted(entry.attributes, key=str.lower):
        if name.lower() not in ("objectclass", "distinguishedname"):
            lines += attribute_lines(name, entry.attributes[name])
    return "\n".join(lines) + "\n"


def entries_to_ldif(entries: Iterable[Entry]) -> Iterator[str]:
    """A file of entries, piece by piece: the version line, then the records, each after an empty line."""
    yield "version: 1\n"
    for entry in entries:
        yield "\n" + entry_record(entry)
