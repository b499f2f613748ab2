"""libxml2 decides and xmlschema explains: they agree, but for a table of known differences."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from lxml import etree
from xmlschema import XMLSchema10

from mpf_core import xml
from mpf_core.validation.differences import DIFFERENCES, Difference
from mpf_core.validation.validator import Validator

XS = "http://www.w3.org/2001/XMLSchema"


def schema_of(body: str) -> str:
    return f'<xs:schema xmlns:xs="{XS}">{body}</xs:schema>'


def simple_type(difference: Difference) -> str:
    pattern = f"<xs:pattern value={quoteattr(difference.pattern)}/>" if difference.pattern else ""
    restriction = f'<xs:restriction base="xs:{difference.type}">{pattern}</xs:restriction>'
    return schema_of(f'<xs:element name="r"><xs:simpleType>{restriction}</xs:simpleType></xs:element>')


def xmlschema_accepts(source: str, document: etree._Element) -> bool:
    try:
        return XMLSchema10(source, allow="none").is_valid(document)
    except OverflowError:
        return True  # it has no objection; it fails


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: f"{each.type}-{each.pattern}-{each.value!a}")
def test_each_known_difference_is_one_and_libxml2_decides(difference: Difference) -> None:
    source = simple_type(difference)
    document = etree.Element("r")
    document.text = difference.value
    validator = Validator(etree.fromstring(source, xml.schema_parser()))
    assert validator.accepts(document) is difference.accepted
    assert xmlschema_accepts(source, document) is not difference.accepted
    if not difference.accepted:
        violations = validator.violations(document)
        assert violations, "libxml2's own message stands where xmlschema finds nothing"
        assert all(each.message and each.path == "/r" for each in violations)


TYPES = {
    "string": ["", "x", "a b", " "],
    "token": ["x", " a  b "],
    "boolean": ["true", "false", "0", "1"],
    "int": ["0", "-1", "+5", "2147483648"],
    "unsignedShort": ["0", "65535", "65536"],
    "decimal": ["1", "1.5", "-.5"],
    "double": ["1", "-1.5", "INF"],
    "date": ["2024-02-29", "2023-02-29", "2024-01-01Z"],
    "dateTime": ["2024-01-01T00:00:00", "2024-01-01T24:00:01"],
    "NMTOKEN": ["x", "1-a"],
    "hexBinary": ["", "0F", "0"],
}
ANY_VALUE = st.sampled_from(sorted({value for values in TYPES.values() for value in values})) | st.text(
    "019aB-+.TZ:", max_size=8
)


@dataclass(frozen=True)
class Node:
    """A declaration of an element: of a simple type, or with children."""

    name: str
    least: int
    most: int
    type: str
    model: str = ""
    children: tuple[Node, ...] = ()
    attribute: str = ""
    mixed: bool = False

    def xsd(self) -> str:
        occurs = f'minOccurs="{self.least}" maxOccurs="{self.most}"'
        start = f'<xs:element name="{self.name}" {occurs if self.name != "executeData" else ""}'
        if not self.model:
            return f'{start} type="xs:{self.type}"/>'
        children = "".join(child.xsd() for child in self.children)
        attribute = f'<xs:attribute name="q" type="xs:boolean" use="{self.attribute}"/>' if self.attribute else ""
        content = f"<xs:{self.model}>{children}</xs:{self.model}>{attribute}"
        return f'{start}><xs:complexType mixed="{str(self.mixed).lower()}">{content}</xs:complexType></xs:element>'


@st.composite
def nodes(draw: st.DrawFn, name: str = "executeData", depth: int = 2, *, once: bool = True) -> Node:
    least, most = draw(st.sampled_from([0, 1])), draw(st.sampled_from([1] if once else [1, 1, 2]))
    type_ = draw(st.sampled_from(sorted(TYPES)))
    if depth == 0 or (name != "executeData" and draw(st.booleans())):
        return Node(name, least, most, type_)
    model = draw(st.sampled_from(["all", "sequence", "choice"]))
    names = draw(st.permutations(["a", "b", "c"]))[: draw(st.integers(1, 3))]
    children = tuple(draw(nodes(each, depth - 1, once=model == "all")) for each in names)
    attribute = draw(st.sampled_from(["", "optional", "required"]))
    return Node(name, least, most, type_, model, children, attribute, draw(st.booleans()))


@st.composite
def documents(draw: st.DrawFn, node: Node, errors: bool) -> etree._Element:
    """A document that fits ``node``, or, with ``errors``, one that may not."""

    def slip() -> bool:
        return errors and draw(st.integers(0, 7)) == 0

    element = etree.Element(node.name if not slip() else "e")
    if not node.model:
        element.text = draw(ANY_VALUE if errors else st.sampled_from(TYPES[node.type]))
        return element
    if node.attribute == "required" or slip():
        element.set("q", draw(ANY_VALUE) if slip() else "1")
    element.text = draw(st.sampled_from(["", "text"])) if node.mixed or slip() else " "
    children = [draw(st.sampled_from(node.children))] if node.model == "choice" else node.children
    for child in draw(st.permutations(children)) if node.model == "all" or slip() else children:
        for _ in range(draw(st.integers(0, 3) if slip() else st.integers(child.least, child.most))):
            element.append(draw(documents(child, errors)))
    return element


@settings(deadline=None)
@given(node=nodes(), errors=st.booleans(), data=st.data())
def test_the_validators_agree_about_structure(node: Node, errors: bool, data: st.DataObject) -> None:
    source = schema_of(node.xsd())
    validator = Validator(etree.fromstring(source, xml.schema_parser()))
    other = XMLSchema10(source, allow="none")
    for _ in range(3):
        document = xml.parse(xml.serialize(data.draw(documents(node, errors))))
        verdict = validator.accepts(document)
        event(f"accepted: {verdict}")
        assert other.is_valid(document) is verdict, xml.serialize(document)
        assert verdict or validator.violations(document)


@settings(deadline=None)
@given(type_=st.sampled_from(sorted(TYPES)), values=st.lists(ANY_VALUE, min_size=1, max_size=10))
def test_the_validators_agree_about_ascii_values(type_: str, values: list[str]) -> None:
    source = schema_of(f'<xs:element name="r" type="xs:{type_}"/>')
    validator = Validator(etree.fromstring(source, xml.schema_parser()))
    other = XMLSchema10(source, allow="none")
    for value in values:
        document = etree.Element("r")
        document.text = value
        assume(not any(value == each.value and type_ == each.type for each in DIFFERENCES))
        assert other.is_valid(document) is validator.accepts(document), value
