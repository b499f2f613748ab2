"""What happens when the output cannot be written, and what is said of broken plugins and wrong arguments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mpf_core.cli.init import create

OCS = "Managed Office Communications Server"
CUSTOMER = "LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
SUBMIT = ("submit", "--as", "admin@alpineskihouse.com", "--namespace", OCS, "--procedure")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    create(made)
    return made


def mpfctl(folder: Path, *arguments: str, stdout: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from mpf_core.cli import main; main()", *arguments]
    if not stdout:
        return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    with open(stdout, "w") as target:  # noqa: PTH123
        return subprocess.run(program, cwd=folder, stdout=target, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("command", [("--help",), ("namespaces",), ("describe", OCS), ("directory", "export")])
def test_output_that_cannot_be_written_is_exit_code_3(folder: Path, command: tuple[str, ...]) -> None:
    done = mpfctl(folder, *command, stdout="/dev/full")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert "could not be written" in done.stderr


@pytest.mark.slow
def test_a_committed_request_whose_response_is_lost_says_so(folder: Path) -> None:
    call = (
        *SUBMIT,
        "GetPoolAssignment",
        "--set",
        f"organization={CUSTOMER}",
        "--set",
        "preferredDomainController=AD01.Fabrikam.com",
    )
    done = mpfctl(folder, *call, stdout="/dev/full")
    assert done.returncode == 3
    assert "The request was committed: transaction {" in done.stderr


@pytest.mark.slow
def test_with_standard_output_closed_nothing_is_done(folder: Path) -> None:
    program = [sys.executable, "-c", "from mpf_core.cli import main; main()", "namespaces"]
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *program], cwd=folder, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "Error: Nothing was done, because standard output is closed.\n")


@pytest.mark.slow
def test_every_mistake_of_a_call_is_said(folder: Path) -> None:
    done = mpfctl(folder, *SUBMIT, "GetPoolAssignment", "--set", "organisation=x")
    assert done.returncode == 1
    assert "Did you mean 'organization'?" in done.stderr
    assert "preferredDomainController was not supplied" in done.stderr


@pytest.mark.slow
def test_a_file_with_a_procedure_and_a_named_procedure_is_wrong_usage(folder: Path) -> None:
    (folder / "r.xml").write_text("<request><procedure/></request>")
    done = mpfctl(folder, "submit", "r.xml", *SUBMIT[1:], "GetPoolAssignment")
    assert done.returncode == 2
    assert "leave out one of the two" in done.stderr


@pytest.mark.slow
def test_a_broken_plugin_is_named_at_once(folder: Path, tmp_path: Path) -> None:
    text = (folder / "mpf.toml").read_text().replace('path = "events.jsonl"', 'pth = "events.jsonl"')
    (tmp_path / "mpf.toml").write_text(text)
    done = mpfctl(tmp_path, "namespaces")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("The plugin 'mpf.eventlog' is broken: ")
    assert "did you mean 'path'?" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [("namespaces",), ("directory", "show")])
def test_a_mistake_in_the_directory_section_is_a_configuration_mistake(
    folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    text = (folder / "mpf.toml").read_text().replace('backend = "embedded"', 'backend = "embeded"')
    (tmp_path / "mpf.toml").write_text(text)
    done = mpfctl(tmp_path, *command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "directory.backend: input should be 'embedded' or 'ldap'" in done.stderr
    assert "broken" in mpfctl(tmp_path, "plugins").stdout


@pytest.mark.slow
def test_the_directory_is_shown_by_ldap_path_too(folder: Path) -> None:
    done = mpfctl(folder, "directory", "show", CUSTOMER)
    assert done.stdout.startswith("dn: OU=AlpineSkiHouse,")
