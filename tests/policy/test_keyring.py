"""Credentials in the system's keyring, with a backend in memory in its place: never with the real one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from mpf_core import Credentials, Engine
from mpf_core.errors import ConfigError
from mpf_core.services import Services
from mpf_keyring import KeyringPlugin
from tests.cli.conftest import Run, run
from tests.policy.keyrings import Memory, ring, use

__all__ = ["ring", "run", "use"]  # fixtures

SECRET = "pw:CANARY-\\17"
ACCOUNT = ("--username", "MPSPrivAcct-123456", "--domain", "FABRIKAM", "--keyring")
CONFIG = """[plugins]
enabled = ["mpf.keyring"]
[plugins."mpf.keyring"]
names = ["Priv", "Other"]
[store]
url = "sqlite:///mpf.db"
"""


@pytest.fixture
def site(run: Run, tmp_path: Path) -> Path:
    (tmp_path / "mpf.toml").write_text(CONFIG)
    return tmp_path


def plugin(*names: str, service: str = "mpf") -> KeyringPlugin:
    made = KeyringPlugin()
    made.mpf_configure({"names": list(names), "service": service}, Services(Path(), lambda _name: Credentials("x", "y")))
    return made


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("FABRIKAM\\priv:p:w", Credentials("priv", "p:w", "FABRIKAM")),
        ("priv@fabrikam.com:pw", Credentials("priv@fabrikam.com", "pw")),
    ],
)
def test_an_entry_made_by_hand(ring: Memory, entry: str, expected: Credentials) -> None:
    keyring.set_password("panel", "Priv", entry)
    found = plugin("Priv", service="panel").mpf_credentials("Priv")
    assert found == expected


def test_only_names_of_the_settings_are_looked_for(ring: Memory) -> None:
    keyring.set_password("mpf", "Other", "a:b")
    made = plugin("Priv")
    assert (made.mpf_credentials("Other"), made.mpf_credentials("Priv"), ring.asked) == (None, None, ["Priv"])
    assert list(made.mpf_credential_names()) == ["Priv"]


def test_an_entry_that_is_none_is_named_and_not_shown(ring: Memory) -> None:
    keyring.set_password("mpf", "Priv", SECRET.replace(":", ""))
    with pytest.raises(ConfigError, match="'Priv' of 'mpf'") as caught:
        plugin("Priv").mpf_credentials("Priv")
    assert "CANARY" not in str(caught.value)


def test_an_engine_asks_it(ring: Memory, site: Path) -> None:
    keyring.set_password("mpf", "Priv", "FABRIKAM\\priv:pw")
    (site / "mpf.toml").write_text(CONFIG.replace("sqlite:///mpf.db", "memory:"))
    with Engine.from_config(site / "mpf.toml") as engine:
        assert engine.services.credentials("Priv") == Credentials("priv", "pw", "FABRIKAM")
        with pytest.raises(ConfigError):
            engine.services.credentials("Other")


def test_without_a_backend_it_says_what_is_missing(use: Callable[[keyring.backend.KeyringBackend], None]) -> None:
    use(keyring.backends.fail.Keyring())
    with pytest.raises(ConfigError, match="there is no keyring"):
        plugin("Priv").mpf_credentials("Priv")


def test_a_locked_one_is_not_quoted(ring: Memory) -> None:
    keyring.set_password("mpf", "Priv", f"priv:{SECRET}")
    ring.locked = True
    with pytest.raises(ConfigError, match="locked") as caught:
        plugin("Priv").mpf_credentials("Priv")
    assert "CANARY" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match="pip install 'mpf-core\\[keyring\\]'"):
        plugin("Priv").mpf_credentials("Priv")


def listed(run: Run) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("credentials", "list", "--json").stdout)["credentials"]
    return found


def test_set_list_rotate_and_remove(run: Run, site: Path, ring: Memory) -> None:
    done = run("credentials", "set", "Priv", *ACCOUNT, stdin=SECRET.encode() + b"\n")
    assert (done.exit_code, done.stderr) == (0, "")
    assert ring.entries == {("mpf", "Priv"): f"FABRIKAM\\MPSPrivAcct-123456:{SECRET}"}
    (one,) = listed(run)
    assert (one["name"], one["username"], one["domain"], one["kept_in"]) == (
        "Priv", "MPSPrivAcct-123456", "FABRIKAM", "keyring",
    )  # fmt: skip
    shown = run("credentials", "list").stdout
    assert "keyring" in shown
    assert "CANARY" not in shown
    again = run("credentials", "set", "Priv", *ACCOUNT, stdin=b"x")
    assert (again.exit_code, "--force" in again.stderr) == (2, True)
    assert run("credentials", "rotate", "Priv", "--keyring", stdin=b"next\n").exit_code == 0
    assert ring.entries["mpf", "Priv"] == "FABRIKAM\\MPSPrivAcct-123456:next"
    assert run("credentials", "remove", "Priv", "--keyring").exit_code == 0
    assert (ring.entries, listed(run)) == ({}, [])
    gone = run("credentials", "remove", "Priv", "--keyring")
    assert (gone.exit_code, "in the keyring" in gone.stderr) == (1, True)
    audit = json.loads(run("audit", "list", "--json").stdout)
    events = [line["event"] for line in audit["lines"]] if isinstance(audit, dict) else [line["event"] for line in audit]
    assert events.count("credentials.set") == 2
    assert events.count("credentials.remove") == 1


def test_one_that_is_used_stays(run: Run, site: Path, ring: Memory) -> None:
    run("credentials", "set", "Priv", *ACCOUNT, stdin=b"x\n")
    with Engine.from_config(site / "mpf.toml") as engine:
        engine.administration.assign("Shelf::Put", "Priv", "root")
    assert run("credentials", "remove", "Priv", "--keyring").exit_code == 2
    assert ("mpf", "Priv") in ring.entries


def test_a_name_that_it_is_not_told_of_is_not_kept(run: Run, site: Path, ring: Memory) -> None:
    done = run("credentials", "set", "Third", *ACCOUNT, stdin=b"x\n")
    assert (done.exit_code, ring.entries, ring.asked) == (2, {}, [])
    assert "'Third'" in done.stderr


def test_a_name_with_a_colon_could_not_be_read_again(run: Run, site: Path, ring: Memory) -> None:
    done = run("credentials", "set", "Priv", "--username", "a:b", "--keyring", stdin=b"x\n")
    assert (done.exit_code, ring.entries) == (2, {})


def test_without_the_plugin(run: Run, site: Path) -> None:
    (site / "mpf.toml").write_text("")
    done = run("credentials", "set", "Priv", *ACCOUNT, stdin=b"x\n")
    assert (done.exit_code, "mpfctl plugins enable mpf.keyring" in done.stderr) == (2, True)
