"""Stored credentials and Execute As: the store keeps them encrypted, the audit says who changed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core import Config, ConfigError, Credentials, Engine
from mpf_core.administration import Administration, Assignment
from mpf_core.store.keys import create_key_file

SECRET = "pw-CANARY-93"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    create_key_file(tmp_path / "mpf.key")
    return Config.model_validate({"base_dir": tmp_path, "store": {"url": "sqlite:///mpf.db", "key_file": "mpf.key"}})


@pytest.fixture
def administration(config: Config) -> Administration:
    return Engine(config).administration


def put(administration: Administration, name: str = "Priv", password: str = SECRET) -> None:
    administration.put_credential(name, Credentials("account", password, "FABRIKAM"), "root")


def test_a_credential_is_there_for_every_engine_of_the_store(config: Config, administration: Administration) -> None:
    put(administration)
    other = Engine(config)
    assert other.runtime.credentials("Priv") == Credentials("account", SECRET, "FABRIKAM")
    assert other.services.credentials("Priv").password == SECRET
    assert [(one.name, one.username, one.domain, one.by) for one in other.administration.stored_credentials()] == [
        ("Priv", "account", "FABRIKAM", "root")
    ]


def test_it_is_in_clear_nowhere(tmp_path: Path, administration: Administration) -> None:
    put(administration)
    put(administration, password=f"{SECRET}-2")
    assert SECRET not in repr(administration.stored_credentials())
    files = [path for path in tmp_path.iterdir() if path.name != "mpf.key"]
    assert any(path.name.startswith("mpf.db") for path in files)
    assert not any(SECRET.encode() in path.read_bytes() for path in files if path.is_file())


def test_a_credential_in_use_cannot_be_removed(administration: Administration) -> None:
    put(administration)
    administration.assign("A::B", "Priv", "root")
    assert administration.assignments() == {"A::B": Assignment("Priv", "root", administration.assignments()["A::B"].at)}
    with pytest.raises(ConfigError, match="A::B run as it"):
        administration.remove_credential("Priv", "root")
    administration.assign("A::B", None, "root")
    assert administration.remove_credential("Priv", "root") is True
    assert administration.remove_credential("Priv", "root") is False
    assert administration.credential("Priv") is None


@pytest.mark.parametrize("credentials", [Credentials("", "x"), Credentials("x", "")])
def test_half_a_credential_is_refused(administration: Administration, credentials: Credentials) -> None:
    with pytest.raises(ConfigError):
        administration.put_credential("Priv", credentials, "root")
    assert administration.stored_credentials() == []


def test_changes_are_in_the_audit_without_what_is_secret(config: Config, administration: Administration) -> None:
    put(administration)
    administration.assign("A::B", "Priv", "somebody")
    administration.assign("A::B", None, "root")
    administration.remove_credential("Priv", "root")
    lines = [line.entry for line in Engine(config).store.audit.lines()]
    assert [(line.event, line.caller) for line in lines] == [
        ("credentials.set", "root"),
        ("execute-as", "somebody"),
        ("execute-as", "root"),
        ("credentials.remove", "root"),
    ]
    assert SECRET not in repr(lines)
