"""``--kerberos``, as far as it goes without a server that gives tickets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ADMIN, CUSTOMER, DC, OCS, Run

READ = ("--namespace", OCS, "--procedure", "GetPoolAssignment", "--set", f"organization={CUSTOMER}", "--set", DC)


@pytest.mark.parametrize("command", ["submit", "plan"])
def test_whose_ticket_it_is_is_not_said(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "mpf.toml").write_text("")
    done = run(command, *READ, "--kerberos", "--as", ADMIN)
    assert (done.exit_code, "leave out --as" in done.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["submit", "plan"])
def test_the_embedded_directory_knows_no_tickets(run: Run, trial: Path, command: str) -> None:
    done = run(command, *READ, "--kerberos")
    assert (done.exit_code, "embedded directory knows no Kerberos" in done.stdout) == (1, True)


def test_without_a_directory_nobody_can_say_whose_ticket_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mpf.toml").write_text('[plugins]\nenabled = ["mpf.error"]\n')
    done = run("submit", "--namespace", "Error Provider", "--procedure", "SetError", "--kerberos", "--set", "hr=0x80004005")
    assert done.exit_code == 1
    assert "0x80070005" in done.stdout.lower()
    assert "who the caller is" in done.stdout
