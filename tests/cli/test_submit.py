"""``mpfctl submit``: what goes in, what comes out and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.cli.callers import system_user
from tests.cli.conftest import ADMIN, CUSTOMER, DC, OCS, Run

pytestmark = pytest.mark.slow

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "requests").glob("*.xml"))
LIST_DOMAINS = (
    "--namespace",
    OCS,
    "--procedure",
    "GetSipDomainsByOrganization",
    "--set",
    f"organization={CUSTOMER}",
    "--set",
    DC,
)
CREATE_DOMAIN = ("--namespace", OCS, "--procedure", "CreateSipDomain", "--set", f"organization={CUSTOMER}", "--set", DC)


def test_a_response_is_all_that_stands_on_standard_output(run: Run, trial: Path) -> None:
    result = run("submit", *LIST_DOMAINS, "--as", ADMIN)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert etree.fromstring(result.stdout_bytes).xpath("name(/response/data/*)") == "sipDomains"


def test_an_error_context_is_exit_code_1_and_a_line_on_standard_error(run: Run, trial: Path) -> None:
    assert run("submit", *CREATE_DOMAIN, "--set", "address=alpineskihouse.com", "--as", ADMIN).exit_code == 0
    again = run("submit", *CREATE_DOMAIN, "--set", "address=alpineskihouse.com", "--as", ADMIN)
    assert again.exit_code == 1
    code = etree.fromstring(again.stdout_bytes).xpath("string(/response/errorContext/@code)")
    assert f"Failed: {code}" in again.stderr
    assert "\x1b" not in again.output


def test_every_example_runs_in_order(run: Run, trial: Path) -> None:
    assert len(EXAMPLES) == 7
    for example in EXAMPLES:
        result = run("submit", example, "--as", ADMIN)
        expected = 1 if "fails" in example.name else 0
        assert result.exit_code == expected, f"{example.name}: {result.output}"
    assert "Rolled back: " in result.stderr


def test_a_request_from_standard_input(run: Run, trial: Path) -> None:
    result = run("submit", "-", "--as", ADMIN, stdin=EXAMPLES[0].read_bytes())
    assert result.exit_code == 0, result.output


def test_data_in_a_file_for_a_procedure_named_outside(run: Run, trial: Path, tmp_path: Path) -> None:
    (tmp_path / "data.xml").write_text(
        f"<request><data><organization>{CUSTOMER}</organization>"
        "<preferredDomainController>AD01.Fabrikam.com</preferredDomainController></data></request>"
    )
    result = run("submit", "data.xml", "--namespace", OCS, "--procedure", "GetPoolAssignment", "--as", ADMIN)
    assert result.exit_code == 0, result.output


def test_what_is_not_xml_is_an_error_context_not_a_crash(run: Run, trial: Path) -> None:
    result = run("submit", "-", "--as", ADMIN, stdin=b"\x00nonsense")
    assert result.exit_code == 1
    assert "0xa2100001" in result.stdout


def test_a_document_above_the_limit_is_refused(run: Run, trial: Path) -> None:
    trial.write_text(trial.read_text().replace("# document_bytes = 2_000_000", "document_bytes = 100"))
    result = run("submit", EXAMPLES[0], "--as", ADMIN)
    assert result.exit_code == 1
    assert "0xa2100002" in result.stdout
    assert str(EXAMPLES[0].stat().st_size) in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Nothing to send"),
        (("--namespace", OCS, "--as", ADMIN), "go together"),
        (("-", "--set", "a=b", "--as", ADMIN), "--set"),
        (("missing.xml", "--as", ADMIN), "missing.xml"),
        ((*LIST_DOMAINS, "--set", "novalue", "--as", ADMIN), "ARG=VALUE"),
        ((*LIST_DOMAINS, "--set", "not a name=x", "--as", ADMIN), "XML"),
        ((*LIST_DOMAINS, "--set", "a=\x01", "--as", ADMIN), "XML"),
        ((*LIST_DOMAINS, "--set", "=x", "--as", ADMIN), "XML"),
        (LIST_DOMAINS, "--as NAME"),
        ((*LIST_DOMAINS, "--as", ""), "--as NAME"),
        ((*LIST_DOMAINS, "--as", ADMIN, "--timeout", "0"), "--timeout"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, trial: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run("submit", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_an_unknown_caller_is_refused_by_the_engine(run: Run, trial: Path) -> None:
    result = run("submit", *LIST_DOMAINS, "--as", "nobody@nowhere.com")
    assert result.exit_code == 1
    assert "0x80070005" in result.stdout


def test_the_system_user_does_not_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = system_user()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert system_user() == honest != "somebody-else"


def test_verbose_logs_go_to_standard_error(run: Run, trial: Path) -> None:
    trial.write_text(trial.read_text().replace('format = "console"', 'format = "json"'))
    result = run("-vv", "submit", *LIST_DOMAINS, "--as", ADMIN)
    assert result.exit_code == 0
    etree.fromstring(result.stdout_bytes)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert lines
    assert all(line["transaction"] and line["event"] and line["level"] for line in lines)
    assert run("submit", *LIST_DOMAINS, "--as", ADMIN).stderr == ""  # and no handler stays behind


def test_a_trace_shows_every_call_and_leaves_the_response_alone(run: Run, trial: Path) -> None:
    call = ("--namespace", OCS, "--procedure", "GetPoolAssignment", "--set", f"organization={CUSTOMER}", "--set", DC)
    plain = run("submit", *call, "--as", ADMIN)
    traced = run("submit", *call, "--as", ADMIN, "--trace")
    assert traced.stdout == plain.stdout
    assert f"1. {OCS}::GetPoolAssignment" in traced.stderr
    assert "Managed Active Directory::TestOrganization_" in traced.stderr
    assert f"in  <organization>{CUSTOMER}</organization>" in traced.stderr
    document = json.loads(run("submit", *call, "--as", ADMIN, "--trace", "json").stderr)
    assert document["calls"][0]["procedure"] == f"{OCS}::GetPoolAssignment"


def test_a_trace_for_programs_is_json_also_when_the_request_fails(run: Run, trial: Path) -> None:
    call = ("--namespace", OCS, "--procedure", "GetPools", "--set", DC, "--as", ADMIN)  # for domain administrators only
    failed = run("submit", *call, "--trace", "json")
    assert failed.exit_code == 1
    assert json.loads(failed.stderr)["calls"][0]["error"].startswith("0x80070057 Insufficient Privilege!")
    into = run("-vv", "submit", *call, "--trace-file", "trace.json")
    assert json.loads(Path("trace.json").read_text())["calls"][0]["procedure"] == f"{OCS}::GetPools"
    assert "Failed: " in into.stderr
    nowhere = run("submit", *call, "--trace-file", "nowhere/trace.json")
    assert (nowhere.exit_code, nowhere.stdout) == (2, "")


def test_a_trace_that_takes_the_file_for_its_format_says_so(run: Run, trial: Path) -> None:
    Path("request.xml").write_text("<request/>")
    result = run("submit", "--as", ADMIN, "--trace", "request.xml")
    assert result.exit_code == 2
    assert "Is it the FILE? Then: request.xml --trace" in result.stderr


@pytest.mark.parametrize("seconds", ["nan", "inf", "0"])
def test_a_time_that_is_none_is_wrong_usage(run: Run, trial: Path, seconds: str) -> None:
    result = run("submit", "-", "--as", ADMIN, "--timeout", seconds, stdin=b"<request/>")
    assert result.exit_code == 2
    assert "--timeout" in result.stderr
