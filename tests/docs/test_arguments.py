"""What a schema says about its arguments: restrictions, what XML holds, and examples as elements."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_core.cli.samples import element_of
from mpf_core.validation.arguments import Argument
from mpf_core.validation.input_schema import InputSchema
from scripts.write_reference.arguments import arguments_table, restrictions

_XS = "http://www.w3.org/2001/XMLSchema"


def arguments(elements: str, types: str = "") -> tuple[Argument, ...]:
    """The arguments of a schema with these elements in executeData, and these global types."""
    schema = f"""<Schema name="inputSchema"><xs:schema xmlns:xs="{_XS}" xmlns="urn:x" targetNamespace="urn:x"
        elementFormDefault="qualified"><xs:element name="executeData"><xs:complexType><xs:sequence>{elements}</xs:sequence>
        </xs:complexType></xs:element>{types}</xs:schema></Schema>"""
    return InputSchema.compile(etree.fromstring(schema), file="test.xml").arguments


def documented(text: str, example: str = "") -> str:
    info = f'<xs:appinfo xmlns="http://provisioning.microsoft.com/examples">{example}</xs:appinfo>' if example else ""
    return f"<xs:annotation><xs:documentation>{text}</xs:documentation>{info}</xs:annotation>"


def simple(facets: str, base: str = "xs:string") -> str:
    return f'<xs:simpleType><xs:restriction base="{base}">{facets}</xs:restriction></xs:simpleType>'


@pytest.mark.parametrize(
    ("facets", "words"),
    [
        ("", ""),
        ('<xs:minLength value="1"/>', "not empty"),
        ('<xs:minLength value="3"/>', "at least 3 characters"),
        ('<xs:maxLength value="64"/>', "up to 64 characters"),
        ('<xs:minLength value="1"/><xs:maxLength value="64"/>', "1 to 64 characters"),
        ('<xs:length value="32"/>', "32 characters"),
        ('<xs:pattern value="[a|b]`+"/>', "like ``[a|b]`+``"),
        ('<xs:maxLength value="9"/><xs:pattern value="a+"/>', "up to 9 characters, like `a+`"),
    ],
)
def test_restrictions_of_text_are_words(facets: str, words: str) -> None:
    (one,) = arguments(f'<xs:element name="a">{simple(facets)}</xs:element>')
    assert restrictions(one) == words


def test_restrictions_of_numbers_are_words() -> None:
    bounds = '<xs:minInclusive value="1"/><xs:maxExclusive value="9"/>'
    (one,) = arguments(f'<xs:element name="a">{simple(bounds, "xs:int")}</xs:element>')
    assert (one.type, restrictions(one)) == ("int", "at least 1, less than 9")


def test_the_nearest_restriction_of_a_type_made_from_another_counts() -> None:
    types = """<xs:simpleType name="short"><xs:restriction base="long"><xs:maxLength value="5"/></xs:restriction>
        </xs:simpleType><xs:simpleType name="long">
        <xs:restriction base="xs:string"><xs:minLength value="2"/><xs:maxLength value="9"/></xs:restriction></xs:simpleType>"""
    (one,) = arguments('<xs:element name="a" type="short"/>', types)
    assert restrictions(one) == "2 to 5 characters"


def test_the_rule_that_required_text_is_not_empty_is_no_pattern_of_the_argument() -> None:
    (one,) = arguments('<xs:element name="a" type="xs:string"/>')
    assert one.facets == ()


NESTED = f"""<xs:element name="list" minOccurs="0">{documented("All.")}<xs:complexType><xs:sequence>
    <xs:element name="item" minOccurs="0" maxOccurs="unbounded">{documented("One.")}
      <xs:complexType><xs:sequence><xs:element name="value" type="xs:string">{documented("Its value.", "x")}</xs:element>
      </xs:sequence><xs:attribute name="name" type="xs:string" use="required">{documented("Its name.", "n")}</xs:attribute>
      </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"""


def test_xml_has_its_attributes_and_elements_as_children() -> None:
    (list_,) = arguments(NESTED)
    (item,) = list_.children
    assert (list_.required, list_.repeats, item.required, item.repeats) == (False, False, False, True)
    name, value = item.children
    assert (name.name, name.required, name.documentation, name.example) == ("@name", True, "Its name.", "n")
    assert (value.name, value.type, value.documentation, value.example) == ("value", "string", "Its value.", "x")


def test_a_table_shows_what_xml_holds() -> None:
    rows = [line.split(" | ")[:3] for line in arguments_table(arguments(NESTED))[2:]]
    assert rows == [
        ["| `list`", "XML", "no"],
        ["| &emsp;`item`", "XML, repeated", "no"],
        ["| &emsp;&emsp;`@name`", "string", "yes"],
        ["| &emsp;&emsp;`value`", "string", "yes"],
    ]


def test_a_table_says_which_values_there_are_and_which_is_the_default() -> None:
    values = '<xs:enumeration value="a"/><xs:enumeration value="b"/>'
    (row,) = arguments_table(
        arguments(
            f'<xs:element name="x" default="a">{documented("1 < 2")}{simple(values)}</xs:element>'.replace(" < ", " &lt; ")
        )
    )[2:]
    assert row == "| `x` | `a` or `b` | yes | 1 &lt; 2<br>Default: `a` |"


def test_types_that_hold_themselves_end() -> None:
    types = """<xs:complexType name="org"><xs:sequence><xs:element name="org" type="org" minOccurs="0"/></xs:sequence>
        <xs:attribute name="name" type="xs:string"/></xs:complexType>"""
    (org,) = arguments('<xs:element name="org" type="org"/>', types)
    assert [one.name for one in org.children] == ["@name", "org"]
    assert org.children[1].children == ()


def test_attributes_of_extended_types_are_children() -> None:
    content = """<xs:complexType><xs:simpleContent><xs:extension base="xs:string"><xs:attribute name="kind"/></xs:extension>
        </xs:simpleContent></xs:complexType>"""
    (one,) = arguments(f'<xs:element name="a">{content}</xs:element>')
    assert [child.name for child in one.children] == ["@kind"]


@pytest.mark.parametrize(
    ("argument", "element"),
    [
        (Argument("a", "string", True, example="x < y"), "<a>x &lt; y</a>"),
        (Argument("a", "string", True, default="d"), "<a>d</a>"),
        (Argument("flag", "string", False, example="<flag/>"), "<flag/>"),
        (Argument("list", "XML", True, example="<i>1</i>", children=(Argument("i", "int", True),)), "<list><i>1</i></list>"),
        (Argument("list", "XML", True, example='<list n="1"/>', children=(Argument("@n", "int", True),)), '<list n="1"/>'),
        (Argument("word", "XML", True, example="text", children=(Argument("@n", "int", False),)), "<word>text</word>"),
        (Argument("a", "string", True, example="<b"), "<a>&lt;b</a>"),
        (Argument("a", "string", True, example="<abc/>"), "<a>&lt;abc/&gt;</a>"),
        (Argument("a", "XML", True, example="<abc/>", children=(Argument("abc", "int", True),)), "<a><abc/></a>"),
        (Argument("a", "XML", True, example="1 < 2", children=(Argument("@n", "int", False),)), "<a>1 &lt; 2</a>"),
    ],
)
def test_examples_become_elements(argument: Argument, element: str) -> None:
    assert etree.tostring(element_of(argument), encoding="unicode") == element


def test_without_an_example_xml_is_made_of_those_of_its_children() -> None:
    (list_,) = arguments(NESTED)
    made = etree.tostring(element_of(list_), encoding="unicode")
    assert made == "<list/>"
    required = Argument("list", "XML", True, children=list_.children[0].children)
    assert etree.tostring(element_of(required), encoding="unicode") == '<list n="n"><value>x</value></list>'.replace(
        " n=", " name="
    )
