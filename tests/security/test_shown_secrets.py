"""Secrets that a message shows cut, folded or from another XML namespace."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.engine import Result
from tests.support import CALLER, Bench

LONG = "-----BEGIN PRIVATE KEY----- " + "MIGHAgEAMBMGByqGSM49AgEG" * 5
ROLE = (
    '<xs:annotation><xs:appinfo><di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole '
    'type="Implicit">Users</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation>'
)
MARKED = """<xs:complexType name="marked"><xs:simpleContent><xs:extension base="{}"><xs:attribute name="do-not-log"/>
  </xs:extension></xs:simpleContent></xs:complexType>"""
DIGITS = """<xs:complexType><xs:simpleContent><xs:restriction base="marked"><xs:pattern value="[0-9]*"/></xs:restriction>
  </xs:simpleContent></xs:complexType>"""
QUOTE = """<execute namespace="Store" procedure="Fail">
  <before source="data" sourcePath="*" destination="executeData" destinationPath="desc" mode="merge"/></execute>"""


def send(folder: Path, sent: str, argument: str, base: str = "xs:string", target: str = "") -> Result:
    """Send one argument to a procedure whose only one is of that type, and which quotes it in an error."""
    bench = Bench(
        folder,
        f'<namespace name="Keys"><procedure name="Set" access="public"><Schema name="inputSchema"><xs:schema '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema" {target}>{ROLE}<xs:element name="executeData"><xs:complexType>'
        f"<xs:sequence>{argument}</xs:sequence></xs:complexType></xs:element>{MARKED.format(base)}</xs:schema></Schema>"
        f"{QUOTE}</procedure></namespace>",
    )
    return bench.engine.execute(f"<request><data>{sent}</data></request>", CALLER, namespace="Keys", procedure="Set")


DERIVED = f'<xs:element name="key" maxOccurs="unbounded">{DIGITS}</xs:element>'


def test_one_that_is_cut(tmp_path: Path) -> None:
    assert "PRIVATE KEY" not in send(tmp_path, f'<key do-not-log="1">{LONG}</key>', DERIVED).document.decode()


@pytest.mark.parametrize("more", ["", "<key/>" * 6000])
def test_one_whose_blanks_the_schema_folds(tmp_path: Path, more: str) -> None:
    sent = f'<key do-not-log="1">a s3cret  \n passphrase</key>{more}'
    assert "s3cret" not in send(tmp_path, sent, DERIVED, base="xs:token").document.decode()


def test_one_that_should_be_a_number_of_repetitions(tmp_path: Path) -> None:
    steps = '<execute namespace="Store" procedure="Echo"><repeat source="data" sourcePath="key"/></execute>'
    result = Bench(tmp_path).run(steps, f'<key do-not-log="1">{LONG}</key>')
    assert "PRIVATE KEY" not in result.document.decode()


def test_one_that_its_derived_type_declares(tmp_path: Path) -> None:
    assert "s3cret" not in send(tmp_path, "<key>a-s3cret-key</key>", DERIVED).document.decode()


def test_one_in_the_namespace_of_the_schema(tmp_path: Path) -> None:
    target = 'targetNamespace="urn:keys" xmlns="urn:keys" elementFormDefault="qualified"'
    sent = '<key xmlns="urn:keys">a-s3cret-key</key>'
    argument = '<xs:element name="key" type="marked"/>'
    assert "s3cret" not in send(tmp_path, sent, argument, target=target).document.decode()
