"""Input schemas: compiled from namespace files, applied to the data of calls, explained in the original's words."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mpf_core import xml
from mpf_core.errors import Code, ConfigError, MpfError, Violation
from mpf_core.validation.input_schema import InputSchema

TNS = "http://provisioning.microsoft.com/managedtest"
XS = "http://www.w3.org/2001/XMLSchema"

TYPICAL = f"""<Schema name="inputSchema">
  <xs:schema xmlns:xs="{XS}" xmlns="{TNS}" targetNamespace="{TNS}" attributeFormDefault="unqualified"
             elementFormDefault="qualified">
    <xs:annotation>
      <xs:appinfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo">
        <di:ApiDocInfo><di:Category>SIP domains</di:Category>
          <di:MinimumRole type="Implicit"> UserCreators </di:MinimumRole></di:ApiDocInfo>
      </xs:appinfo>
    </xs:annotation>
    <xs:element name="executeData">
      <xs:annotation><xs:documentation>Creates a
        SIP domain.</xs:documentation></xs:annotation>
      <xs:complexType>
        <xs:all>
          <xs:element name="organization" type="xs:string">
            <xs:annotation>
              <xs:documentation>Path of the organization.</xs:documentation>
              <xs:appinfo xmlns="http://provisioning.microsoft.com/examples">LDAP://OU=AlpineSkiHouse</xs:appinfo>
            </xs:annotation>
          </xs:element>
          <xs:element name="domain" type="Domain"/>
          <xs:element name="kind" minOccurs="0" default="internal">
            <xs:simpleType><xs:restriction base="xs:string">
              <xs:enumeration value="internal"/><xs:enumeration value="federated"/>
            </xs:restriction></xs:simpleType>
          </xs:element>
          <xs:element name="limit" type="xs:int" minOccurs="0"/>
          <xs:element name="newPassword" type="Domain" minOccurs="0"/>
          <xs:element name="properties" minOccurs="0">
            <xs:complexType><xs:sequence>
              <xs:element name="property" maxOccurs="2">
                <xs:complexType><xs:sequence><xs:element name="value" type="xs:string"/></xs:sequence>
                  <xs:attribute name="name" type="xs:string" use="required"/></xs:complexType>
              </xs:element>
            </xs:sequence></xs:complexType>
          </xs:element>
        </xs:all>
      </xs:complexType>
    </xs:element>
    <xs:simpleType name="Domain">
      <xs:restriction base="xs:string"><xs:pattern value="[a-z0-9\\-]+(\\.[a-z0-9\\-]+)+"/></xs:restriction>
    </xs:simpleType>
  </xs:schema>
</Schema>"""


def compiled(text: str, file: str = "test.xml") -> InputSchema:
    return InputSchema.compile(xml.parse(text), file=file)


def schema(body: str, attributes: str = "") -> InputSchema:
    """A schema of the usual kind whose executeData has the given content."""
    return compiled(
        f'<Schema name="inputSchema"><xs:schema xmlns:xs="{XS}" xmlns:t="{TNS}" targetNamespace="{TNS}" '
        f'elementFormDefault="qualified" {attributes}>{body}</xs:schema></Schema>'
    )


def of_arguments(elements: str, model: str = "all", more: str = "") -> InputSchema:
    return schema(
        f'<xs:element name="executeData"><xs:complexType><xs:{model}>{elements}</xs:{model}></xs:complexType>'
        f"</xs:element>{more}"
    )


def refused(input_schema: InputSchema, data: str) -> MpfError:
    with pytest.raises(MpfError) as caught:
        input_schema.check(xml.parse(f"<executeData>{data}</executeData>"))
    assert caught.value.code == Code.E_INVALIDARG
    assert caught.value.violations
    return caught.value


def accepted(input_schema: InputSchema, data: str) -> None:
    input_schema.check(xml.parse(f"<executeData>{data}</executeData>"))


@pytest.fixture(scope="module")
def typical() -> InputSchema:
    return compiled(TYPICAL)


GOOD = "<organization>LDAP://OU=x</organization><domain>a.com</domain>"


def test_data_in_no_namespace_fits_a_schema_with_a_target_namespace(typical: InputSchema) -> None:
    accepted(typical, GOOD)
    accepted(typical, "<domain>a.com</domain>\n<limit>3</limit><organization>x</organization>")
    accepted(typical, GOOD + '<properties><property name="a"><value/></property></properties>')


def test_data_in_the_target_namespace_fits_too(typical: InputSchema) -> None:
    typical.check(xml.parse(f'<executeData xmlns="{TNS}">{GOOD}</executeData>'))
    accepted(typical, f'<organization xmlns="{TNS}">x</organization><domain xmlns="{TNS}">a.com</domain>')
    error = refused(typical, f'<organization xmlns="{TNS}">x</organization><domain xmlns="{TNS}"/>')
    assert error.description == "The argument 'domain' cannot be null."


def test_data_in_the_target_namespace_stays_as_it_is(typical: InputSchema) -> None:
    data = xml.parse(f'<executeData xmlns="{TNS}">{GOOD}</executeData>')
    before = xml.serialize(data)
    typical.check(data)
    assert xml.serialize(data) == before


def test_a_missing_argument_gives_the_original_text(typical: InputSchema) -> None:
    error = refused(typical, "<domain>a.com</domain>")
    assert error.description == "The required argument organization was not supplied."
    assert [each.message for each in error.violations] == [error.description]
    assert error.violations[0].path == "/executeData"


@pytest.mark.parametrize("empty", ["<organization/>", "<organization></organization>", "<organization> \n </organization>"])
def test_an_empty_argument_gives_the_original_text(typical: InputSchema, empty: str) -> None:
    error = refused(typical, f"{empty}<domain>a.com</domain>")
    assert error.description == "The argument 'organization' cannot be null."
    assert [each.message for each in error.violations] == [error.description]
    assert error.violations[0].path == "/executeData/organization"


def test_every_violation_is_listed_missing_and_empty_ones_first(typical: InputSchema) -> None:
    error = refused(
        typical,
        "\n<domain/>\n<kind>public</kind>\n<limit>many</limit>\n<properties><property><valu/></property>"
        "<property name='b'><value/></property><property name='c'><value/></property></properties>\n<organisation/>",
    )
    found = [(each.message, each.path, each.line) for each in error.violations]
    assert found[:2] == [
        ("The required argument organization was not supplied.", "/executeData", 1),
        ("The argument 'domain' cannot be null.", "/executeData/domain", 2),
    ]
    assert error.description == found[0][0]
    rest = {path: (message, line) for message, path, line in found[2:]}
    assert rest["/executeData/kind"] == ("The value 'public' is not allowed; allowed are 'internal', 'federated'.", 3)
    assert rest["/executeData/limit"] == ("The value 'many' is not valid: it is not of the type int.", 4)
    assert rest["/executeData/properties/property[1]"] == ("The attribute 'name' is missing.", 5)
    assert rest["/executeData/properties/property[1]/valu"][0] == (
        "The element 'property' has invalid child element 'valu'. List of possible elements expected: 'value'. "
        "Did you mean 'value'?"
    )
    assert rest["/executeData/properties/property[3]"][0] == (
        "The element 'property' is given 3 times; it may be given 2 times."
    )
    message, line = rest["/executeData/organisation"]
    assert line == 6
    assert message == (
        "The element 'executeData' has invalid child element 'organisation'. List of possible elements expected: "
        "'organization, newPassword'. Did you mean 'organization'?"
    )
    assert len(found) == 8


def test_an_unexpected_child_names_what_is_possible_and_how_many_mistakes_follow(typical: InputSchema) -> None:
    error = refused(typical, f"{GOOD}<polOwner/><limit/>")
    assert "invalid child element 'polOwner'" in str(error.violations)
    assert "(and 1 more mistake)" in error.description


def test_the_same_argument_twice_is_refused(typical: InputSchema) -> None:
    error = refused(typical, f"{GOOD}<domain>b.com</domain>")
    assert error.description == (
        "/executeData/domain[2] (line 1): The element 'domain' is given 2 times; it may be given once."
    )


def test_an_argument_in_a_foreign_namespace_says_so(typical: InputSchema) -> None:
    error = refused(typical, '<organization>x</organization><domain xmlns="urn:x">a.com</domain>')
    assert error.description == "The required argument domain was not supplied."
    assert "in the namespace 'urn:x'" in error.violations[1].message


def test_a_pattern_is_explained_with_the_value(typical: InputSchema) -> None:
    error = refused(typical, "<organization>x</organization><domain>no domain</domain>")
    assert "'no domain'" in error.description
    assert error.violations[0].path == "/executeData/domain"


def test_passwords_are_never_repeated(typical: InputSchema) -> None:
    error = refused(typical, f"{GOOD}<newPassword>hunter two</newPassword>")
    assert "hunter" not in error.description + str(error.violations)
    assert "/executeData/newPassword" in error.description


def test_annotations_are_read(typical: InputSchema) -> None:
    assert (typical.minimum_role, typical.category) == ("UserCreators", "SIP domains")
    assert typical.documentation == "Creates a SIP domain."
    assert [each.name for each in typical.arguments] == [
        "organization",
        "domain",
        "kind",
        "limit",
        "newPassword",
        "properties",
    ]
    first, domain, kind, limit, _, properties = typical.arguments
    assert (first.type, first.required, first.documentation) == ("string", True, "Path of the organization.")
    assert first.example == "LDAP://OU=AlpineSkiHouse"
    assert (domain.type, domain.required, domain.example) == ("string", True, "")
    assert (kind.type, kind.required, kind.default) == ("internal | federated", False, "internal")
    assert (limit.type, properties.type) == ("int", "XML")


def test_the_role_may_stand_at_the_element_as_well() -> None:
    info = '<di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole>Users</di:MinimumRole></di:ApiDocInfo>'
    with_role = schema(
        f'<xs:element name="executeData"><xs:annotation><xs:appinfo>{info}</xs:appinfo></xs:annotation></xs:element>'
    )
    assert with_role.minimum_role == "Users"
    assert schema('<xs:element name="executeData"/>').minimum_role is None


def test_empty_is_refused_for_required_simple_values_only() -> None:
    elements = (
        '<xs:element name="a" type="xs:string"/><xs:element name="b" type="xs:string" minOccurs="0"/>'
        '<xs:element name="c" type="xs:int"/><xs:element name="d" type="xs:string" default="x"/>'
        '<xs:element name="e"><xs:complexType/></xs:element><xs:element name="f" type="xs:anyType"/>'
        '<xs:element name="g" type="xs:NMTOKENS"/>'
    )
    input_schema = of_arguments(elements)
    accepted(input_schema, "<a>1</a><b/><c>1</c><d/><e/><f/><g>x</g>")
    error = refused(input_schema, "<a/><b/><c/><d/><e/><f/><g>x</g>")
    assert [each.message for each in error.violations] == [
        "The argument 'a' cannot be null.",
        "The argument 'c' cannot be null.",
    ]


@pytest.mark.parametrize(
    "declaration",
    [
        '<xs:element name="a"><xs:simpleType><xs:restriction base="xs:token"/></xs:simpleType></xs:element>',
        '<xs:element name="a" type="t:Short"/>',
        '<xs:element ref="t:a"/>',
        '<xs:element name="a" type="xs:anyURI"/>',
        '<xs:element name="a" type="xs:normalizedString"><xs:annotation/></xs:element>',
    ],
)
def test_every_kind_of_string_is_refused_when_empty(declaration: str) -> None:
    more = (
        '<xs:simpleType name="Short"><xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction>'
        '</xs:simpleType><xs:element name="a" type="t:Short"/>'
    )
    input_schema = of_arguments(declaration, more=more)
    accepted(input_schema, "<a>xyz</a>")
    accepted(input_schema, "<a> x </a>")
    assert refused(input_schema, "<a> </a>").description == "The argument 'a' cannot be null."
    assert [each.name for each in input_schema.arguments] == ["a"]


def test_only_arguments_are_refused_when_empty_not_what_lies_deeper() -> None:
    inner = '<xs:complexType><xs:sequence><xs:element ref="t:a"/></xs:sequence></xs:complexType>'
    input_schema = of_arguments(
        f'<xs:element ref="t:a"/><xs:element name="b">{inner}</xs:element>',
        more='<xs:element name="a" type="xs:string"/>',
    )
    accepted(input_schema, "<a>x</a><b><a/></b>")
    refused(input_schema, "<a/><b><a/></b>")


def test_arguments_of_a_choice_are_not_required() -> None:
    input_schema = of_arguments(
        '<xs:element name="a" type="xs:string"/><xs:choice><xs:element name="b" type="xs:string"/>'
        '<xs:element name="c" type="xs:string"/></xs:choice>',
        model="sequence",
    )
    assert [(each.name, each.required) for each in input_schema.arguments] == [("a", True), ("b", False), ("c", False)]
    accepted(input_schema, "<a>x</a><c/>")
    error = refused(input_schema, "<a>x</a>")
    assert error.violations[0].message == "The element 'executeData' is not complete: one of 'b', 'c' must follow."


def test_order_matters_in_a_sequence() -> None:
    input_schema = of_arguments(
        '<xs:element name="a" type="xs:string"/><xs:element name="b" type="xs:string"/>', model="sequence"
    )
    error = refused(input_schema, "<b>x</b><a>x</a>")
    assert "out of place: 'a' must come first" in error.description
    assert refused(input_schema, "<b>x</b>").description == "The required argument a was not supplied."
    assert len(refused(input_schema, "<b>x</b>").violations) == 1


NAMED = """<xs:element name="executeData" type="t:Data"/>
  <xs:complexType name="Data"><xs:complexContent><xs:extension base="t:Base"><xs:sequence>
    <xs:element name="b" type="t:Number"/><xs:group ref="t:More"/>
    <xs:element name="list" minOccurs="0"><xs:complexType><xs:sequence>
      <xs:element ref="t:item" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
      <xs:unique name="u"><xs:selector xpath="t:item"/><xs:field xpath="@id"/></xs:unique></xs:element>
  </xs:sequence><xs:attributeGroup ref="t:Attributes"/></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Base"><xs:sequence><xs:element name="a" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:group name="More"><xs:sequence><xs:element name="c" type="t:Union" minOccurs="0"/></xs:sequence></xs:group>
  <xs:element name="item"><xs:complexType><xs:attribute name="id" type="t:Numbers"/></xs:complexType></xs:element>
  <xs:simpleType name="Number"><xs:restriction base="xs:int"/></xs:simpleType>
  <xs:simpleType name="Numbers"><xs:list itemType="t:Number"/></xs:simpleType>
  <xs:simpleType name="Union"><xs:union memberTypes="t:Number xs:boolean"/></xs:simpleType>
  <xs:attributeGroup name="Attributes"><xs:attribute name="q" type="t:Number"/></xs:attributeGroup>"""


@pytest.mark.parametrize(
    ("declarations", "body"),
    [
        (f'xmlns:xs="{XS}" xmlns:t="{TNS}"', NAMED),
        (
            f'xmlns:xs="{XS}" xmlns="{TNS}"',
            NAMED.replace('"t:', '"').replace('xpath="item"', 'xpath="p:item" xmlns:p="' + TNS + '"'),
        ),
        (f'xmlns="{XS}" xmlns:t="{TNS}"', NAMED.replace("<xs:", "<").replace("</xs:", "</").replace("xs:", "")),
    ],
    ids=["both prefixed", "target is the default", "XSD is the default"],
)
def test_names_that_refer_to_the_target_namespace_are_rewritten(declarations: str, body: str) -> None:
    prefix = "xs:" if "<xs:" in body else ""
    input_schema = compiled(
        f'<Schema name="inputSchema"><{prefix}schema {declarations} targetNamespace="{TNS}" '
        f'elementFormDefault="qualified">{body}</{prefix}schema></Schema>'
    )
    assert [each.name for each in input_schema.arguments] == ["a", "b", "c", "list"]
    assert [each.required for each in input_schema.arguments] == [True, True, False, False]
    accepted(input_schema, '<a>x</a><b>1</b><c>true</c><list><item id="1 2"/><item id="3"/></list>')
    refused(input_schema, "<a>x</a><b>y</b>")
    refused(input_schema, "<a>x</a><b>1</b><c>z</c>")
    refused(input_schema, '<a>x</a><b>1</b><list><item id="1"/><item id="1"/></list>')
    refused(input_schema, '<a>x</a><b>1</b><list><item id="x"/></list>')
    assert refused(input_schema, "<a/><b>1</b>").description == "The argument 'a' cannot be null."


def test_wildcards_follow_the_target_namespace() -> None:
    input_schema = of_arguments(
        '<xs:any namespace="##targetNamespace" processContents="lax" maxOccurs="unbounded"/>', model="sequence"
    )
    accepted(input_schema, "<anything/><else/>")
    refused(input_schema, '<x xmlns="urn:other"/>')


def test_prefixes_may_be_declared_at_the_root_of_the_file() -> None:
    root = xml.parse(
        f'<namespace xmlns="http://maps/specs/prov.xml" xmlns:xs="{XS}" name="n"><procedure name="p">'
        f'<Schema name="inputSchema"><xs:schema xmlns="{TNS}" targetNamespace="{TNS}"><xs:element name="executeData">'
        '<xs:complexType><xs:all><xs:element name="a" type="T"/></xs:all></xs:complexType></xs:element>'
        '<xs:simpleType name="T"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema></Schema></procedure></namespace>'
    )
    xml.strip_provisioning_namespace(root)
    input_schema = InputSchema.compile(root[0][0], file="f.xml")
    accepted(input_schema, "<a>1</a>")
    refused(input_schema, "<a>x</a>")


@pytest.mark.parametrize("content", ["<xs:complexType/>", "<xs:complexType><xs:all/></xs:complexType>"])
def test_white_space_is_nothing_to_a_procedure_without_arguments(content: str) -> None:
    input_schema = schema(f'<xs:element name="executeData">{content}</xs:element>')
    assert input_schema.arguments == ()
    accepted(input_schema, "")
    accepted(input_schema, "\n  ")
    assert "It takes no child elements." in refused(input_schema, "<a/>").description
    refused(input_schema, "text")


def problems(text: str) -> list[Violation]:
    with pytest.raises(ConfigError) as caught:
        compiled(text, "folder/test.xml")
    assert caught.value.problems
    assert all(each.file == "folder/test.xml" and each.line and each.path for each in caught.value.problems)
    return list(caught.value.problems)


def test_mistakes_in_a_schema_are_all_listed_with_line_and_path() -> None:
    found = problems(TYPICAL.replace('type="xs:int"', 'type="xs:integr"').replace('type="Domain"', 'type="Domane"', 1))
    assert [each.line for each in found] == [21, 27]
    assert found[0].path.endswith("/xs:element[2]")
    assert "Domane" in found[0].message
    assert "Did you mean 'xs:integer'?" in found[1].message


@pytest.mark.parametrize(
    "text",
    [
        '<Schema name="inputSchema" xmlns="urn:schemas-microsoft-com:xml-data"><ElementType name="a"/></Schema>',
        '<Schema name="inputSchema"><ElementType xmlns="urn:schemas-microsoft-com:xml-data" name="a"/></Schema>',
        '<Schema name="inputSchema"><Schema xmlns="urn:schemas-microsoft-com:xml-data"/></Schema>',
    ],
)
def test_xdr_is_refused_by_name_with_a_hint(text: str) -> None:
    message = problems(text)[0].message
    assert "XDR" in message
    assert "xs:schema" in message


@pytest.mark.parametrize("kind", ["include", "import", "redefine"])
def test_schemas_that_read_other_files_are_refused(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other.xsd"
    other.write_text(f'<xs:schema xmlns:xs="{XS}"/>')
    text = TYPICAL.replace("<xs:annotation>", f'<xs:{kind} schemaLocation="{other}"/><xs:annotation>', 1)
    assert f"xs:{kind} is not allowed" in problems(text)[0].message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<Schema name="inputSchema"/>', "it holds nothing"),
        ('<Schema name="inputSchema"><a/></Schema>', "it holds <a>"),
        (f'<Schema name="inputSchema"><xs:schema xmlns:xs="{XS}"/></Schema>', "executeData"),
        (TYPICAL.replace("<xs:all>", "<xs:al>").replace("</xs:all>", "</xs:al>"), "xs:al"),
    ],
)
def test_what_is_no_schema_is_refused(text: str, said: str) -> None:
    assert said in str(problems(text))


def test_schemas_fetch_nothing_that_data_points_at(tmp_path: Path) -> None:
    hint = tmp_path / "hint.xsd"
    hint.write_text(f'<xs:schema xmlns:xs="{XS}"><xs:element name="a" type="xs:int"/></xs:schema>')
    input_schema = of_arguments('<xs:any processContents="lax" maxOccurs="unbounded"/>', model="sequence")
    attribute = f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:noNamespaceSchemaLocation="{hint}"'
    input_schema.check(xml.parse(f"<executeData {attribute}><a>no int</a></executeData>"))


@pytest.mark.parametrize("pattern", ["([a-z]+)*@", "(a|a)*b", ".*a.*b.*c.*d", "(.*)*x"])
def test_an_expensive_pattern_costs_no_more_than_a_moment(pattern: str) -> None:
    input_schema = of_arguments(
        '<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string">'
        f'<xs:pattern value="{pattern}"/></xs:restriction></xs:simpleType></xs:element>'
    )
    started = time.monotonic()
    error = refused(input_schema, f"<a>{'ab' * 2000}</a>")
    assert time.monotonic() - started < 5
    assert error.violations[0].path.startswith("/executeData")


@pytest.mark.parametrize("count", [1_500, 8_000, pytest.param(150_000, marks=pytest.mark.slow)])
def test_a_large_document_with_mistakes_is_refused_in_bounded_time(count: int) -> None:
    input_schema = of_arguments('<xs:element name="a" type="xs:int" maxOccurs="unbounded"/>', model="sequence")
    good = xml.parse(f"<executeData>{'<a>1</a>' * count}</executeData>")
    bad = xml.parse(f"<executeData>{'<a>1</a>' * count}{'<a>x</a>' * count}</executeData>", limit=None)
    input_schema.check(good)
    started = time.process_time()
    with pytest.raises(MpfError) as caught:
        input_schema.check(bad)
    assert time.process_time() - started < 10
    assert 100 <= len(caught.value.violations) <= 1000
    assert all("'x'" in each.message for each in caught.value.violations)
    assert len(caught.value.description) < 300


def test_threads_see_only_their_own_data(typical: InputSchema) -> None:
    wrong: list[object] = []

    def work(name: str) -> None:
        for _ in range(30):
            try:
                typical.check(xml.parse(f"<executeData>{GOOD}<limit>{name}</limit></executeData>"))
                wrong.append("accepted")
            except MpfError as error:
                if f"'{name}'" not in error.description or len(error.violations) != 1:
                    wrong.append(error)
            accepted(typical, GOOD)

    threads = [threading.Thread(target=work, args=(f"tenant{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


GROUP = '<xs:group name="g"><xs:sequence><xs:element name="a" type="xs:string"/></xs:sequence></xs:group>'


@pytest.mark.parametrize(
    ("body", "open_", "is_closed"),
    [
        ('<xs:element name="executeData"/>', True, False),
        ('<xs:element name="executeData" type="xs:anyType"/>', True, False),
        ('<xs:element name="executeData"><xs:complexType><xs:sequence><xs:any/></xs:sequence></xs:complexType></xs:element>', True, False),
        ('<xs:element name="executeData"><xs:complexType><xs:all><xs:element name="a"/></xs:all></xs:complexType></xs:element>', False, False),
        (f'{GROUP}<xs:element name="executeData"><xs:complexType><xs:group ref="g"/></xs:complexType></xs:element>', False, True),
        ('<xs:element name="executeData"><xs:complexType/></xs:element>', False, True),
    ],
)  # fmt: skip
def test_whether_there_may_be_more_than_it_names(body: str, open_: bool, is_closed: bool) -> None:
    """Among the arguments, and at any depth."""
    text = f'<Schema><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{body}</xs:schema></Schema>'
    found = compiled(text)
    assert (found.open, found.is_closed) == (open_, is_closed)
