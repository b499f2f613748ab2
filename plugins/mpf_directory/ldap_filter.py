"""A `Filter` as LDAP sends it, made from the tree itself.

The library's own way leads through a text that it parses again, where it takes escaped characters apart a second time and
drops blanks of values.
"""

from __future__ import annotations

from typing import Any

from ldap3.protocol import rfc4511 as asn1

from mpf_directory.filters import And, Compare, Extensible, Filter, Not, Or, Present, Relation, Substring

_COMPARISONS = {
    Relation.EQUAL: ("equalityMatch", asn1.EqualityMatch),
    Relation.APPROXIMATE: ("approxMatch", asn1.ApproxMatch),
    Relation.AT_LEAST: ("greaterOrEqual", asn1.GreaterOrEqual),
    Relation.AT_MOST: ("lessOrEqual", asn1.LessOrEqual),
}

#: Servers of old know no empty sets (RFC 4526).
_ANYTHING = Present("objectClass")


def encode_filter(filter: Filter) -> Any:  # noqa: A002 - there is no other word for it
    """The ASN.1 object of RFC 4511, 4.5.1.7. TypeError for a kind of node that is not one of ours."""
    encoded = asn1.Filter()
    match filter:
        case Present(attribute):
            encoded["present"] = asn1.Present(asn1.AttributeDescription(attribute))
        case Compare(attribute, relation, value):
            name, kind = _COMPARISONS[relation]
            comparison = kind()
            comparison["attributeDesc"] = asn1.AttributeDescription(attribute)
            comparison["assertionValue"] = asn1.AssertionValue(_octets(value))
            encoded[name] = comparison
        case Substring(attribute, parts):
            encoded["substringFilter"] = _substring(attribute, parts)
        case Extensible(attribute, rule, value):
            extensible = asn1.ExtensibleMatch()
            extensible["matchingRule"] = asn1.MatchingRule(rule)
            extensible["type"] = asn1.Type(attribute)
            extensible["matchValue"] = asn1.MatchValue(_octets(value))
            extensible["dnAttributes"] = asn1.DnAttributes(False)
            encoded["extensibleMatch"] = extensible
        case And(()):
            return encode_filter(_ANYTHING)
        case Or(()):
            return encode_filter(Not(_ANYTHING))
        case And(filters):
            encoded["and"] = _several(asn1.And(), filters)
        case Or(filters):
            encoded["or"] = _several(asn1.Or(), filters)
        case Not(inner):
            negation = asn1.Not()
            negation["innerNotFilter"] = encode_filter(inner)
            # The library declares the recursive type in two steps, and only the first of them is checked.
            encoded.setComponentByName("notFilter", negation, verifyConstraints=False)
        case _:
            raise TypeError(f"{type(filter).__name__} is no search filter")
    return encoded


def _several(into: Any, filters: tuple[Filter, ...]) -> Any:
    for position, inner in enumerate(filters):
        into[position] = encode_filter(inner)
    return into


def _substring(attribute: str, parts: tuple[str, ...]) -> Any:
    first, *between, last = parts
    pieces = [("initial", asn1.Initial, first), *(("any", asn1.Any, part) for part in between), ("final", asn1.Final, last)]
    substrings = asn1.Substrings()
    for position, (name, kind, text) in enumerate(piece for piece in pieces if piece[2]):
        substrings[position] = asn1.Substring().setComponentByName(name, kind(_octets(text)))
    encoded = asn1.SubstringFilter()
    encoded["type"] = asn1.AttributeDescription(attribute)
    encoded["substrings"] = substrings
    return encoded


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
