"""``mpfctl credentials``: what is stored, and that no password is shown or written in clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpf_core import Engine
from mpf_core.cli.callers import system_user
from tests.cli.conftest import Run
from tests.cli.shelf import Site

SECRET = "pw-CANARY-17"
ACCOUNT = ("--username", "MPSPrivAcct-123456", "--domain", "FABRIKAM")


@pytest.fixture
def stored(run: Run, site: Site) -> Site:
    done = run("credentials", "set", "Priv", *ACCOUNT, stdin=SECRET.encode() + b"\n")
    assert (done.exit_code, done.stdout) == (0, "Stored the credential 'Priv'.\n")
    return site


def password(site: Site) -> str | None:
    with Engine.from_config(site.folder / "mpf.toml") as engine:
        found = engine.administration.credential("Priv")
        return None if found is None else found.password


def test_what_is_stored_is_listed_and_never_shown(run: Run, stored: Site, tmp_path: Path) -> None:
    shown = run("credentials", "list").stdout
    assert shown.splitlines()[1].split()[:4] == ["Priv", "MPSPrivAcct-123456", "FABRIKAM", system_user()]
    (one,) = json.loads(run("credentials", "list", "--json").stdout)["credentials"]
    assert (one["name"], one["username"], one["procedures"]) == ("Priv", "MPSPrivAcct-123456", [])
    assert SECRET not in shown + json.dumps(one)
    assert password(stored) == SECRET
    assert not any(SECRET.encode() in file.read_bytes() for file in tmp_path.glob("mpf.db*") if file.is_file())


def test_a_credential_is_replaced_only_if_that_is_wanted(run: Run, stored: Site) -> None:
    again = run("credentials", "set", "Priv", *ACCOUNT, stdin=b"other")
    assert (again.exit_code, password(stored)) == (2, SECRET)
    assert "--force" in again.stderr
    assert run("credentials", "set", "Priv", *ACCOUNT, "--force", stdin=b"other").exit_code == 0
    assert password(stored) == "other"


def test_rotate_keeps_the_account(run: Run, stored: Site) -> None:
    assert run("credentials", "rotate", "Priv", stdin=b"the next one\n").exit_code == 0
    assert password(stored) == "the next one"
    assert json.loads(run("credentials", "list", "--json").stdout)["credentials"][0]["domain"] == "FABRIKAM"


def test_one_that_is_used_stays(run: Run, stored: Site) -> None:
    with Engine.from_config(stored.folder / "mpf.toml") as engine:
        engine.administration.assign("Shelf::Put", "Priv", "root")
    refused = run("credentials", "remove", "Priv")
    assert (refused.exit_code, password(stored)) == (2, SECRET)
    assert "Shelf::Put" in refused.stderr
    assert "Shelf::Put" in run("credentials", "list").stdout


def test_remove(run: Run, stored: Site) -> None:
    assert run("credentials", "remove", "Priv").exit_code == 0
    assert password(stored) is None
    assert json.loads(run("credentials", "list", "--json").stdout) == {"credentials": []}


@pytest.mark.parametrize("command", ["rotate", "remove"])
def test_an_unknown_one(run: Run, site: Site, command: str) -> None:
    done = run("credentials", command, "Nobody", stdin=b"x")
    assert done.exit_code == 1
    assert "Nobody" in done.stderr


def test_without_a_password_nothing_is_stored(run: Run, site: Site) -> None:
    done = run("credentials", "set", "Priv", *ACCOUNT, stdin=b"\n")
    assert (done.exit_code, password(site)) == (2, None)


@pytest.mark.parametrize(
    ("given", "why"), [(b"\xff\xfe\n", "not UTF-8"), (b"one\ntwo\n", "several lines"), (b"\n", "no password")]
)
def test_what_is_no_password_is_refused(run: Run, trial: Path, given: bytes, why: str) -> None:
    result = run("credentials", "set", "Some", "--username", "some", stdin=given)
    assert result.exit_code == 2
    assert why in result.stderr
    assert "Some" not in run("credentials", "list").stdout
