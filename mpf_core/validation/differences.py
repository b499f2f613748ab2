"""Where libxml2 and xmlschema are known to disagree about a value.

libxml2 decides what is accepted. The table says where xmlschema would have said otherwise: a refusal of that kind is
explained in libxml2's words, and a value that only libxml2 accepts is accepted. Each row is proven by a test, so a release
of either library that changes its mind shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of a type that libxml2 accepts and xmlschema refuses, or the other way round (``accepted`` is False)."""

    type: str
    value: str
    accepted: bool
    reason: str
    pattern: str | None = None


DIFFERENCES: tuple[Difference, ...] = (
    Difference("anyURI", "http://[", False, "xmlschema accepts any text that its URL splitter does not choke on"),
    Difference("anyURI", "%zz", False, "xmlschema does not look at percent escapes"),
    Difference("anyURI", "24:00:00", False, "xmlschema does not look at the scheme"),
    Difference("anyURI", "a#b#c", False, "xmlschema accepts one # too many"),
    Difference("base64Binary", "2024-02-29", True, "libxml2 skips characters that are not of the alphabet"),
    Difference("boolean", "\u00a01", False, "xmlschema strips a no-break space"),
    Difference("decimal", "1 2", False, "xmlschema removes inner white space"),
    Difference("double", "1e", True, "libxml2 accepts an exponent without digits"),
    Difference("float", "1e", True, "libxml2 accepts an exponent without digits"),
    Difference("gYear", "9223372036854775808", False, "xmlschema fails with an OverflowError"),
    Difference("hexBinary", "\u2003", False, "xmlschema strips any Unicode space"),
    Difference("int", "1_000", False, "xmlschema reads what Python's int() reads"),
    Difference("int", "\u0661", False, "xmlschema reads non-ASCII digits"),
    Difference("int", "1\u00a0", False, "xmlschema strips a no-break space"),
    Difference("NCName", "\u0661", False, "xmlschema lets a name begin with a non-ASCII digit"),
    Difference("NMTOKEN", "1\u00a0", False, "xmlschema strips a no-break space"),
    Difference("NMTOKENS", "", True, "libxml2 accepts an empty list"),
    Difference("string", "_", False, "to xmlschema an underscore is a word character", r"\w+"),
    Difference("string", "\u20ac", True, "to libxml2 a symbol is a word character, as the specification says", r"\w+"),
    Difference("string", "a\u0301", True, "to libxml2 a combining mark is a word character", r"\w+"),
    Difference("string", "\u00a0", False, "to xmlschema a no-break space is white space", r"\s+"),
    Difference("string", "\u00a0", True, "to libxml2 a no-break space is not white space", r"\S+"),
    Difference("string", "\u20ac", False, "xmlschema's name characters are wider than those of XML 1.0", r"\c+"),
    Difference("string", "\u0661", False, "xmlschema's initial name characters are wider", r"\i\c*"),
    Difference("string", "\u4e2d", False, "libxml2's tables of Unicode are older: no CJK letters", r"\p{L}+"),
)
