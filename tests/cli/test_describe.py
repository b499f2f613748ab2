"""``mpfctl namespaces`` and ``describe``."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.cli.samples import sample_request
from mpf_core.engine import Engine
from mpf_core.model import Access
from tests.cli.conftest import ADMIN, OCS, Run


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
