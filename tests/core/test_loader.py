"""Namespace files with mistakes are refused with all of them listed: file, line, XPath, what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core import ConfigError, Engine
from mpf_core.loader import find_namespaces, load_namespace


def load(tmp_path: Path, text: str) -> ConfigError:
    file = tmp_path / "bad.xml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_namespace(file)
    return caught.value


def test_all_mistakes_of_a_file_are_listed_at_once(tmp_path: Path) -> None:
    error = load(
        tmp_path,
        """<namespace name="Bad!">
  <procedure name="P" access="public">
    <execute namespace="A" procedure="B">
      <forEach name="x" root="nowhere" path="a"/>
      <before source="data" sourcePath="a[" destination="executeData"/>
      <when select="unknown" case="c"/>
    </execute>
  </procedure>
  <procedure name="P"><transform/></procedure>
  <procedure name="Hidden_" access="public"><transform/></procedure>
  <procedure name="Nothing"/>
</namespace>""",
    )
    text = str(error)
    found = {(problem.line, problem.path.rsplit("/", 1)[-1]) for problem in error.problems}
    assert {
        (4, "forEach"),
        (5, "before"),
        (6, "when"),
        (9, "procedure[2]"),
        (10, "procedure[3]"),
        (11, "procedure[4]"),
    } <= found
    assert all(problem.file.endswith("bad.xml") for problem in error.problems)
    for hint in (
        "does not match the pattern [A-Za-z0-9_ ]+",
        "known: context, data",
        "is no XPath",
        "no select named 'unknown'",
    ):
        assert hint in text


@pytest.mark.parametrize(
    ("path", "hint"),
    [("document('x')/a", "not allowed"), ("exsl:node-set(a)", "not allowed"), ("$unset", None)],
)
def test_paths_reach_no_files_and_no_extensions(tmp_path: Path, path: str, hint: str | None) -> None:
    text = (
        '<namespace name="N" xmlns:exsl="http://exslt.org/common"><procedure name="P"><transform>'
        f'<before source="data" sourcePath="{path}" destination="data"/></transform></procedure></namespace>'
    )
    if hint:
        assert hint in str(load(tmp_path, text))


@pytest.mark.parametrize(
    "template",
    [
        "<xsl:template match='a'><xsl:copy-of select=\"document('/etc/hostname')\"/></xsl:template>",
        '<xsl:include href="other.xsl"/>',
        "<xsl:template match='a'><x y=\"{document('')}\"/></xsl:template>",
        '<xsl:template match="a" xmlns:e="http://exslt.org/common" extension-element-prefixes="e"><e:document href="x"/></xsl:template>',
        '<xsl:template match="a" xmlns:e="http://exslt.org/dynamic"><x><xsl:value-of select="e:evaluate(.)"/></x></xsl:template>',
        '<xsl:template match="a["/>',
    ],
)
def test_templates_reach_no_files_and_no_extensions(tmp_path: Path, template: str) -> None:
    load(
        tmp_path,
        '<namespace name="N" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><procedure name="P"><transform>'
        f'<before source="data" destination="data">{template}</before></transform></procedure></namespace>',
    )


def test_a_file_that_is_not_xml_says_where(tmp_path: Path) -> None:
    assert "line 1" in str(load(tmp_path, "<namespace"))


def test_a_folder_with_one_file_per_procedure(tmp_path: Path) -> None:
    folder = tmp_path / "Folded"
    folder.mkdir()
    (folder / "namespace.xml").write_text('<namespace name="Folded" description="d" version="1"/>')
    (folder / "A.xml").write_text('<procedure name="A"><transform/></procedure>')
    (folder / "B.xml").write_text('<procedure xmlns="http://maps/specs/prov.xml" name="B"><transform/></procedure>')
    (tmp_path / "other.xml").write_text('<namespace name="Other"><procedure name="A"><transform/></procedure></namespace>')
    assert [load_namespace(path).name for path in find_namespaces(tmp_path)] == ["Folded", "Other"]
    assert set(load_namespace(folder).procedures) == {"A", "B"}


def test_two_files_that_claim_one_namespace_name_each_other(tmp_path: Path) -> None:
    for name in ("one.xml", "two.xml"):
        (tmp_path / name).write_text('<namespace name="Same"><procedure name="A"><transform/></procedure></namespace>')
    with pytest.raises(ConfigError, match=r"'Same' is claimed twice.*one\.xml.*two\.xml"):
        Engine(namespaces=[tmp_path])


def test_an_xdr_schema_is_refused_by_name(tmp_path: Path) -> None:
    error = load(
        tmp_path,
        '<namespace name="N" providerSource="p"><procedure name="P"><Schema name="inputSchema" '
        'xmlns="urn:schemas-microsoft-com:xml-data"><ElementType name="executeData"/></Schema></procedure></namespace>',
    )
    assert "XDR" in str(error)


def test_a_file_in_the_default_namespace_of_the_samples(tmp_path: Path) -> None:
    file = tmp_path / "n.xml"
    file.write_text(
        '<namespace xmlns="http://maps/specs/prov.xml" name="N"><procedure name="P"><transform/></procedure></namespace>'
    )
    assert load_namespace(file).name == "N"


SCHEMA = (
    '<namespace name="N" providerSource="p"><procedure name="P"><Schema name="inputSchema">'
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:n"><xs:annotation><xs:appinfo>'
    '<di:ApiDocInfo xmlns:di="{uri}"><di:MinimumRole>{role}</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation>'
    '<xs:element name="executeData"><xs:complexType/></xs:element></xs:schema></Schema></procedure></namespace>'
)
INFO = "http://provisioning.microsoft.com/ApiDocInfo"


@pytest.mark.parametrize(
    ("uri", "role", "hint"),
    [(INFO, "UserCreator", "did you mean 'UserCreators'?"), (INFO.removesuffix("Info"), "Users", INFO)],
)
def test_a_role_that_nobody_would_read_is_refused(tmp_path: Path, uri: str, role: str, hint: str) -> None:
    assert hint in str(load(tmp_path, SCHEMA.format(uri=uri, role=role)))


def test_a_policy_may_have_roles_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "n.xml"
    file.write_text(SCHEMA.format(uri=INFO, role="Auditors"))
    assert load_namespace(file).procedures["P"].minimum_role == "Auditors"


def test_a_public_procedure_says_who_may_call_it_and_over_what(tmp_path: Path) -> None:
    schema = """<Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData">
<xs:complexType><xs:all><xs:element name="user" type="xs:string">{}</xs:element></xs:all></xs:complexType></xs:element></xs:schema>
</Schema>"""
    procedure = '<namespace name="N"><procedure name="P" access="{}">{}<transform/></procedure></namespace>'
    text = str(load(tmp_path, procedure.format("public", schema.format(""))))
    assert "a public procedure says its minimum role" in text
    assert "the argument 'user' of a public procedure says what it names" in text
    assert "says its minimum role" in str(load(tmp_path, procedure.format("public", "")))
    (tmp_path / "private.xml").write_text(procedure.format("private", schema.format("")))
    load_namespace(tmp_path / "private.xml")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ('kind="object"', "takes kind and needs"),
        ('kind="none" needs="Users"', "takes kind and needs"),
        ('kind="objekt" needs="Users"', "did you mean 'object'?"),
        ('kind="object" needs="UserCreator"', "did you mean 'UserCreators'?"),
        ('kind="pool" needs="assignd"', "did you mean 'assigned'?"),
    ],
)
def test_declarations_that_cannot_be_understood(tmp_path: Path, attributes: str, said: str) -> None:
    declaration = (
        f'<xs:annotation><xs:appinfo><sec:Object xmlns:sec="urn:mpf:security" {attributes}/></xs:appinfo></xs:annotation>'
    )
    error = load(
        tmp_path,
        f"""<namespace name="N"><procedure name="P"><Schema name="inputSchema"><xs:schema
xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData"><xs:complexType><xs:all>
<xs:element name="user" type="xs:string">{declaration}</xs:element></xs:all></xs:complexType></xs:element></xs:schema></Schema>
<transform/></procedure></namespace>""",
    )
    assert said in str(error)


def test_what_a_namespace_or_a_procedure_shows_of_itself_is_short(tmp_path: Path) -> None:
    """Every frame of a failed request has it among its variables, which are searched for secrets."""
    steps = '<execute namespace="N" procedure="P0"/>' * 50
    procedures = "".join(f'<procedure name="P{number}">{steps}</procedure>' for number in range(50))
    file = tmp_path / "n.xml"
    file.write_text(f'<namespace name="N">{procedures}</namespace>')
    namespace = load_namespace(file)
    assert max(len(repr(namespace)), len(repr(namespace.procedures["P0"]))) < 1000
