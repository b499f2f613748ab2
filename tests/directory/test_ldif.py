"""LDIF: what is written can be read back by a reader of RFC 2849."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from mpf_directory.ldif import attribute_lines, entries_to_ldif, entry_record
from mpf_directory.port import Entry, Value
from tests.directory.support import BASE


def read_back(lines: list[str]) -> list[tuple[str, bytes]]:
    """A reader as the RFC describes it."""
    unfolded: list[str] = []
    for line in lines:
        if line.startswith(" "):
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    found = []
    for line in unfolded:
        name, _, rest = line.partition(":")
        octets = base64.b64decode(rest[1:].strip()) if rest.startswith(":") else rest.removeprefix(" ").encode()
        found.append((name, octets))
    return found


@given(st.lists(st.one_of(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=200))))
def test_any_values_survive(values: list[Value]) -> None:
    lines = list(attribute_lines("description", values))
    assert read_back(lines) == [("description", v.encode() if isinstance(v, str) else v) for v in values]
    assert all(len(line) <= 76 and line.isascii() and "\n" not in line for line in lines)


def test_plain_text_stays_readable() -> None:
    assert list(attribute_lines("cn", ["John Doe"])) == ["cn: John Doe"]
    assert list(attribute_lines("cn", [" x", ":x", "<x", "x ", "é"])) == [
        "cn:: IHg=",
        "cn:: Ong=",
        "cn:: PHg=",
        "cn:: eCA=",
        "cn:: w6k=",
    ]


def test_a_record_begins_with_name_and_classes() -> None:
    entry = Entry(BASE, {"dc": ("Fabrikam",), "objectClass": ("top", "domainDNS"), "distinguishedName": (str(BASE),)})
    assert entry_record(entry) == "dn: DC=Fabrikam,DC=Com\nobjectClass: top\nobjectClass: domainDNS\ndc: Fabrikam\n"
    assert "".join(entries_to_ldif([entry, entry])).count("\n\ndn:") == 2
