"""Stored credentials: where they are found, and that no message shows one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpf_core.errors import ConfigError
from mpf_core.security.principal import Credentials
from mpf_policy.credentials import variable_name
from tests.policy.hosting import configured, hosting_tree

SECRET = "hunter2:with=everything"


def stored(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "credentials.toml"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    return path


ACCOUNT = f'["MPSPrivAcct-123456"]\nusername = "priv"\npassword = "{SECRET}"\ndomain = "FABRIKAM"\n'


def test_without_any_stored_nothing_is_found(tmp_path: Path) -> None:
    assert configured(hosting_tree(), tmp_path).mpf_credentials("directory") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"FABRIKAM\\svc:{SECRET}", Credentials("svc", SECRET, "FABRIKAM")),
        ("svc:x", Credentials("svc", "x")),
        ("svc@fabrikam.com:x", Credentials("svc@fabrikam.com", "x")),
        ("FABRIKAM\\svc:a\\b:c", Credentials("svc", "a\\b:c", "FABRIKAM")),
    ],
)
def test_the_environment_has_domain_user_and_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: Credentials
) -> None:
    monkeypatch.setenv("MPF_CREDENTIAL_DIRECTORY", value)
    assert configured(hosting_tree(), tmp_path).mpf_credentials("directory") == expected


def test_a_variable_is_named_in_capitals_and_underscores() -> None:
    assert variable_name("MPSPrivAcct-123456") == "MPF_CREDENTIAL_MPSPRIVACCT_123456"


@pytest.mark.parametrize("value", ["", "svc", "svc:", ":hunter2", "\\svc:hunter2", "FABRIKAM\\:hunter2"])
def test_a_variable_in_another_form_is_refused_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("MPF_CREDENTIAL_DIRECTORY", value)
    with pytest.raises(ConfigError, match="MPF_CREDENTIAL_DIRECTORY") as raised:
        configured(hosting_tree(), tmp_path).mpf_credentials("directory")
    assert "hunter2" not in str(raised.value)


def test_a_file_has_a_table_for_each(tmp_path: Path) -> None:
    stored(tmp_path, ACCOUNT)
    plugin = configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
    assert plugin.mpf_credentials("MPSPrivAcct-123456") == Credentials("priv", SECRET, "FABRIKAM")
    assert plugin.mpf_credentials("other") is None


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, ACCOUNT)
    monkeypatch.setenv("MPF_CREDENTIAL_MPSPRIVACCT_123456", "svc:other")
    plugin = configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
    assert plugin.mpf_credentials("MPSPrivAcct-123456") == Credentials("svc", "other")


def test_a_password_that_was_changed_in_the_file_counts_at_once(tmp_path: Path) -> None:
    path = stored(tmp_path, ACCOUNT)
    plugin = configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
    path.write_text(ACCOUNT.replace(SECRET, "new"), encoding="utf-8")
    found = plugin.mpf_credentials("MPSPrivAcct-123456")
    assert found is not None
    assert found.password == "new"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
def test_a_file_for_others_is_refused_at_the_start(tmp_path: Path, mode: int) -> None:
    stored(tmp_path, ACCOUNT, mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")


def test_a_file_that_was_opened_up_later_is_refused_from_then_on(tmp_path: Path) -> None:
    path = stored(tmp_path, ACCOUNT)
    plugin = configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        plugin.mpf_credentials("MPSPrivAcct-123456")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_account_is_refused(tmp_path: Path) -> None:
    os.chown(stored(tmp_path, ACCOUNT), 12345, -1)
    with pytest.raises(ConfigError, match="another account"):
        configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")


def test_a_file_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        configured(hosting_tree(), tmp_path, credentials_file="missing.toml")


@pytest.mark.parametrize(
    "content",
    [
        'svc = "hunter2"',
        '[svc]\npassword = "hunter2"',
        '[svc]\nusername = "svc"\npassword = ""',
        '[svc]\nusername = "svc"\npassword = "hunter2"\nhunter2 = "hunter2"'.replace("hunter2 =", "extra ="),
        '[svc]\nusername = "svc"\npassword = ["hunter2"]',
        '[svc]\npassword = "hunter2',
        '[svc]\npassword = "hunter2" "hunter2"',
    ],
)
def test_a_file_in_another_form_is_refused_without_what_is_in_it(tmp_path: Path, content: str) -> None:
    stored(tmp_path, content)
    with pytest.raises(ConfigError, match=r"credentials\.toml") as raised:
        configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, ACCOUNT)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not TOML"):
        configured(hosting_tree(), tmp_path, credentials_file="credentials.toml")
