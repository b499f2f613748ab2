"""``mpfctl namespaces`` and ``describe``."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from mpf_core.cli.samples import SAMPLE_VALUES, sample_request
from mpf_core.engine import Engine
from mpf_core.model import Access
from tests.cli.conftest import ADMIN, OCS, Run

pytestmark = pytest.mark.slow


def test_namespaces_are_listed(run: Run, trial: Path) -> None:
    result = run("namespaces")
    assert result.exit_code == 0
    for name in (OCS, "Managed Helpers", "Error Provider", "Active Directory Provider"):
        assert f"{name} " in result.stdout


def test_a_namespace_shows_its_procedures(run: Run, trial: Path) -> None:
    result = run("describe", OCS)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert next(line for line in lines if line[:1] == ["CreateSipDomain"])[1:4] == ["write", "public", "UserCreators"]


def test_a_procedure_shows_arguments_role_and_calls(run: Run, trial: Path) -> None:
    result = run("describe", f"{OCS}::CreateSipDomain")
    assert result.exit_code == 0
    for words in (
        "organization",
        "address",
        "required",
        "UserCreators",
        "Managed Helpers::CreateServicePointer",
        "<request>",
    ):
        assert words in result.stdout


def test_names_are_found_in_any_case(run: Run, trial: Path) -> None:
    assert f"{OCS}::CreateSipDomain" in run("describe", f"{OCS.lower()} :: createsipdomain").stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Managed Office Communication Server", f"did you mean '{OCS}'?"),
        (f"{OCS}::CreateSipDomian", "did you mean 'CreateSipDomain'?"),
        ("createSipDomain", f'did you mean "{OCS}::CreateSipDomain"?'),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(run: Run, trial: Path, name: str, words: str) -> None:
    result = run("describe", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_sample_can_be_sent_as_it_is(run: Run, trial: Path, tmp_path: Path) -> None:
    for procedure in ("CreateSipDomain", "SetPoolAssignment", "GetPoolAssignment", "CreateSipUser"):
        sample = run("describe", f"{OCS}::{procedure}", "--sample")
        assert sample.exit_code == 0
        result = run("submit", "-", "--as", ADMIN, stdin=sample.stdout_bytes)
        assert result.exit_code == 0, f"{procedure}: {result.output}"


def test_every_sample_is_a_valid_request(run: Run, trial: Path, tmp_path: Path) -> None:
    with Engine.from_config(trial) as engine:
        public = [
            procedure
            for space in engine.namespaces.values()
            for procedure in space.procedures.values()
            if procedure.access is Access.PUBLIC
        ]
    assert len(public) >= 11
    for number, procedure in enumerate(public):
        (tmp_path / f"{number}.xml").write_text(sample_request(procedure), encoding="utf-8")
    result = run("validate", *(f"{number}.xml" for number in range(len(public))))
    assert result.exit_code == 0, result.output


def test_a_sample_of_a_whole_namespace_is_a_usage_error(run: Run, trial: Path) -> None:
    assert run("describe", OCS, "--sample").exit_code == 2


def test_the_sample_of_a_private_procedure_comes_with_a_warning(run: Run, trial: Path) -> None:
    result = run("describe", "Error Provider::SetError", "--sample")
    assert result.stdout.startswith("<request>")
    assert result.stderr == "Error Provider::SetError is private: only other procedures may call it.\n"


@pytest.mark.parametrize("name", ["Error Provider", "Error Provider::"])
def test_a_namespace_may_end_as_completion_leaves_it(run: Run, trial: Path, name: str) -> None:
    assert run("describe", name).stdout.startswith("Error Provider\n")


@pytest.mark.parametrize("type_", sorted(SAMPLE_VALUES))
def test_sample_values_are_values_of_their_types(type_: str) -> None:
    xsd = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="e" type="xs:{type_}"/></xs:schema>'
    etree.XMLSchema(etree.fromstring(xsd)).assertValid(etree.fromstring(f"<e>{SAMPLE_VALUES[type_]}</e>"))


def test_a_sample_without_examples_has_valid_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "N.xml").write_text(
        '<namespace name="N"><procedure name="P" type="read"><Schema name="inputSchema">'
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData"><xs:complexType><xs:all>'
        '<xs:element name="count" type="xs:positiveInteger"/><xs:element name="on" type="xs:boolean"/>'
        "</xs:all></xs:complexType></xs:element></xs:schema></Schema>"
        '<execute namespace="N" procedure="Q"/></procedure></namespace>'
    )
    (tmp_path / "mpf.toml").write_text('[engine]\nnamespaces = ["N.xml"]\n')
    result = run("describe", "N::P", "--sample")
    assert result.exit_code == 0, result.output
    assert "<count>1</count>" in result.stdout
    assert "<on>true</on>" in result.stdout
