"""``mpfctl plan``: what it shows, and that nothing is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ADMIN, CUSTOMER, DC, OCS, Run

pytestmark = pytest.mark.slow

DOMAIN = ("--namespace", OCS, "--procedure", "CreateSipDomain", "--set", f"organization={CUSTOMER}", "--set", DC)
ADDRESS = ("--set", "address=alpineskihouse.com")


def test_every_call_with_its_account_and_its_change_as_ldif(run: Run, trial: Path) -> None:
    before = run("directory", "export").stdout
    result = run("plan", *DOMAIN, *ADDRESS, "--as", ADMIN)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert any(line.startswith("1. ") for line in lines)
    assert f"as {ADMIN} (caller)" in result.stdout
    assert "as MPFServiceAcct (service)" in result.stdout
    assert "| changetype: add" in lines
    assert any(line.startswith("| dn: CN=alpineskihouse.com,CN=SIPDomains,") for line in lines)
    assert run("directory", "export").stdout == before


def test_for_programs(run: Run, trial: Path) -> None:
    document = json.loads(run("plan", *DOMAIN, *ADDRESS, "--as", ADMIN, "--json").stdout)
    assert (document["error"], document["stopped"]) == (None, False)
    assert {step["identity_kind"] for step in document["steps"]} == {"caller", "service"}
    assert all(step["reversible"] for step in document["steps"])
    kinds = {call["sequence"]: call["type"] for call in document["calls"]}
    assert {kinds[step["sequence"]] for step in document["steps"]} == {"write"}
    assert "read" in kinds.values()


def test_a_request_that_would_fail(run: Run, trial: Path) -> None:
    refused = run("plan", *DOMAIN, *ADDRESS, "--as", "admin@fourthcoffee.com")
    assert refused.exit_code == 1
    assert "UserCreators" in refused.stdout
    missing = json.loads(run("plan", *DOMAIN, "--as", ADMIN, "--json").stdout)
    assert missing["error"] == {"code": "0x80070057", "description": "The required argument address was not supplied."}
    assert missing["steps"] == []


def test_a_request_that_only_reads(run: Run, trial: Path) -> None:
    read = ("--namespace", OCS, "--procedure", "GetPoolAssignment", "--set", f"organization={CUSTOMER}", "--set", DC)
    *calls, last = run("plan", *read, "--as", ADMIN).stdout.splitlines()
    assert last == "Nothing would be changed."
    assert calls[0] == f"   {OCS}::GetPoolAssignment (read) as {ADMIN} (caller)"
    assert len(calls) > 2


def test_where_a_plan_stops_it_says_why(run: Run, trial: Path) -> None:
    """The second call needs what the first one would have made."""
    steps = "".join(
        f'<execute namespace="{OCS}" procedure="{procedure}" impersonate="1"><executeData>{data}<organization>{CUSTOMER}'
        "</organization><preferredDomainController>AD01.Fabrikam.com</preferredDomainController></executeData></execute>"
        for procedure, data in (
            ("CreateSipDomain", "<address>alpineskihouse.com</address>"),
            ("DeleteSipDomain", "<address>alpineskihouse.com</address>"),
        )
    )
    request = f"<request><procedure>{steps}</procedure></request>"
    result = run("plan", "-", "--as", ADMIN, stdin=request.encode())
    assert result.exit_code == 1
    assert "does not belong to" in result.stdout
    assert "The plan stops here, at request/execute[2]" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("--namespace", OCS), ("x.xml", "--set", "a=b")])
def test_wrong_usage(run: Run, trial: Path, arguments: tuple[str, ...]) -> None:
    (trial.parent / "x.xml").write_text("<request/>")
    assert run("plan", *arguments, "--as", ADMIN).exit_code == 2
