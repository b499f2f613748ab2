"""``mpfctl graph``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import OCS, Run

pytestmark = pytest.mark.slow


def test_a_procedure_is_drawn(run: Run, trial: Path) -> None:
    result = run("graph", f"{OCS}::CreateSipDomain")
    assert result.exit_code == 0, result.output
    first, title, *rest = result.stdout.splitlines()
    assert first == "flowchart TD"
    assert "CreateSipDomain" in title
    assert "needs UserCreators over organization<br/>address: claimed" in title
    drawn = "\n".join(rest)
    assert "Managed Helpers::CreateServicePointer_<br/>as the service account" in drawn
    assert "n6 --> n7" in drawn


def test_the_name_may_be_in_any_case(run: Run, trial: Path) -> None:
    assert run("graph", f"{OCS.lower()}::createsipdomain").stdout == run("graph", f"{OCS}::CreateSipDomain").stdout


def test_into_a_page(run: Run, trial: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    result = run("graph", "Managed Helpers::CreateServicePointer_", "--markdown", "-o", page)
    assert (result.exit_code, result.stdout) == (0, "")
    lines = page.read_text().splitlines()
    assert lines[:2] == ["```mermaid", "flowchart TD"]
    assert "private" in lines[2]
    assert lines[-1] == "```"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (OCS, "names no procedure"),
        ("Managed Office Communication Server::GetPools", f"did you mean '{OCS}'?"),
        (f"{OCS}::GetPool", "did you mean 'GetPools'?"),
    ],
)
def test_what_is_not_there_is_said(run: Run, trial: Path, name: str, said: str) -> None:
    result = run("graph", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
