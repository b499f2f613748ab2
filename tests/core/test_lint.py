"""Mistakes that load: each is found, and what is right is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.lint import Finding, lint
from mpf_core.loader import load_namespace
from tests.namespaces.support import make_site

SCHEMA = (
    '<Schema name="{kind}"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:annotation><xs:appinfo>'
    '<di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole type="Implicit">Users'
    '</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation><xs:element name="executeData"><xs:complexType><xs:all>'
    "{elements}</xs:all></xs:complexType></xs:element></xs:schema></Schema>"
)


def schema(*elements: str, kind: str = "inputSchema") -> str:
    declared = []
    for name in elements:
        optional = ' minOccurs="0"' if name.endswith("?") else ""
        declared.append(f'<xs:element name="{name.rstrip("?")}" type="xs:string"{optional}/>')
    return SCHEMA.format(kind=kind, elements="".join(declared))


PROVIDER = (
    '<namespace name="Provider" providerSource="acme">'
    f'<procedure name="Get" type="read">{schema("name", "server?")}{schema("value", kind="outputSchema")}</procedure>'
    f'<procedure name="Set" type="write">{schema("name", "value")}</procedure></namespace>'
)
NAME = '<before source="data" sourcePath="name" destination="executeData"/>'


SELECT = (
    '<select name="kind" source="data" sourcePath="name" defaultCase="other" ifNullCase="other">'
    '<where value="1" case="one"/></select>'
)


def get(content: str = NAME, procedure: str = "Get", namespace: str = "Provider") -> str:
    return f'<execute namespace="{namespace}" procedure="{procedure}">{content}</execute>'


def found(folder: Path, steps: str, *arguments: str, type_: str = "read", head: str = "") -> list[str]:
    head = head or schema(*(arguments or ("name",)))
    composed = f'<namespace name="Composed"><procedure name="Do" type="{type_}" access="public">{head}{steps}</procedure></namespace>'
    namespaces = {}
    for name, text in (("provider", PROVIDER), ("composed", composed)):
        (folder / f"{name}.xml").write_text(text)
        namespace = load_namespace(folder / f"{name}.xml")
        namespaces[namespace.name] = namespace
    findings = lint(namespaces)
    assert all(one.procedure == "Composed::Do" and one.file.endswith("composed.xml") for one in findings)
    return [one.text for one in findings]


@pytest.mark.parametrize(
    "steps",
    [
        get(),
        get('<executeData><server>x</server></executeData>' + NAME),
        get(NAME + '<after source="executeData" sourcePath="value" destination="data"/>'),
        get(NAME + '<after source="executeData" destination="data" mode="merge"/>'),
        get('<before source="data" sourcePath="name" destination="executeData" destinationPath="name" mode="merge"/>'),
        get('<before source="data" sourcePath="*" destination="executeData"/>'),
        f"<try>{get()}</try><catch>{get()}</catch>",
        SELECT + get('<when select="kind" case="one"/>' + NAME),
        SELECT + get('<when select="kind" case="other"/>' + NAME),
    ],
)  # fmt: skip
def test_what_is_right_is_left_alone(tmp_path: Path, steps: str) -> None:
    assert found(tmp_path, steps) == []


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (get(namespace="Provder"), "there is no namespace 'Provder' (did you mean 'Provider'?)"),
        (get(procedure="Gett"), "'Provider' has no procedure 'Gett' (did you mean 'Get'?)"),
        (f"<try>{get(procedure='Gett')}</try><catch/>", "'Provider' has no procedure 'Gett' (did you mean 'Get'?)"),
        (get("<executeData><nam>x</nam></executeData>" + NAME), "'Provider::Get' takes no 'nam' (did you mean 'name'?)"),
        (
            get('<before source="data" sourcePath="name" destination="executeData" destinationPath="host" mode="merge"/>'),
            "'Provider::Get' takes no 'host'",
        ),
        (
            get(NAME + '<after source="executeData" sourcePath="valu" destination="data"/>'),
            "'Provider::Get' gives no 'valu' (did you mean 'value'?)",
        ),
    ],
)
def test_a_mistake_in_a_call(tmp_path: Path, steps: str, text: str) -> None:
    assert text in found(tmp_path, steps)


def test_a_condition_that_never_holds(tmp_path: Path) -> None:
    steps = SELECT + get('<when select="kind" case="two"/>' + NAME)
    assert found(tmp_path, steps) == ["when: the select 'kind' never comes to the case 'two'"]


def test_an_argument_that_is_missing(tmp_path: Path) -> None:
    content = "<executeData><server>x</server></executeData>"
    assert "'Provider::Get' needs 'name'" in found(tmp_path, get(content), "server?")


def test_an_argument_that_nobody_reads(tmp_path: Path) -> None:
    assert found(tmp_path, get(), "name", "policy?") == ["the argument 'policy' is read by no step"]


def test_a_read_procedure_that_writes(tmp_path: Path) -> None:
    steps = get(NAME + '<before source="data" sourcePath="value" destination="executeData"/>', "Set")
    text = "the procedure is of type read, and calls 'Provider::Set', which is write"
    assert found(tmp_path, steps, "name", "value") == [text]
    assert found(tmp_path, steps, "name", "value", type_="write") == []


KIND = (
    '<xs:element name="kind"{optional}><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="one"/>'
    '<xs:enumeration value="two"/></xs:restriction></xs:simpleType></xs:element>'
)
BY_KIND = (
    '<select name="by" source="data" sourcePath="kind" defaultCase="other">'
    '<where value="one" case="1"/><where value="two" case="2"/></select>'
)


def conditional(condition: str, scope: str = "data") -> str:
    return get(f'<when source="{scope}" sourcePath="{condition}"/>{NAME}')


def found_of_kinds(folder: Path, steps: str, *, optional: bool = False) -> list[str]:
    """Of a procedure with an argument ``kind`` that is "one" or "two", and ``name``."""
    head = schema("name").replace("<xs:all>", "<xs:all>" + KIND.format(optional=' minOccurs="0"' if optional else ""))
    return found(folder, steps, head=head)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (conditional("false()"), "when: 'false()' is always false"),
        (conditional("1=2"), "when: '1=2' is always false"),
        (conditional("kind='one' and not(true())"), "when: 'not(true())' is always false"),
        (conditional("kind='none' or 'a'='b'"), "when: 'kind' is never 'none' (did you mean 'one'?) and ''a'='b'' is always false"),
        (conditional("contains('ab', 'c')"), "when: 'contains('ab', 'c')' is always false"),
        (conditional("nam"), "when: no argument, no procedureData and no step makes 'nam' in data"),
        (conditional("nam='x'"), "when: no argument, no procedureData and no step makes 'nam' in data"),
        (conditional("x", "procedureData"), "when: no argument, no procedureData and no step makes 'x' in procedureData"),
        (conditional("name", "executeData"), "when: executeData is not there yet when a condition is tested"),
        (conditional("kind='three'"), "when: 'kind' is never 'three'"),
        (conditional("'three' = kind"), "when: 'kind' is never 'three'"),
        (BY_KIND.replace('"two"', '"tow"'), "where: 'kind' is never 'tow' (did you mean 'two'?)"),
        (BY_KIND.replace('"two"', '"tow"') + get('<when select="by" case="2"/>' + NAME), "when: the select 'by' never comes to the case '2'"),
        (BY_KIND + get('<when select="by" case="1"/><when select="by" case="2"/>' + NAME), "when: the select 'by' comes to one case only, and not to both '1' and '2'"),
    ],
)  # fmt: skip
def test_conditions_that_never_hold(tmp_path: Path, steps: str, text: str) -> None:
    used = get(
        '<before source="data" sourcePath="kind" destination="executeData" destinationPath="server" mode="merge"/>' + NAME
    )
    assert text in found_of_kinds(tmp_path, steps + used)


@pytest.mark.parametrize(
    "steps",
    [
        conditional("true()"),
        conditional("1=1 or kind"),
        conditional("kind='one' or kind='none'"),
        conditional("kind=''"),  # which a default value may stand for
        conditional("not(nam)"),
        conditional("count(nam)=0"),
        conditional("position()=1"),
        conditional("string()"),
        conditional("kind[. = 'one' and false()] or name"),
        conditional("x", "context"),
        BY_KIND + get('<when select="by" case="1"/>' + NAME),
        BY_KIND + get('<when select="by" case="other"/>' + NAME),
        # What a step writes may be anything.
        get(
            NAME
            + '<after source="executeData" sourcePath="value" destination="data" destinationPath="kind" mode="replace"/>'
        )
        + conditional("kind='three'"),
        get(NAME + '<after source="executeData" sourcePath="value" destination="data"/>') + conditional("value"),
        "<transform><executeData><made/></executeData><after source='executeData' sourcePath='made' destination='data'/></transform>"
        + conditional("made"),
    ],
)
def test_conditions_that_may_hold(tmp_path: Path, steps: str) -> None:
    used = get(
        '<before source="data" sourcePath="kind" destination="executeData" destinationPath="server" mode="merge"/>' + NAME
    )
    assert [text for text in found_of_kinds(tmp_path, steps + used) if "read by no step" not in text] == []


def test_an_element_that_is_read_and_made_by_nothing(tmp_path: Path) -> None:
    steps = get(
        '<before source="data" sourcePath="nam" destination="executeData" destinationPath="name" mode="merge"/>' + NAME
    )
    text = "'nam' reads 'nam' in data, which no argument, no procedureData and no step makes (did you mean 'name'?)"
    assert found(tmp_path, steps) == [text]
    loop = get('<forEach name="each" root="data" path="users/user"/>' + NAME)
    assert "'users/user' reads 'users' in data" in found(tmp_path, loop)[0]
    anything = ANYTHING.replace("{type}", ' type="xs:anyType"')
    read = get(
        '<before source="data" sourcePath="more" destination="executeData" destinationPath="server" mode="merge"/>' + NAME
    )
    assert found(tmp_path, steps + read, head=anything) == []
    assert found(tmp_path, steps + read, head=anything.replace(' type="xs:anyType"', "")) == []


ANYTHING = schema("name").replace("</xs:all>", '<xs:element name="more"{type} minOccurs="0"/></xs:all>')


@pytest.mark.parametrize(
    ("steps", "texts"),
    [
        (get(), ["the output schema requires 'value', and no step makes it"]),
        (get(NAME + '<after source="executeData" sourcePath="value" destination="data"/>'), []),
        (get(NAME + '<after source="executeData" destination="data" mode="merge"/>'), []),
    ],
)
def test_an_output_that_no_step_makes(tmp_path: Path, steps: str, texts: list[str]) -> None:
    head = schema("name") + schema("value", "more?", kind="outputSchema")
    assert found(tmp_path, steps, head=head) == texts


def test_a_write_procedure_that_writes_nothing(tmp_path: Path) -> None:
    text = "the procedure is of type write, and reaches no call that writes"
    assert found(tmp_path, get(), type_="write") == [text]
    again = get() + get(NAME, "Do", "Composed")
    assert text in found(tmp_path, again, type_="write")
    assert text not in found(tmp_path, get() + get(procedure="Nothing"), type_="write"), "nobody can say"


def test_our_own_namespaces_have_none() -> None:
    with make_site() as site:
        assert [str(finding) for finding in lint(site.engine.namespaces)] == []


def test_a_finding_as_text() -> None:
    assert str(Finding("A::B", "execute[1]", "is wrong")) == "A::B execute[1]: is wrong"
    assert str(Finding("A::B", "", "is wrong")) == "A::B: is wrong"
