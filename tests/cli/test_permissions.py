"""What the operating system's user may do: each command needs its permission, and one is not another."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.cli import callers
from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site

pytestmark = pytest.mark.slow

ID = "{00000000-0000-0000-0000-000000000000}"
NEEDED = {
    ("audit", "list"): "audit",
    ("audit", "--elevations"): "audit",
    ("audit", "elevations"): "audit",
    ("audit", "verify"): "audit",
    ("audit", "export", "out.jsonl"): "audit",
    ("audit", "prune", "--before", "2020-01-01"): "administration",
    ("credentials", "list"): "administration",
    ("credentials", "set", "x", "--username", "y"): "administration",
    ("credentials", "rotate", "x"): "administration",
    ("credentials", "remove", "x"): "administration",
    ("transactions", "list"): "audit",
    ("transactions", "show", ID): "audit",
    ("transactions", "retry", "--all"): "administration",
    ("transactions", "resolve", ID, "--because", "z"): "administration",
    ("store", "info"): "audit",
    ("store", "rotate"): "administration",
    ("store", "prune"): "administration",
    ("recover",): "administration",
    ("submit", "request.xml", "--as", CALLER): "assert_caller",
    ("plan", "request.xml", "--as", CALLER): "assert_caller",
}


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch, run: Run, site: Site) -> Site:
    """A site of somebody else: the user at hand is called guest, and owns nothing."""
    run("submit", site.request("Put:one"), "--as", CALLER)
    site.config.write_text(site.config.read_text().replace('assert_caller = ["system:*"]\n', ""))
    monkeypatch.setattr(callers, "system_user", lambda: "guest")
    monkeypatch.setattr(callers, "_owns_configuration", lambda _state: False)
    return site


def allow(site: Site, permission: str, holder: str = "system:guest") -> None:
    text = site.config.read_text()
    site.config.write_text(
        text.replace("[security.permissions]\n", f'[security.permissions]\n{permission} = ["{holder}"]\n')
    )


@pytest.mark.parametrize(
    ("command", "permission"), NEEDED.items(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_each_command_needs_its_permission(run: Run, others: Site, command: tuple[str, ...], permission: str) -> None:
    for other in {"administration", "audit", "assert_caller"} - {permission}:
        allow(others, other)
    refused = run(*command)
    assert refused.exit_code == 2
    assert f"needs the permission '{permission}', which guest does not have" in refused.stderr
    allow(others, permission)
    assert "needs the permission" not in run(*command).stderr


@pytest.mark.parametrize("holder", ["guest", "system:Guest", "system:gues", "GUEST", "system:"])
def test_others_are_others(run: Run, others: Site, holder: str) -> None:
    allow(others, "audit", holder)
    assert run("audit", "list").exit_code == 2
    assert others.config.read_text().count(holder) >= 1


def test_the_owner_of_the_configuration_could_write_it_there_anyway(
    run: Run, others: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "_owns_configuration", lambda _state: True)
    assert run("audit", "list").exit_code == 0
    assert run("credentials", "list").exit_code == 0
    # But not to be anybody in a directory that is not a file of the owner's.
    assert "needs the permission 'assert_caller'" in run("submit", others.request("Put:two"), "--as", CALLER).stderr


@pytest.mark.parametrize(("backend", "refused"), [("embedded", False), ("ldap", True)])
def test_as_goes_without_permission_for_the_owner_of_an_embedded_directory(
    run: Run, trial: Path, backend: str, refused: bool
) -> None:
    trial.write_text(trial.read_text().replace('backend = "embedded"', f'backend = "{backend}"'))
    result = run("submit", "--namespace", "Error Provider", "--procedure", "SetError", "--as", "admin@alpineskihouse.com")
    assert ("needs the permission 'assert_caller'" in result.stderr) is refused


def test_help_needs_neither_permission_nor_configuration(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in NEEDED:
        assert run(*command[:2], "--help").exit_code == 0
