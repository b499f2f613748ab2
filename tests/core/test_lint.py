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


def found(folder: Path, steps: str, *arguments: str, type_: str = "read") -> list[str]:
    head = schema(*(arguments or ("name",)))
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


def test_our_own_namespaces_have_none() -> None:
    with make_site() as site:
        assert [str(finding) for finding in lint(site.engine.namespaces)] == []


def test_a_finding_as_text() -> None:
    assert str(Finding("A::B", "execute[1]", "is wrong")) == "A::B execute[1]: is wrong"
    assert str(Finding("A::B", "", "is wrong")) == "A::B: is wrong"
