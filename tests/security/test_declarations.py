"""What a schema says about its arguments: read to the letter, and missed where it is missing."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_core.security.declarations import OBJECT_ARGUMENTS, Declared, read_declarations, undeclared, values_of

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sec="urn:mpf:security"'


def schema(**declarations: str) -> etree._Element:
    """A schema with these elements; what is not empty is the declaration's attributes."""
    elements = "".join(
        f'<xs:element name="{name}"><xs:annotation><xs:appinfo>{f"<sec:Object {one}/>" if one else ""}</xs:appinfo>'
        "</xs:annotation></xs:element>"
        for name, one in declarations.items()
    )
    return etree.fromstring(f"<xs:schema {XS}>{elements}</xs:schema>")


@pytest.mark.parametrize("name", sorted(OBJECT_ARGUMENTS | {"homeServerDN", "poolFQDN", "primaryURI"}))
def test_what_holds_an_object_by_its_name_must_be_declared(name: str) -> None:
    one = schema(**{name: "", "harmless": ""})
    assert list(undeclared(one, {})) == [name]
    assert list(undeclared(one, {name: Declared("none", "")})) == []


def test_declarations_are_read() -> None:
    one = schema(organization='kind="object" needs="UserCreators"', user='kind="none"', other="")
    assert read_declarations(one) == {"organization": Declared("object", "UserCreators"), "user": Declared("none", "")}


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ('kind="objekt" needs="UserCreators"', "did you mean 'object'"),
        ('kind="object" needs="UserCreator"', "did you mean 'UserCreators'"),
        ('kind="object"', "kind and needs"),
        ('needs="Users"', "kind and needs"),
        ('kind="none" needs="Users"', "kind='none' alone"),
        ('kind="object" needs="Users" more="x"', "kind and needs"),
    ],
)
def test_mistakes_are_told(declaration: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_declarations(schema(organization=declaration))


def test_words_of_other_policies_are_taken_as_they_are() -> None:
    assert read_declarations(schema(volume='kind="volume" needs="Janitors"')) == {"volume": Declared("volume", "Janitors")}


def test_every_value_counts_wherever_it_stands_and_all_of_it() -> None:
    data = etree.fromstring(
        "<executeData><user> a </user><x><user>b<i>c</i>d</user></x><user/><y:user xmlns:y='urn:y'>e</y:user><org>f</org></executeData>"
    )
    assert list(values_of(data, {"user": Declared("object", "Users")})) == [("user", "a"), ("user", "bcd"), ("user", "e")]
