"""What a schema says about its arguments: read to the letter, and missed where it is missing."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_core.security.declarations import Declared, read_declarations, undeclared, values_of

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sec="urn:mpf:security"'


def schema(**declarations: str) -> etree._Element:
    """A schema with these elements; what is not empty is the declaration's attributes."""
    elements = "".join(
        f'<xs:element name="{name}"><xs:annotation><xs:appinfo>{f"<sec:Object {one}/>" if one else ""}</xs:appinfo>'
        "</xs:annotation></xs:element>"
        for name, one in declarations.items()
    )
    return etree.fromstring(f"<xs:schema {XS}>{elements}</xs:schema>")


#: From the documented procedures, by hand.
NAMES = [
    "contact",
    "container",
    "containerPath",
    "destination",
    "destinationContainer",
    "distinguishedName",
    "group",
    "hostingPath",
    "member",
    "newMember",
    "object",
    "objectPath",
    "org",
    "organization",
    "path",
    "source",
    "user",
    "userDN",
]


@pytest.mark.parametrize("name", [*NAMES, "homeServerDN", "poolFQDN", "primaryURI"])
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
    assert read_declarations(schema(subject='kind="subject" needs="Janitors"')) == {
        "subject": Declared("subject", "Janitors")
    }


def test_every_value_counts_wherever_it_stands_and_all_of_it() -> None:
    data = etree.fromstring(
        "<executeData><user> a </user><x><user>b<i>c</i>d</user></x><user/><y:user xmlns:y='urn:y'>e</y:user><org>f</org></executeData>"
    )
    assert list(values_of(data, {"user": Declared("object", "Users")})) == [("user", "a"), ("user", "bcd"), ("user", "e")]


def test_a_declaration_belongs_to_the_nearest_element_with_a_name() -> None:
    nested = f'<xs:schema {XS}><xs:element name="outer"><xs:complexType><xs:element name="inner"><sec:Object kind="none"/></xs:element></xs:complexType></xs:element></xs:schema>'
    assert read_declarations(etree.fromstring(nested)) == {"inner": Declared("none", "")}


@pytest.mark.parametrize("around", ["{}", "<xs:element>{}</xs:element>", '<xs:element name="">{}</xs:element>'])
def test_a_declaration_of_nothing_is_a_mistake(around: str) -> None:
    declared = around.format("<sec:Object kind='none'/>")
    with pytest.raises(ValueError, match="sec:Object belongs into the annotation of an xs:element with a name"):
        read_declarations(etree.fromstring(f"<xs:schema {XS}>{declared}</xs:schema>"))


def test_one_name_is_declared_in_one_way() -> None:
    element = '<xs:element name="user"><sec:Object kind="{}"/></xs:element>'
    same = etree.fromstring(f"<xs:schema {XS}>{element.format('none') * 2}</xs:schema>")
    assert read_declarations(same) == {"user": Declared("none", "")}
    other = element.format('object" needs="Users')
    with pytest.raises(ValueError, match="'user' is declared in two ways, and what counts is the name"):
        read_declarations(etree.fromstring(f"<xs:schema {XS}>{element.format('none')}{other}</xs:schema>"))


def test_what_is_needed_depends_on_the_kind() -> None:
    """What belongs to another kind is no word of this one, so that nobody is told to have meant it."""
    assert read_declarations(schema(a='kind="sip-domain" needs="claimed"'))["a"].needs == "claimed"
    with pytest.raises(ValueError, match=r"^the sec:Object of 'a' says 'claimd'; did you mean 'claimed'\?$"):
        read_declarations(schema(a='kind="sip-domain" needs="claimd"'))
    assert read_declarations(schema(a='kind="pool" needs="claimd"'))["a"].needs == "claimd"


def test_what_lacks_a_declaration_is_named_in_order() -> None:
    one = schema(user="", organization="", harmless="", path="")
    assert list(undeclared(one, {"path": Declared("none", "")})) == ["organization", "user"]


def test_the_call_itself_and_what_is_no_element_are_no_arguments() -> None:
    data = etree.fromstring("<user>all<!-- <user>x</user> --><?user y?></user>")
    assert list(values_of(data, {"user": Declared("object", "Users")})) == []


@pytest.mark.parametrize(
    ("kind", "needs", "meant"),
    [
        *((word[:-1], "Users", word) for word in ("object", "container", "pool", "upn", "sip-uri", "sip-domain", "none")),
        *(
            ("object", word[:-1], word)
            for word in ("DomainAdmins", "OrgCreators", "UserCreators", "ChildOrgCreators", "Users")
        ),
        ("pool", "assigne", "assigned"),
        ("upn", "owne", "owned"),
        ("sip-uri", "owne", "owned"),
        ("sip-domain", "owne", "owned"),
    ],
)
def test_a_word_that_is_nearly_one_is_a_mistake(kind: str, needs: str, meant: str) -> None:
    wrong = kind if meant.startswith(kind) else needs
    with pytest.raises(ValueError, match=rf"^the sec:Object of 'a' says '{wrong}'; did you mean '{meant}'\?$"):
        read_declarations(schema(a=f'kind="{kind}" needs="{needs}"'))
