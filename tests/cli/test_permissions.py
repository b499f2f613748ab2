"""What the operating system's user may do: each command needs its permission, and one is not another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mpf_core.cli import callers, cli
from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site

pytestmark = pytest.mark.slow

ID = "{00000000-0000-0000-0000-000000000000}"
#: Each command, as it is called without a subcommand's options, and its permission. With ``None`` it needs none: it reads no
#: more than files, or writes new ones, with the rights of whoever calls it.
NEEDED: dict[tuple[str, ...], str | None] = {
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
    ("plugins", "enable", "mpf.eventlog"): "administration",
    ("plugins", "disable", "mpf.directory"): "administration",
    ("directory", "show"): "administration",
    ("directory", "export"): "administration",
    ("directory", "check"): "administration",
    ("directory", "rights"): "administration",
    ("directory", "schema"): None,
    ("plugins", "list"): None,
    ("completion", "bash"): None,
    ("demo",): None,
    ("describe", "Shelf"): None,
    ("graph", "Shelf::Put"): None,
    ("init", "folder"): None,
    ("lint", "shelf.xml"): None,
    ("namespaces",): None,
    ("new", "provider", "Fabrikam Phones"): None,
    ("new", "procedure", "Fabrikam Phones"): None,
    ("schema", "namespace"): None,
    ("validate", "request.xml"): None,
}
PERMISSIONS = {command: permission for command, permission in NEEDED.items() if permission}


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch, run: Run, site: Site) -> Site:
    """A site of somebody else: the user at hand is called guest, and owns nothing."""
    run("submit", site.request("Put:one"), "--as", CALLER)
    text = site.config.read_text().replace('assert_caller = ["system:*"]\n', "")
    site.config.write_text(text.replace('enabled = ["test.shelf"', 'enabled = ["mpf.directory", "test.shelf"'))
    monkeypatch.setattr(callers, "system_user", lambda: "guest")
    monkeypatch.setattr(callers, "_owns_configuration", lambda _state: False)
    return site


def allow(site: Site, permission: str, holder: str = "system:guest") -> None:
    text = site.config.read_text()
    site.config.write_text(
        text.replace("[security.permissions]\n", f'[security.permissions]\n{permission} = ["{holder}"]\n')
    )


@pytest.mark.parametrize(
    ("command", "permission"), PERMISSIONS.items(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_each_command_needs_its_permission(run: Run, others: Site, command: tuple[str, ...], permission: str) -> None:
    for other in {"administration", "audit", "assert_caller"} - {permission}:
        allow(others, other)
    refused = run(*command)
    assert refused.exit_code == 2
    assert f"needs the permission '{permission}', which guest does not have" in refused.stderr
    allow(others, permission)
    assert "needs the permission" not in run(*command).stderr


def commands(group: click.Group, ctx: click.Context, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command there is, those of plugins too."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, ctx, *path, name)
        else:
            yield (*path, name)


def test_every_command_is_in_the_table(run: Run, others: Site) -> None:
    with click.Context(cli, info_name="mpfctl") as ctx:
        there = set(commands(cli, ctx))
    said = {command[: len(one)] for command in NEEDED for one in there if command[: len(one)] == one}
    assert there - said == set()
    assert {command for command in NEEDED if not there.intersection({command[:1], command[:2]})} == {
        ("audit", "--elevations")
    }


@pytest.mark.parametrize("command", sorted(NEEDED.keys() - PERMISSIONS.keys()), ids=" ".join)
def test_the_others_need_none(run: Run, others: Site, command: tuple[str, ...]) -> None:
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
    others.config.write_text(others.config.read_text().replace('"mpf.directory", ', ""))
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
        if command[0] == "directory":  # a plugin's: which are enabled is in the configuration
            continue
        assert run(*command[:2], "--help").exit_code == 0
