"""Guards that decide which documents and requests are let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mpf_core import (
    MpfError,
    admission,
    xml,
)
from mpf_core.errors import ConfigError
from mpf_core.execution import Execution
from mpf_core.loader import load_namespace
from mpf_core.steps import StepReader
from mpf_core.validation.input_schema import InputSchema
from tests.security.guards.base import (
    EVERYTHING,
    bench,
    guard,
    nothing,
    public,
    replaced,
    store_call,
)
from tests.support import ANYBODY, CALLER


@guard("private procedures are for other procedures", replaced(Execution, "_check_visible", nothing))
def a_private_procedure(folder: Path) -> bool:
    result = bench(folder).engine.execute("<request><data/></request>", CALLER, namespace="Store", procedure="Echo")
    return result.error is None


def _everything_is_plain(_steps: object) -> bool:
    return True


@guard("steps of a caller's own need a permission", replaced(admission, "_is_plain", _everything_is_plain))
def steps_as_the_service_account(folder: Path) -> bool:
    made = bench(folder, public("N", store_call("Put")), private_procedures=(CALLER.name,))
    made.run('<execute namespace="N" procedure="P" impersonate="2"/>')
    return made.store.values == {"a": "b"}


@guard("credentials and a trustee need a permission", replaced(admission, "_check_kind", nothing))
def somebody_elses_credentials(folder: Path) -> bool:
    made = bench(folder, **EVERYTHING)
    context = (
        '<context><securityContext><authentication><basic username="Administrator" password="x"/></authentication>'
        "</securityContext></context>"
    )
    return made.run(store_call("Echo"), context=context).error is None


def _allow_all_xslt(patch: pytest.MonkeyPatch) -> None:
    real = StepReader.__init__
    patch.setattr(StepReader, "__init__", lambda self, problems, **options: real(self, problems))


TEMPLATE = (
    '<execute namespace="Store" procedure="Echo" impersonate="1"><before source="data" destination="executeData">'
    '<xsl:template match="/"><x><xsl:value-of select="count(//*)"/></x></xsl:template></before></execute>'
)


@guard("programs in requests need a permission", _allow_all_xslt)
def a_template(folder: Path) -> bool:
    return bench(folder, **EVERYTHING).run(TEMPLATE).error is None


@guard("paths in requests are plain", _allow_all_xslt)
def an_expensive_path(folder: Path) -> bool:
    step = (
        '<execute namespace="Store" procedure="Echo" impersonate="1">'
        '<before source="data" sourcePath="//*[count(//*) > 0]" destination="executeData"/></execute>'
    )
    return bench(folder, **EVERYTHING).run(step, data="<a/>").error is None


def _parse_anything(data: bytes, _name: str, base: str | None) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False), base_url=base)


@guard("no document has a DOCTYPE", replaced(xml, "_parse", _parse_anything))
def entities(folder: Path) -> bool:
    document = '<!DOCTYPE r [<!ENTITY a "grown"><!ENTITY b "&a;&a;">]><request><data x="&b;&b;"/></request>'
    try:
        data = xml.parse(document).find("data")
    except MpfError:
        return False
    return data is not None and data.get("x") == "grown" * 4


def _schema(folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "other.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData"/></xs:schema>'
    )
    include = f'<xs:include schemaLocation="{(folder / "other.xsd").as_uri()}"/>'
    return f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{include}</xs:schema>'


@guard("no schema reads a file", replaced(xml._Refuse, "resolve", nothing))
def a_file_through_a_schema(folder: Path) -> bool:
    try:
        etree.XMLSchema(etree.fromstring(_schema(folder), xml.schema_parser()))
    except etree.XMLSchemaParseError:
        return False
    return True


def _knows_no_arguments(patch: pytest.MonkeyPatch) -> None:
    real = InputSchema.__init__

    def init(self: InputSchema, *arguments: Any, **options: Any) -> None:
        real(self, *arguments, **options)
        self.undeclared = ()

    patch.setattr(InputSchema, "__init__", init)


@guard("what names an object is declared", _knows_no_arguments)
def an_argument_that_no_policy_looks_at(folder: Path) -> bool:
    folder.mkdir(exist_ok=True)
    file = folder / "n.xml"
    schema = ANYBODY.replace(
        '<xs:element name="executeData"/>',
        '<xs:element name="executeData"><xs:complexType><xs:all><xs:element name="organization" type="xs:string"/>'
        "</xs:all></xs:complexType></xs:element>",
    )
    assert schema != ANYBODY
    file.write_text(f'<namespace name="N"><procedure name="P" access="public">{schema}<transform/></procedure></namespace>')
    try:
        load_namespace(file)
    except ConfigError:
        return False
    return True
